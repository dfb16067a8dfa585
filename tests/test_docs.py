"""What the pages say is held against the code: links, commands, routes, numbers."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from mediatheque.__main__ import commands
from tests.support import Server

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda it: it.name)


@EVERY_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@EVERY_PAGE
def test_every_make_target_is_one(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)) <= targets


def options(command: Any) -> set[str]:
    """Of a command, or of all the commands of a group."""
    own = {option for it in command.params for option in it.opts + it.secondary_opts}
    return own.union(*map(options, getattr(command, "commands", {}).values()))


@EVERY_PAGE
def test_every_command_and_option_is_one(page: Path) -> None:
    group = typer.main.get_command(commands)
    known = {name: options(command) for name, command in group.commands.items()}  # type: ignore[attr-defined]
    for name, rest in re.findall(r"mediatheque ([a-z]+)([^`|\n]*)", page.read_text()):
        if name in known or "`mediatheque " + name in page.read_text():
            assert name in known, name
            assert set(re.findall(r"--[a-z-]+", rest)) <= known[name], name


def test_every_decision_has_its_number_and_every_number_its_decision() -> None:
    names = sorted(it.name for it in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    for name in names:
        assert (ROOT / "docs" / "decisions" / name).read_text().startswith(f"# {name[:4]}. ")
    for page in PAGES:
        for number in re.findall(r"\(decision (\d{4})\)", page.read_text()):
            assert any(name.startswith(number) for name in names), f"{page.name}: {number}"


def test_the_routes_that_the_readme_says_are_there_today_are_there(server: Server) -> None:
    _, _, rest = (ROOT / "README.md").read_text().partition("\n## What is there\n")
    today = [row for row in rest.partition("\n## ")[0].splitlines() if row.startswith("- ")]
    with server.client(None) as client:
        paths = client.get("/openapi.json").json()["paths"]
    named = [path for row in today for path in re.findall(r"`(?:[A-Z]+ )?(/[a-z0-9{}_/]+)`", row)]
    assert len(named) >= 10
    assert all(any(path.startswith(name.partition("{")[0]) for path in paths) for name in named)


def test_every_row_of_the_catalogues_names_a_test_that_is_there_or_a_reason() -> None:
    page = (ROOT / "docs" / "scale.md").read_text()
    rows = re.findall(r"^\| ([A-Z])(\d+) \|.*\| (.+) \|$", page, re.MULTILINE)
    counts = {"A": 12, "B": 19, "C": 12, "D": 10, "E": 18, "G": 9, "M": 10, "P": 8, "F": 30}
    for family, count in counts.items():
        assert [int(number) for name, number, _ in rows if name == family] == list(range(1, count + 1))
    for family, number, shown in rows:
        named = re.fullmatch(r"`(tests/[^`]+)`: `(\w+)`", shown)
        if named is None:
            assert shown.endswith("."), f"{family}{number} has neither a test nor a reason"
        else:
            assert f"def {named[2]}(" in (ROOT / named[1]).read_text(), f"{family}{number}: {named[2]}"

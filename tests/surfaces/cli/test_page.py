"""docs/cli.md says what the commands are, and every option has a variable of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from mediatheque.__main__ import commands
from mediatheque.settings import PREFIX, Settings
from mediatheque.surfaces.cli.exits import MEANINGS

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def leaves(group: Any, name: str = "MEDIATHEQUE") -> Iterator[tuple[str, Any]]:
    """Every command, and the prefix of its options' variables."""
    for word, command in group.commands.items():
        path = f"{name}_{word.upper()}"
        yield from leaves(command, path) if hasattr(command, "commands") else [(path, command)]


def test_the_exit_codes_of_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert {int(code): text for code, text in rows} == {int(code): text for code, text in MEANINGS.items()}


def test_every_command_is_on_the_page() -> None:
    text = PAGE.read_text()
    for path, _ in leaves(typer.main.get_command(commands)):
        words = path.removeprefix("MEDIATHEQUE_").lower().replace("_", " ")
        assert f"`mediatheque {words}" in text, words


def test_every_option_has_a_variable_and_none_is_a_setting_of_the_server() -> None:
    variables: dict[str, set[str]] = {}
    for path, command in leaves(typer.main.get_command(commands)):
        for option in command.params:
            if option.param_type_name == "option" and option.name != "help":
                name = option.envvar or f"{path}_{option.name.upper()}"
                variables.setdefault(str(name), set()).add(path)
    assert not set(variables) & {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    shared = {name for name, users in variables.items() if len(users) > 1}
    assert shared == {"MEDIATHEQUE_URL", "MEDIATHEQUE_API_KEY", "MEDIATHEQUE_JSON", "MEDIATHEQUE_ROOM"}


def test_the_command_line_starts_without_the_server() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'pydantic', 'httpx', 'alembic', 'numpy'}"
    code = f"import sys, mediatheque.__main__; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert answer.stdout == "[]\n", answer.stderr

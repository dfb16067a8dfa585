"""The pages as a site: built with every link checked, with every route in it, and nothing asked of another host."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Strict: a link or an anchor that leads nowhere, or a page that the navigation leaves out, ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Asked(HTMLParser):
    """What a browser fetches by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.places: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        of = dict(attributes)
        fetched = of.get("src") if tag in {"script", "img", "iframe", "source"} else None
        if tag == "link" and (of.get("rel") or "") not in {"canonical", "prev", "next"}:
            fetched = of.get("href")
        self.places += [fetched] if fetched else []


def test_no_page_asks_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    asked = {place for page in pages for place in Asked(page).places}
    assert asked and not [it for it in asked if re.match(r"(?:https?:)?//", it)]


def test_every_route_is_in_the_reference(site: Path) -> None:
    document = json.loads((site / "api" / "openapi.json").read_text())
    page = (site / "api" / "routes.md").read_text()
    named = set(re.findall(r"^\| `([A-Z]+)` \| `([^`]+)` \| \S", page, re.MULTILINE))
    routes = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert len(routes) > 150
    assert routes == named
    assert "openapi.json" in (site / "api" / "all.html").read_text()


def test_models_find_every_page_in_words(site: Path) -> None:
    told = re.findall(r"^- \[(.+)\]\((.+\.md)\): (.+)$", (site / "llms.txt").read_text(), re.MULTILINE)
    pages = {it.relative_to(ROOT / "docs").as_posix() for it in ROOT.glob("docs/**/*.md")}
    assert {path for _, path, _ in told} == pages | {"api/routes.md"}
    for _, path, _ in told:
        assert (site / path).read_text().startswith("# ")

"""Every screen in both themes, wide and narrow: axe finds no violation, and nothing is wider than the window."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support import Server

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCREENS = {
    "library": "gridcell", "library?q=nothing-like-this": "heading", "images": "gridcell", "documents": "heading",
    "trash": "heading", "links": "heading", "uploads": "heading", "artifacts": "heading", "apis": "heading",
    "operations/health": "heading", "operations/storage": "heading", "operations/providers": "heading",
    "operations/users": "table", "operations/keys": "table", "operations/jobs": "heading",
    "tags": "heading", "operations/audit": "table", "nowhere": "heading",
}  # fmt: skip
PANELS = (
    ("links to share", "artifacts/{artifact}", "Share"),
    ("members", "artifacts?room={room}", "Members and settings"),
    ("new key", "operations/keys", "Make a key"),
    ("new profile", "operations/storage", "Add a profile"),
)
"""What, where, and the button that opens it."""
SHADES = ("light", "dark")


def violations(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("(rules) => axe.run(document, rules)", RULES)
    return [f"{it['id']}: {it['nodes'][0]['html'][:150]} {it['nodes'][0]['any'][:1]}" for it in found["violations"]]


@pytest.mark.parametrize("shade", SHADES)
def test_no_screen_keeps_anybody_out(page: Page, library: list[str], shade: Any) -> None:
    page.emulate_media(color_scheme=shade, reduced_motion="reduce")
    found = {}
    for path, shows in SCREENS.items():
        page.goto(f"/console/{path}")
        expect(page.get_by_role("main").get_by_role(shows).first).to_be_visible()  # type: ignore[arg-type]
        page.wait_for_load_state("networkidle")
        found[path] = violations(page)
    assert {path: some for path, some in found.items() if some} == {}


@pytest.mark.parametrize("shade", SHADES)
def test_no_panel_keeps_anybody_out(page: Page, library: list[str], room: str, shade: Any) -> None:
    page.emulate_media(color_scheme=shade, reduced_motion="reduce")
    page.goto("/console/library")
    page.get_by_role("gridcell").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("i")
    expect(page.get_by_role("complementary", name="Inspector").get_by_role("heading", name="Activity")).to_be_visible()
    found = {"inspector": violations(page)}
    page.keyboard.press("?")
    found["keys"] = violations(page)
    page.goto(f"/console/library?file={library[0]}")
    expect(page.locator(".sheet img")).to_be_visible()
    found["viewer"] = violations(page)
    page.goto(f"/console/artifacts/{room}")
    expect(page.get_by_role("complementary", name="Versions").get_by_role("listitem").first).to_be_visible()
    found["artifact"] = violations(page)
    page.get_by_role("button", name="Edit").click()
    found["editor"] = violations(page)
    for place, path, button in PANELS:
        page.goto(f"/console/{path.format(room=room.split('/')[0], artifact=room)}")
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state("networkidle")
        found[place] = violations(page)
    assert {place: some for place, some in found.items() if some} == {}


def test_every_screen_fits_a_phone(page: Page, library: list[str]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    wide = []
    for path, shows in SCREENS.items():
        page.goto(f"/console/{path}")
        expect(page.get_by_role("main").get_by_role(shows).first).to_be_visible()  # type: ignore[arg-type]
        if page.evaluate("() => document.querySelector('main').scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Images").click()
    expect(page.get_by_role("heading", name="Images")).to_be_visible()


def test_the_way_in_keeps_nobody_out(stranger: Page, server: Server) -> None:
    stranger.goto("/")
    expect(stranger.get_by_role("button", name="Sign in")).to_be_visible()
    assert violations(stranger) == []


@pytest.fixture(scope="module")
def room(server: Server) -> str:
    """An artifact with two versions: `room id/artifact id`."""
    with server.client() as client:
        made = client.post("/v1/rooms", json={"name": "Plans"}).json()["data"]["id"]
        tools = f"/v1/rooms/{made}/tools"
        first = _told(
            client.post(f"{tools}/create_artifact", json={"title": "Notes", "content": "# Notes\n\nOne `word`.\n"})
        )
        change = {
            "artifact_id": first["artifact_id"],
            "content": "# Notes\n\nTwo `words`.\n",
            "change_description": "More",
        }
        _told(client.post(f"{tools}/update_artifact", json=change))
    return f"{made}/{first['artifact_id']}"


def _told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code < 300, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data

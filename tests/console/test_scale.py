"""A library of ten thousand files, and of a hundred thousand: what a browser holds does not grow with it."""

import base64
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.sweeping import LIST, SWEEP, TILE, crowded, go_to, held, listings
from tests.pictures import picture
from tests.support import wait_for

PER_PAGE = 100
MANY, VERY_MANY = 10_000, 100_000
MOST_ELEMENTS = 6000
MOST_GROWTH_MB = 16
FEW_REQUESTS = 12
DROP = """(bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (it) => it.charCodeAt(0))], "late.jpg", {type: "image/jpeg"}));
  const options = {dataTransfer: data, bubbles: true, cancelable: true};
  for (const name of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(name, options));
}"""


@pytest.fixture(scope="module", params=[MANY, pytest.param(VERY_MANY, marks=pytest.mark.slow)])
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, int]]:
    """Address, key and number of files of a server."""
    with crowded(tmp_path_factory.mktemp("crowd"), request.param) as (server, key):
        yield server.url, key, request.param


@pytest.fixture
def page(browser: Browser, crowd: tuple[str, str, int]) -> Iterator[Page]:
    """The library, signed in, on a large screen with small pictures."""
    url, key, _ = crowd
    context = browser.new_context(base_url=url, viewport={"width": 1600, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(30_000)
    kept = {"mediatheque.credential": json.dumps({"kind": "key", "key": key})}
    page.add_init_script(f"Object.assign(sessionStorage, {json.dumps(kept)}); localStorage['mediatheque.density'] = "
                         "'\"small\"'")  # fmt: skip
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto("/console/library")
    expect(page.locator(TILE).first).to_be_visible()
    yield page
    context.close()
    assert trouble == []


def named(number: int) -> str:
    """What the generator ends the name of its file with that number with."""
    return f"-{number:07}.jpg"


def focused(page: Page) -> int:
    """The index of the file that has the focus; it follows a key by a frame or two."""
    return int(page.evaluate("() => document.activeElement?.dataset.index ?? -1"))


def test_going_through_all_of_it_holds_no_more_than_a_part(page: Page, crowd: tuple[str, str, int]) -> None:
    total = min(crowd[2], MANY)
    if crowd[2] > MANY:  # the sweep takes its time: a hundred thousand are gone through from near their end
        go_to(page, 1 - MANY / crowd[2])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.wait_for_load_state("networkidle")
    before = held(session)
    asked = listings(page)
    seen = page.evaluate(SWEEP)
    expect(page.get_by_role("gridcell", name=named(0))).to_be_visible()
    assert held(session) - before < MOST_GROWTH_MB
    assert seen["elements"] < MOST_ELEMENTS
    assert total / PER_PAGE * 0.9 < len(set(asked)) <= total / PER_PAGE + FEW_REQUESTS
    assert len(asked) - len(set(asked)) < FEW_REQUESTS
    page.locator(TILE).first.focus()
    asked.clear()
    with page.expect_request(lambda it: LIST in it.url):  # what was first in sight was let go
        page.keyboard.press("Home")
    expect(page.get_by_role("gridcell", name=named(crowd[2] - 1))).to_be_focused()
    assert len(asked) < FEW_REQUESTS


def test_keys_lead_over_the_whole_list_and_what_is_selected_stays(page: Page, crowd: tuple[str, str, int]) -> None:
    total = crowd[2]
    asked = listings(page)
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(page.get_by_role("gridcell", name=named(0))).to_be_focused()
    expect(page.get_by_role("gridcell", name=named(0))).to_be_in_viewport()
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Selection")).to_contain_text("2 files selected")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    wait_for(lambda: total - 10 * PER_PAGE < focused(page) < total - 40, "the focus two windows above the end")
    page.keyboard.press("Home")
    first = page.get_by_role("gridcell", name=named(total - 1))
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("PageDown")
    wait_for(lambda: focused(page) > 20, "the focus a window below the beginning")
    assert len(asked) < FEW_REQUESTS


def test_the_table_leads_to_its_end_too(page: Page) -> None:
    page.keyboard.press("t")
    row = page.locator("[role=row][tabindex='0']")
    row.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("row", name=named(0))).to_be_focused()
    assert page.locator("*").count() < MOST_ELEMENTS
    page.keyboard.press("t")


def test_the_place_is_kept_on_the_way_back(page: Page) -> None:
    go_to(page, 0.5)
    expect(page.locator(f"{TILE}[data-index='0']")).to_have_count(0)  # it has seen that somebody scrolled
    expect(page.locator(f"{TILE}[aria-busy=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    middle = page.locator(TILE).nth(page.locator(TILE).count() // 2)
    name, before = str(middle.get_attribute("aria-label")), middle.bounding_box()
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Uploads", exact=True).first).to_be_visible()
    page.go_back()
    again = page.get_by_role("gridcell", name=name)
    expect(again).to_be_visible()
    after = again.bounding_box()
    assert before and after
    assert abs(after["y"] - before["y"]) <= 2


def test_what_comes_in_asks_for_what_is_in_sight_alone(page: Page, crowd: tuple[str, str, int]) -> None:
    page.evaluate("() => { document.querySelector('.canvas').scrollTop = 4000 }")
    expect(page.locator(f"{TILE}[aria-busy=true]")).to_have_count(0)
    page.evaluate("() => { document.querySelector('.canvas').scrollTop = 0 }")
    page.wait_for_load_state("networkidle")
    asked = listings(page)
    page.evaluate(DROP, base64.b64encode(picture("JPEG", 320, 200, seed=crowd[2])).decode())
    expect(page.get_by_role("gridcell", name="late.jpg")).to_be_visible()
    expect(page.get_by_role("heading", name="Library")).to_contain_text(f"{crowd[2] + 1:,} files")
    assert 1 <= len(set(asked)) <= 5

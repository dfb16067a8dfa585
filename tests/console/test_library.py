"""What a person does with the library in a browser: coming in, uploading, looking, deleting, restoring."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.console.conftest import PASSWORD
from tests.support import ADMIN_KEY


def test_the_way_in_by_password_and_out_again(stranger: Page, library: list[str]) -> None:
    stranger.goto("/")
    stranger.get_by_label("Name").fill("admin")
    stranger.get_by_label("Password", exact=True).fill("wrong")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.locator("#problem")).not_to_be_empty()
    stranger.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("grid", name="Library")).to_be_visible()
    stranger.get_by_role("button", name="Sign out").click()
    expect(stranger.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_way_in_by_key(stranger: Page, library: list[str]) -> None:
    stranger.goto("/console/library")
    stranger.get_by_role("button", name="API key").click()
    stranger.get_by_label("API key", exact=True).fill("mt_live_no")
    stranger.keyboard.press("Enter")
    expect(stranger.locator("#problem")).not_to_be_empty()
    stranger.get_by_label("API key", exact=True).fill(ADMIN_KEY)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("gridcell").first).to_be_visible()
    stranger.reload()
    expect(stranger.get_by_role("gridcell").first).to_be_visible()


def test_uploads_become_ready_and_broken_ones_say_why(page: Page, library: list[str], photos: list[Path]) -> None:
    page.goto("/console/uploads")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose files").click()
    choosing.value.set_files(photos)
    tray = page.get_by_role("region", name="Uploads")
    expect(tray.get_by_text("ready", exact=True)).to_have_count(3, timeout=40_000)
    expect(tray.locator("li", has_text="broken.jpg").locator(".problem")).to_be_visible()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose files").click()
    choosing.value.set_files(photos[0])
    expect(tray.get_by_text("in the library already")).to_be_visible()
    tray.get_by_role("button", name="Skip").click()
    page.goto("/console/library")
    expect(page.get_by_role("gridcell", name=photos[0].name)).to_be_visible()


def test_the_library_by_keyboard_alone(page: Page, library: list[str]) -> None:
    page.goto("/console/library")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog")
    expect(viewer).to_be_visible()
    expect(viewer.locator(".sheet img")).to_be_visible()
    first = viewer.get_by_role("heading").inner_text()
    page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("heading").first).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    page.locator("[role=gridcell][tabindex='0']").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("region", name="Selection")).to_contain_text("2 files selected")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys that work here")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("i")
    expect(page.get_by_role("complementary", name="Inspector")).to_be_visible()


def test_tagging_deleting_and_restoring(page: Page, library: list[str]) -> None:
    page.goto("/console/library")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.locator("[role=gridcell][tabindex='0']").focus()
    name = str(page.locator("[role=gridcell][tabindex='0']").get_attribute("aria-label")).split(",")[0]
    page.keyboard.press("Space")
    selection = page.get_by_role("region", name="Selection")
    selection.get_by_role("button", name="Tag").click()
    page.get_by_label("Tags to add").fill("seaside, blue")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 file tagged").first).to_be_visible()
    page.goto("/console/library?tag=seaside")
    expect(page.get_by_role("gridcell")).to_have_count(1)
    page.get_by_role("gridcell").focus()
    page.keyboard.press("Space")
    expect(selection).to_be_visible()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.goto("/console/trash")
    page.get_by_role("gridcell", name=name).first.focus()
    page.keyboard.press("Space")
    page.get_by_role("region", name="Selection").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("1 file restored").first).to_be_visible()
    page.goto("/console/library?tag=seaside")
    expect(page.get_by_role("gridcell")).to_have_count(1)


def test_a_search_says_why_and_can_be_cleared(page: Page, library: list[str]) -> None:
    page.goto("/console/library")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("photo-3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("gridcell", name="photo-3")).to_be_visible()
    expect(page.locator(".why").first).to_be_visible()
    page.get_by_role("searchbox").fill("nothing like this anywhere")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.get_by_role("gridcell").first).to_be_visible()

"""What a person does on a first day, in a browser that came to another address than the public one.

With models, a real S3 server and a web site; the first story is told twice, once by keyboard alone.
"""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page, expect

from tests import servers
from tests.console.conftest import PASSWORD
from tests.pictures import picture
from tests.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY
from tests.support import Server, upload, wait_for
from tests.vision import KEY, Vision, stand_in

PUBLIC = "http://library.invalid"
"""What the server calls itself; no page of these tests can reach it."""
SIGN = "The ferry leaves the harbour at nine"
BROKEN = {"torn.jpg": picture("JPEG", 400, 300, seed=77)[:900], "noise.jpg": b"\xff\xd8\xff\xe0 this is no picture"}
DROP = """(files) => {
    const dropped = new DataTransfer();
    for (const [name, text] of files) {
        const bytes = Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
        dropped.items.add(new File([bytes], name, { type: "image/jpeg" }));
    }
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""
MODEL_SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        "MEDIATHEQUE_ADMIN_PASSWORD": PASSWORD,
        "MEDIATHEQUE_PUBLIC_URL": PUBLIC,
        "MEDIATHEQUE_MODELS": "on",
        "MEDIATHEQUE_CRAWL_ALLOW": servers.site().place,
        "MEDIATHEQUE_CRAWL_PAUSE_SECONDS": "0",
        "MEDIATHEQUE_ENDPOINT_ALLOW": "127.0.0.1",
    }
    running = Server(tmp_path_factory.mktemp("stories") / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def vision() -> Iterator[Vision]:
    with stand_in() as vision:
        yield vision


def sign(text: str = SIGN) -> bytes:
    """A picture with a text in it."""
    image = Image.new("RGB", (1300, 300), (18, 52, 86))
    ImageDraw.Draw(image).text((40, 110), text, (255, 255, 255), ImageFont.load_default(64))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def photos(count: int) -> dict[str, bytes]:
    return {f"day-{number}.jpg": picture("JPEG", 300 + number, 220, seed=900 + number) for number in range(count)}


def drop(page: Page, files: dict[str, bytes]) -> None:
    page.evaluate(DROP, [[name, base64.b64encode(data).decode()] for name, data in files.items()])


def test_the_first_day(stranger: Page) -> None:
    page = stranger
    page.goto("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    tray = page.get_by_role("region", name="Uploads")

    drop(page, {"seen-before.jpg": picture("JPEG", 200, 150, seed=500)})
    expect(tray.get_by_text("1 file uploaded")).to_be_visible(timeout=40_000)
    lot = photos(26) | {"sign.jpg": sign(), "again.jpg": picture("JPEG", 200, 150, seed=500)} | BROKEN
    assert len(lot) == 30
    drop(page, lot)
    for name in BROKEN:
        expect(tray.locator("li", has_text=name).locator(".problem")).to_be_visible(timeout=30_000)
    again = tray.locator("li", has_text="again.jpg")
    expect(again.get_by_text("in the library already")).to_be_visible()
    again.get_by_role("button", name="Skip").click()
    expect(tray.get_by_text("28 files uploaded, 2 failed")).to_be_visible(timeout=30_000)
    expect(tray.get_by_text("ready", exact=True)).to_have_count(28, timeout=MODEL_SECONDS * 1000)
    tray.get_by_role("button", name="Close the uploads").click()
    expect(page.get_by_role("main").get_by_role("heading", name="28 files")).to_be_visible()

    search(page, "ferry harbour")
    hit = page.get_by_role("gridcell", name="sign.jpg")
    expect(hit).to_be_visible(timeout=MODEL_SECONDS * 1000)
    expect(hit.locator(".why")).to_contain_text(re.compile("ferry", re.IGNORECASE))
    search(page, "boat departure time")
    page.get_by_label("Search by").select_option("semantic")
    expect(page.get_by_role("gridcell").first).to_have_attribute("aria-label", re.compile(r"^sign\.jpg"))
    expect(page.locator(".why").first).to_contain_text("alike")

    page.get_by_role("button", name="New folder").click()
    page.get_by_label("Name").fill("holidays")
    page.get_by_role("button", name="Create").click()
    folder = page.get_by_role("link", name=re.compile("holidays"))
    expect(folder).to_be_visible()
    page.get_by_role("link", name="Images").click()
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.keyboard.press("Control+a")
    selection = page.get_by_role("region", name="Selection")
    expect(selection).to_contain_text("28 files selected")
    selection.get_by_role("button", name="Tag").click()
    page.get_by_label("Tags to add").fill("first day")
    page.get_by_role("button", name="Add tags").click()
    expect(page.get_by_text("28 files tagged").first).to_be_visible()
    selection.get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_role("button", name="holidays").click()
    expect(page.get_by_text("28 files moved").first).to_be_visible()

    page.get_by_role("link", name="Tags").click()
    page.get_by_role("link", name=re.compile(r"first day\s*28 files")).click()
    tile = page.get_by_role("gridcell", name="day-3.jpg")
    tile.click(modifiers=["Control"])
    selection.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Move to the trash").click()
    expect(tile).to_be_hidden()
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("gridcell", name="day-3.jpg").click(modifiers=["Control"])
    selection.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("1 file restored").first).to_be_visible()
    folder.click()
    expect(tile).to_be_visible()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    page.keyboard.press("Enter")


def test_a_link_is_saved_and_its_snapshot_read(page: Page) -> None:
    page.goto("/console/links")
    page.get_by_placeholder("https://…").fill(servers.site().url("/page.html"))
    page.get_by_role("button", name="Save").click()
    saved = page.get_by_role("main").get_by_role("button", name=re.compile("What it is about"))
    expect(saved).to_contain_text("Completed", timeout=40_000)
    saved.click()
    page.get_by_role("complementary", name="Inspector").get_by_role("button", name="Read").click()
    expect(page.get_by_role("dialog", name="What the page said")).to_contain_text("The wombat sleeps")


def test_places_and_models_are_added_and_tried(page: Page, vision: Vision) -> None:
    page.goto("/console/operations/storage")
    page.get_by_role("button", name="Add a profile").click()
    fields = {"Name": "bucket", "Endpoint": servers.seaweed().endpoint, "Bucket": BUCKET, "Region": "us-east-1",
              "Access key": ACCESS_KEY, "Secret key": SECRET_KEY}  # fmt: skip
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Add the profile").click()
    profile = page.get_by_role("main").get_by_role("listitem").filter(has_text="bucket").first
    profile.get_by_role("button", name="Test").click()
    expect(profile.locator(".tag.good").nth(1)).to_be_visible(timeout=30_000)
    expect(profile.locator(".tag.bad")).to_have_count(0)
    page.goto("/console/operations/providers")
    page.get_by_role("button", name="Add a provider").click()
    for label, value in {"Name": "eyes", "Address": vision.url, "API key": KEY, "Model": "see-1"}.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Add the provider").click()
    provider = page.get_by_role("main").get_by_role("listitem").filter(has_text="eyes")
    expect(provider).not_to_contain_text(KEY)
    provider.get_by_role("button", name="Test").click()
    expect(provider.get_by_text("A test picture")).to_be_visible()
    provider.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Forget").click()
    expect(provider).to_be_hidden()


def test_a_key_is_made_used_and_revoked(page: Page, server: Server) -> None:
    page.goto("/console/operations/keys")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_label("What it is for").fill("nightly import")
    page.get_by_role("button", name="Make the key").click()
    shown = page.get_by_role("dialog", name="Your new key")
    key = shown.locator("pre").inner_text()
    with server.client(key) as client:
        assert client.get("/api/v2/user-files").status_code == 200
        shown.get_by_role("button", name="I have copied it").click()
        wait_for(lambda: is_noted("nightly import", server), "the use of the key to be noted")
        page.reload()
        row = page.get_by_role("row").filter(has_text="nightly import")
        expect(row).to_contain_text("just now")
        assert key not in page.content()
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_contain_text("revoked")
        assert client.get("/api/v2/user-files").status_code == 401


def is_noted(name: str, server: Server) -> bool:
    """Whether the use of that key is: it is written down aside."""
    with server.client() as client:
        keys = client.get("/api/v1/keys").json()["data"]
    return any(it["name"] == name and it["lastUsedAtUtc"] for it in keys)


def test_usage_and_work_are_read(page: Page, server: Server) -> None:
    with server.client() as client:
        upload(client, picture("JPEG", 64, 64, seed=41), "counted.jpg")
    page.goto("/console/operations/health")
    figures = page.locator("dl.figures div").filter(has_text="Pictures")
    expect(figures.locator("dd")).to_have_text(re.compile(r"^[1-9]"))
    expect(page.get_by_role("main")).to_contain_text("image/jpeg")
    page.goto("/console/operations/jobs")
    expect(page.get_by_role("heading", name="Nothing has failed")).to_be_visible()


def test_the_work_is_paused_and_resumed(page: Page, server: Server) -> None:
    page.goto("/console/operations/jobs")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("main").get_by_role("status")).to_contain_text("descriptions, texts and crawls wait")
    with server.client() as client:
        path = "/api/v1/system/jobs"
        assert client.get(path).json()["data"]["pausedAtUtc"]
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        assert client.get(path).json()["data"]["pausedAtUtc"] is None


def test_a_room_has_members_and_a_document_links(page: Page, server: Server) -> None:
    with server.client() as client:
        body = {"username": "ann", "password": "a password of hers", "role": "user"}
        assert client.post("/api/v1/users", json=body).status_code == 201
        room = client.post("/v1/rooms", json={"name": "Harbour plans"}).json()["data"]["id"]
        tool = f"/v1/rooms/{room}/tools/create_artifact"
        made = client.post(tool, json={"title": "Piers", "content": "Seven of them.\n"}).json()["data"]["artifact_id"]
    page.goto(f"/console/artifacts?room={room}")
    page.get_by_role("button", name="Members and settings").click()
    settings = page.get_by_role("dialog", name="Harbour plans")
    settings.get_by_label("Somebody else").select_option("ann")
    settings.get_by_label("Power", exact=True).fill("20")
    settings.get_by_role("button", name="Add").click()
    expect(settings.get_by_label("Power of ann")).to_have_value("20")
    settings.get_by_label("Power that writing takes").fill("30")
    settings.get_by_role("button", name="Save the room").click()
    expect(settings).to_be_hidden()
    page.goto(f"/console/artifacts/{room}/{made}")
    page.get_by_role("button", name="Share").click()
    links = page.get_by_role("dialog", name="Links to share")
    links.get_by_role("button", name="Make a link").click()
    link = links.get_by_role("list", name="Links").locator("code").inner_text()
    with server.client(None) as anybody:
        path = link.removeprefix(PUBLIC)
        assert anybody.get(path).json()["data"]["content"] == "Seven of them.\n"
        links.get_by_role("button", name="Take back").click()
        expect(links.get_by_text("No link leads here yet.")).to_be_visible()
        assert not anybody.get(path).is_success


def test_the_first_story_by_keyboard_alone(stranger: Page, tmp_path: Path) -> None:
    page, name = stranger, "by-keyboard.jpg"
    file = tmp_path / name
    file.write_bytes(picture("JPEG", 330, 240, seed=4242))
    page.add_init_script("window.pressed = 0; addEventListener('pointerdown', () => window.pressed++, true)")
    page.goto("/")
    type_into(page.get_by_label("Name"), "admin")
    type_into(page.get_by_label("Password", exact=True), PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Library")).to_be_visible()

    page.keyboard.press("u")
    with page.expect_file_chooser() as choosing:
        press(page.get_by_role("button", name="Choose files"))
    choosing.value.set_files(file)
    tray = page.get_by_role("region", name="Uploads")
    expect(tray.get_by_text("ready", exact=True)).to_have_count(1, timeout=MODEL_SECONDS * 1000)

    page.keyboard.press("g")
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    tile = page.get_by_role("gridcell", name=name)
    press(tile)
    viewer = page.get_by_role("dialog")
    expect(viewer.locator(".sheet img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(tile).to_be_focused()

    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Selection")).to_be_visible()
    page.keyboard.press("#")
    expect(page.get_by_label("Tags to add")).to_be_focused()
    page.keyboard.type("no mouse")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 file tagged").first).to_be_visible()
    page.keyboard.press("Delete")
    press(page.get_by_role("button", name="Move to the trash"))
    expect(tile).to_be_hidden()

    press(page.get_by_role("link", name="Trash"))
    expect(tile).to_be_visible()
    reach(tile)
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Selection")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_text("1 file restored").first).to_be_visible()
    press(page.get_by_role("link", name="Tags"))
    press(page.get_by_role("link", name=re.compile(r"no mouse\s*1 file")))
    expect(tile).to_be_visible()
    assert page.evaluate("() => window.pressed") == 0


def reach(wanted: Locator) -> None:
    """Press Tab until it has the focus, as somebody without a mouse does."""
    expect(wanted).to_be_visible()
    for _ in range(80):
        if wanted.evaluate("(it) => it === document.activeElement"):
            return
        wanted.page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


def press(wanted: Locator) -> None:
    reach(wanted)
    wanted.page.keyboard.press("Enter")


def type_into(field: Locator, text: str) -> None:
    reach(field)
    field.page.keyboard.type(text)

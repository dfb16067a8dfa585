"""A server with a library of its own, and Debian's Chromium in front of it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from mediatheque.surfaces.console import BUILT
from tests.pictures import picture
from tests.support import ADMIN_KEY, Server, upload

PASSWORD = "a-password-for-the-console"
PATIENCE_MS = 30_000
"""Of everything that is waited for in a page: what is left to itself gives up after five seconds."""
FOLDERS = ("trips", "work")
PICTURES = 12
REFUSED = re.compile(r"status of 4|response code: 4|^Executing inline event handler")
"""What the browser and the uploader say of every refusal, whatever the page makes of it; the last of what the policy
blocks while a sanitizer looks at it."""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for the whole folder, on SQLite: which database lies below makes no difference to a page."""
    environment = {"MEDIATHEQUE_ADMIN_PASSWORD": PASSWORD}
    running = Server(tmp_path_factory.mktemp("console") / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="package")
def library(server: Server) -> list[str]:
    """Some pictures in it; their ids on `/api/v2`."""
    with server.client() as client:
        for number in range(PICTURES):
            width, height = 320 + 40 * (number % 5), 240 + 20 * (number % 7)
            upload(client, picture("JPEG", width, height, seed=number), f"photo-{number}.jpg")
        for name in FOLDERS:
            assert client.post("/api/v2/folders", json={"name": name}).status_code == 201
        found = client.get("/api/v2/user-files", params={"limit": 100}).json()["files"]
    return [it["id"] for it in found]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    if not (BUILT / "index.html").is_file():
        pytest.fail("the console is not built: run `make console`")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def stranger(browser: Browser, server: Server) -> Iterator[Page]:
    """A page of somebody who has not signed in. It may ask no other host, and say nothing on the console."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    trouble: list[str] = []

    def noticed(message: ConsoleMessage) -> None:
        if message.type == "error" and not REFUSED.search(message.text):
            trouble.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((server.url, "blob:", "data:")):
            trouble.append(f"asked {request.url}")

    page.on("console", noticed)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", asked)
    yield page
    context.close()
    assert trouble == []


@pytest.fixture
def page(stranger: Page) -> Page:
    """Signed in with the administrator's key."""
    credential = json.dumps({"kind": "key", "key": ADMIN_KEY})
    stranger.add_init_script(f"sessionStorage.setItem('mediatheque.credential', {json.dumps(credential)})")
    return stranger


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three pictures that nobody has, and a file that is none."""
    made = []
    for number in range(3):
        file = tmp_path / f"new-{tmp_path.name}-{number}.jpg"
        file.write_bytes(picture("JPEG", 300, 200, seed=hash(file.name)))
        made.append(file)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    return [*made, broken]

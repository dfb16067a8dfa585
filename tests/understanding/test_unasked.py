"""Pictures of `/v3/images` are understood, too, and its clients see no change of what they sent."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import DATABASES
from tests.pictures import picture
from tests.support import Server, upload, wait_for
from tests.surfaces.files.conftest import FILES
from tests.understanding.conftest import findings, is_done, needs
from tests.understanding.test_pictures import SIGN, sign


@pytest.fixture(scope="module", params=DATABASES)
def curious(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"MEDIATHEQUE_MODELS": "on", "MEDIATHEQUE_ENRICH_IMAGES": "on"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(f"curious-{request.param}") / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(curious: Server) -> Iterator[httpx.Client]:
    with curious.client() as it:
        yield it


def known(client: httpx.Client, image: dict[str, str]) -> str:
    """The image's id on the third dialect, when it has been understood."""
    files = client.get(FILES, params={"limit": 100}).json()["files"]
    file_id = next(it["id"] for it in files if it["filename"] == image["filename"])
    wait_for(lambda: is_done(client, file_id), "the description", 90)
    return str(file_id)


@needs("ocr")
def test_what_can_be_read_in_them_is_found(client: httpx.Client) -> None:
    image = upload(client, sign(), "board.png")
    file_id = known(client, image)
    assert findings(client, file_id)["visible_text"]["value"] == {"text": SIGN}
    hits = client.get(FILES, params={"search": "closed on monday"}).json()["files"]
    assert [it["id"] for it in hits] == [file_id]
    detail = client.get(f"{FILES}/{file_id}").json()
    assert SIGN in detail["upload_description"] and detail["description_status"] == "completed"


def test_their_own_door_shows_them_as_they_were_sent(client: httpx.Client) -> None:
    image = upload(client, picture("PNG", 300, 200, seed=3), "plain.png")
    file_id = known(client, image)
    assert client.get(f"/v3/images/{image['id']}").json() == image
    asset = client.get(f"/api/v1/assets/{file_id}").json()["data"]
    assert (asset["altText"], asset["latestExecutionSummary"]) == (None, None)


def test_what_a_person_writes_stays(client: httpx.Client) -> None:
    image = upload(client, picture("PNG", 310, 200, seed=4), "mine.png", alt_text="My own words")
    known(client, image)
    assert client.get(f"/v3/images/{image['id']}").json()["alt_text"] == "My own words"


def test_it_can_be_turned_off(server: Server) -> None:
    with server.client() as client:
        image = upload(client, picture("PNG", 320, 200, seed=5), "off.png")
        files = client.get(FILES, params={"limit": 100}).json()["files"]
        file_id = next(it["id"] for it in files if it["filename"] == image["filename"])
        assert client.get(f"{FILES}/{file_id}").json()["description_status"] == "skipped"

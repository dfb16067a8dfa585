"""The storage quota and what skills write: new bytes count like uploaded ones (running.md; contract, 2.4 and 5.3)."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from tests.conftest import DATABASES
from tests.pictures import picture
from tests.support import Server
from tests.surfaces.assets.test_skills import original, photo, plain, run
from tests.surfaces.test_dispatch import dispatched, ended
from tests.surfaces.test_uploads import upload as upload_input

QUOTA_BYTES = 80_000
REASON = "Storage quota exceeded"


@pytest.fixture(scope="module", params=DATABASES)
def narrow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"MEDIATHEQUE_STORAGE_QUOTA": str(QUOTA_BYTES), "MEDIATHEQUE_WORKERS": "1"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    server = Server(tmp_path_factory.mktemp("narrow") / "data", environment).start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def client(narrow: Server) -> Iterator[httpx.Client]:
    """An editor of a tenant of this test alone."""
    url = narrow.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{narrow.data_dir / 'mediatheque.db'}"
    database = Database(url)
    key = Accounts(database).create_key(f"tenant-{uuid.uuid4().hex[:12]}")
    database.close()
    with narrow.client(key.key) as it:
        yield it


def used(client: httpx.Client) -> int:
    return int(client.get("/api/v1/assets/usage-stats").json()["data"]["totalBytes"])


def convert(client: httpx.Client, asset: dict[str, Any], target: str, **more: Any) -> dict[str, Any]:
    return run(client, asset["id"], "format-convert", {"TargetFormat": target, **more})


def test_new_bytes_beyond_the_quota_fail_the_step_and_leave_the_asset(client: httpx.Client) -> None:
    data = picture("PNG", 300, 100)
    asset = plain(client, data)
    ended_ = convert(client, asset, "bmp")  # 90 kB
    assert ended_["succeeded"] is False
    assert ended_["steps"] == [{"name": "convert_image_format", "succeeded": False, "errorMessage": REASON}]
    assert (ended_["asset"]["checksumSha256"], ended_["asset"]["status"]) == (asset["checksumSha256"], "ready")
    assert ended_["asset"]["latestExecutionSummary"]["steps"][0]["errorMessage"] == REASON
    assert used(client) == len(data)
    assert original(client, asset) == data
    assert convert(client, asset, "webp")["succeeded"] is True


def test_a_kept_original_counts_beside_the_new_bytes(client: httpx.Client) -> None:
    first = plain(client, picture("PNG", 160, 100) + bytes(1000))
    grown = convert(client, first, "bmp")  # 48 kB
    assert grown["succeeded"] is True
    kept = convert(client, first, "tga", KeepOriginal=True)
    assert (kept["succeeded"], kept["steps"][0]["errorMessage"]) == (False, REASON)
    assert convert(client, first, "tga")["succeeded"] is True  # instead of the old bytes there is room


def test_a_tenant_at_its_quota_still_gets_what_takes_no_room(client: httpx.Client) -> None:
    data = photo() + bytes(1000)
    asset = plain(client, data + bytes(QUOTA_BYTES - len(data)), "photo.jpg")
    assert used(client) == QUOTA_BYTES
    for skill in ("thumbnail", "caption", "exif-strip"):
        assert run(client, asset["id"], skill)["succeeded"] is True
    assert used(client) < QUOTA_BYTES


def test_a_job_that_would_exceed_it_fails_with_the_reason(client: httpx.Client) -> None:
    key = upload_input(client, picture("PNG", 300, 100)).json()["upload_key"]
    before = used(client)
    job = ended(client, dispatched(client, "format-convert", key, TargetFormat="bmp")["job_id"])
    assert (job["status"], job["error"], job["result"]) == ("FAILURE", REASON, None)
    assert used(client) == before
    assert client.get("/api/v1/assets").json()["data"]["total"] == 1
    full = plain(client, picture("PNG") + bytes(QUOTA_BYTES - before - len(picture("PNG"))))
    assert full["status"] == "ready"
    job = ended(client, dispatched(client, "thumbnail", key)["job_id"])  # it becomes an asset of its own
    assert (job["status"], job["error"]) == ("FAILURE", REASON)

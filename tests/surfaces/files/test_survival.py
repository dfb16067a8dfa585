"""What was acknowledged in more than one step survives kill -9, and what was not leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASES
from tests.support import Server, wait_for
from tests.surfaces.files import chunks
from tests.surfaces.files.conftest import settled
from tests.surfaces.files.doors import PNG, files_of
from tests.surfaces.files.test_batches import sent, some, status, until_ended
from tests.surfaces.files.test_presigned import confirm, initiate, put


@pytest.fixture(params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, in which faults can be armed."""
    (tmp_path / "faults").mkdir()
    environment = {"MEDIATHEQUE_FAULTS": str(tmp_path / "faults"), "MEDIATHEQUE_WORKERS": "1"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path / "data", environment).start()
    yield running
    running.kill()


def arm(site: Server, place: str, action: str = "killall") -> None:
    (Path(site.environment["MEDIATHEQUE_FAULTS"]) / place).write_text(action)


def until_processed(client: httpx.Client, made: dict[str, Any]) -> None:
    """Wait until nothing is being made of the video: what a worker has just stored no row names yet."""

    def is_processed() -> bool:
        return bool(chunks.complete(client, made).json()["processing_status"] == "completed")

    wait_for(is_processed, "the worker to be done with it", 60)


def test_an_acknowledged_batch_is_finished_by_the_next_server(site: Server) -> None:
    site.stop()
    site.environment["MEDIATHEQUE_WORKERS"] = "0"
    site.start()
    with site.client() as client:
        made = sent(client, some(7))
        assert (made["status"], made["accepted_files"]) == ("processing", 7)
        assert status(client, made)["status"] == "processing"
        site.kill()
        site.environment["MEDIATHEQUE_WORKERS"] = "1"
        site.start()
        ended = until_ended(client, made)
        assert (ended["status"], ended["completed_files"]) == ("completed", 7)
        assert len(files_of(client)) == 7
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0


def test_a_batch_can_be_cancelled_while_it_waits(site: Server) -> None:
    site.stop()
    site.environment["MEDIATHEQUE_WORKERS"] = "0"
    site.start()
    with site.client() as client:
        made = sent(client, [*some(6), b"no picture", b""])
        assert status(client, made)["progress_percentage"] == 25.0  # two of eight have come to an end
        answer = client.post(f"/api/v2/uploads/sessions/{made['session_id']}/cancel")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["failed_files"]) == ("cancelled", 8)
        assert files_of(client) == []
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0


@pytest.mark.parametrize("place", ["upload.recorded", "upload.committed"])
def test_a_confirmation_that_was_killed_can_be_repeated(site: Server, place: str) -> None:
    with site.client() as client:
        made = initiate(client)
        put(made)
        arm(site, place)
        with pytest.raises(Exception):  # noqa: B017
            confirm(client, made)
        wait_for(lambda: not site.is_live(), "the server to be gone", 60)
    site.start()
    with site.client() as client:
        client.timeout = 120
        assert confirm(client, made).status_code == 200
        assert [it["id"] for it in files_of(client)] == [made["image_id"]]
        assert client.get(f"/api/v1/assets/{made['image_id']}/content").content == PNG
        settled(client, made["image_id"])
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0


def test_a_worker_that_is_killed_leaves_its_file_to_the_next(site: Server) -> None:
    with site.client() as client:
        arm(site, "upload.committed", "kill")
        made = sent(client, some(6))
        ended = until_ended(client, made)
        assert (ended["status"], ended["completed_files"]) == ("completed", 6)
        assert len(files_of(client)) == 6


def test_chunks_that_were_acknowledged_survive_kill_9(site: Server) -> None:
    with site.client() as client:
        made = chunks.initiated(client)
        etag = chunks.put(made).headers["etag"]
        site.kill()
        site.start()
        assert chunks.confirm(client, made, etag).status_code == 200
        site.kill()
        site.start()
        assert chunks.complete(client, made).status_code == 200
        assert client.get(f"/api/v2/user-files/{made['media_id']}").json()["size_bytes"] == len(chunks.CLIP)
        until_processed(client, made)
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0


@pytest.mark.parametrize("place", ["upload.received", "upload.recorded"])
def test_a_completion_that_was_killed_can_be_repeated(site: Server, place: str) -> None:
    with site.client() as client:
        made = chunks.initiated(client)
        chunks.sent(client, made)
        arm(site, place)
        with pytest.raises(Exception):  # noqa: B017
            chunks.complete(client, made)
        wait_for(lambda: not site.is_live(), "the server to be gone", 60)
    site.start()
    with site.client() as client:
        client.timeout = 120
        assert chunks.complete(client, made).status_code == 200
        assert client.get("/api/v2/user-files").json()["total_count"] == 1
        until_processed(client, made)
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0

"""Where an extra is not installed: its runs are skipped with its name, and everything else goes on."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.bare import EXTRAS, interpreter
from tests.documents import scan
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed
from tests.understanding.conftest import findings, understood
from tests.videos import recording

SKILLS = {"ocr": "ocr", "tags": "vision"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bare")
    python = interpreter(folder / "venv")
    absent = f"import importlib.util as u; assert not any(u.find_spec(it) for it in {EXTRAS})"
    subprocess.run([python, "-c", absent], check=True)
    running = Server(folder / "data", {"MEDIATHEQUE_MODELS": "on"}, python=python).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(bare: Server) -> Iterator[httpx.Client]:
    with bare.client() as it:
        yield it


@pytest.mark.parametrize(("skill", "extra"), SKILLS.items())
def test_a_run_on_a_picture_is_skipped_and_the_rest_is_there(client: httpx.Client, skill: str, extra: str) -> None:
    file = understood(client, picture("PNG", 120, 90))
    assert file["upload_description"] and "colours" in findings(client, file["id"])
    ran = client.post(f"/api/v1/assets/{file['id']}/skills/{skill}/run").json()["data"]
    errors = [step["errorMessage"] for step in ran["steps"] if step["errorMessage"]]
    assert (ran["succeeded"], errors) == (False, [f"The extra `{extra}` is not installed: mediatheque[{extra}]"])
    history = client.get(f"{FILES}/{file['id']}").json()["processing_history"]
    assert history[-1]["status"] == "skipped"


def test_a_recording_is_kept_and_not_listened_to(client: httpx.Client) -> None:
    file_id = streamed(client, recording(), "memo.wav")["image_id"]
    jobs: list[dict[str, Any]] = []

    def has_ended() -> bool:
        jobs[:] = client.get(f"/api/v2/video-analysis/status/{file_id}").json()["jobs"]
        return all(job["completed_at"] for job in jobs) and bool(jobs)

    wait_for(has_ended, "the run", 60)
    assert [job["error_message"] for job in jobs] == ["The extra `speech` is not installed: mediatheque[speech]"]
    assert client.get(f"{FILES}/{file_id}").status_code == 200


def test_a_scanned_page_stays_unread_and_that_is_told(client: httpx.Client) -> None:
    file_id = streamed(client, scan("A page"), "scan.pdf")["image_id"]
    path = f"/api/v2/documents/{file_id}/text"
    wait_for(lambda: client.get(path).json()["text_extraction_status"] == "completed", "the text", 60)
    facts = findings(client, file_id)["text_facts"]["value"]
    assert facts["unread_because"] == "The extra `ocr` is not installed: mediatheque[ocr]"
    assert (facts["unread_pages"], facts["chunk_count"]) == ([1], 0)


def test_the_search_goes_by_words_and_says_why(client: httpx.Client) -> None:
    answer = client.post("/api/v2/search", json={"query": "anything", "mode": "semantic"}).json()
    assert answer["search_mode"] == "words" and "`search` is not installed" in answer["note"]


def test_the_list_of_models_says_what_is_missing(bare: Server) -> None:
    answer = bare.command("models", "--json")
    assert answer.returncode == 0, answer.stderr
    assert all("is not installed" in json.dumps(it) for it in json.loads(answer.stdout))

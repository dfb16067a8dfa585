"""What is said, by an endpoint of the operator's: in its language, with times, within the tenant's allowance."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASES, Tenant
from tests.speech import SAID, listening, told
from tests.support import Server, wait_for, within_a_day
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import stream, streamed
from tests.surfaces.files.test_kinds import uploaded_video
from tests.understanding.conftest import findings
from tests.understanding.test_hostile_footage import SOUNDS
from tests.videos import recording, video
from tests.vision import KEY, Vision

ANALYSIS = "/api/v2/video-analysis"
TIMEOUT_SECONDS, DAILY = 6, 3
BAD: dict[str, tuple[list[tuple[int, Any]], str]] = {
    "garbage": ([(200, b"\x00\xff<html>")], "is no JSON"),
    "a list": ([(200, [1, 2])], "without a text"),
    "a number": ([(200, {"text": 7})], "without a text"),
    "nothing": ([(200, b"")], "is no JSON"),
    "too much": ([(200, {"text": "la " * (2 << 20)})], "answered too much"),
    "busy": ([(429, {"error": {"message": f"slow down, {KEY}"}})], "answered 429: slow down, ***"),
    "broken": ([(500, {"error": {"message": "oh no"}})], "answered 500: oh no"),
    "a wrong key": ([(401, {"error": {"message": "no"}})], "answered 401: no"),
    "refused twice": ([(400, {"error": "no such form"})], "answered 400: no such form"),
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Vision]:
    with listening() as it:
        yield it


@pytest.fixture(scope="module", params=DATABASES)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, endpoint: Vision
) -> Iterator[Server]:
    environment = {
        "MEDIATHEQUE_SPEECH_URL": endpoint.url,
        "MEDIATHEQUE_SPEECH_API_KEY": KEY,
        "MEDIATHEQUE_SPEECH_MODEL": "hear-1",
        "MEDIATHEQUE_SPEECH_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "MEDIATHEQUE_SPEECH_DAILY_REQUESTS": str(DAILY),
        "MEDIATHEQUE_SPEECH_CONCURRENT": "1",
    }
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(f"hearing-{request.param}") / "data", environment).start()
    yield running
    assert running.stop() == 0
    assert KEY not in running.log.read_text()


@pytest.fixture
def ears(endpoint: Vision) -> Vision:
    endpoint.answers, endpoint.hang = [(200, told())], None
    endpoint.requests.clear()
    endpoint.most_at_once = 0
    return endpoint


def heard(client: httpx.Client, data: bytes | None = None) -> dict[str, Any]:
    """The state of the analysis of a recording, when it has ended; `id` is the file's."""
    file_id = streamed(client, data or recording(), "memo.wav")["image_id"]
    path, ended = f"{ANALYSIS}/status/{file_id}", {"completed", "failed"}
    wait_for(lambda: client.get(path).json()["status"] in ended, "the analysis", 60)
    return dict(client.get(path).json()) | {"id": file_id}


def transcript(client: httpx.Client, file_id: str) -> dict[str, Any]:
    return dict(client.get(f"/api/v2/videos/{file_id}/transcript").json())


def test_what_the_endpoint_hears_is_kept_with_times_language_and_origin(tenant: Tenant, ears: Vision) -> None:
    state = heard(tenant.client)
    assert (state["status"], state["has_audio_transcript"]) == ("completed", True)
    (asked,) = ears.requests
    assert (asked["path"], asked["authorization"]) == ("/v1/audio/transcriptions", f"Bearer {KEY}")
    assert (asked["model"], asked["response_format"], asked["rate"]) == ("hear-1", "verbose_json", 16_000)
    assert asked["seconds"] == pytest.approx(1, abs=0.05)
    found = transcript(tenant.client, state["id"])
    assert (found["text"], found["language"], found["is_truncated"]) == (SAID, "en", False)
    assert [it["start_seconds"] for it in found["segments"]] == [0.0, 0.5]
    facts = findings(tenant.client, state["id"])["transcript_facts"]
    assert (facts["model"], facts["value"]["has_speech"]) == ("hear-1", True)
    hits = tenant.client.get(FILES, params={"search": "ferry leaves"}).json()["files"]
    assert [it["id"] for it in hits] == [state["id"]]


@pytest.mark.parametrize(
    ("answers", "forms"),
    [
        ([(400, {"error": {"message": "response_format"}}), (200, {"text": SAID})], ["verbose_json", "json"]),
        ([(200, {"text": SAID})], ["verbose_json"]),
        (
            [(200, told(segments=[{"start": "x"}, 7, {"text": " ", "start": 0, "end": 1}], language=5))],
            ["verbose_json"],
        ),
    ],
)
def test_an_endpoint_without_segments_says_one_text(
    tenant: Tenant, ears: Vision, answers: list[tuple[int, Any]], forms: list[str]
) -> None:
    ears.answers = list(answers)
    found = transcript(tenant.client, heard(tenant.client)["id"])
    assert [asked["response_format"] for asked in ears.requests] == forms
    assert (found["text"], found["language"]) == (SAID, None)
    (segment,) = found["segments"]
    assert (segment["start_seconds"], segment["end_seconds"]) == (0.0, pytest.approx(1, abs=0.05))


def test_times_and_words_beyond_reason_are_put_right(tenant: Tenant, ears: Vision) -> None:
    wild = [
        {"start": -5, "end": 1e9, "text": "one\x00\n two", "avg_logprob": 3},
        {"start": 0.2, "end": 0.1, "text": "b"},
    ]
    ears.answers = [(200, told(segments=wild, language="Klingon\n" * 20))]
    found = transcript(tenant.client, heard(tenant.client)["id"])
    first, second = found["segments"]
    assert (first["text"], first["start_seconds"]) == ("one two", 0.0)
    assert first["end_seconds"] == pytest.approx(1, abs=0.05)
    assert second["start_seconds"] == second["end_seconds"] == 0.2
    assert found["language"] == "klingon klingon"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_the_runs_reason_and_leaves_the_file_alone(tenant: Tenant, ears: Vision, name: str) -> None:
    answers, reason = BAD[name]
    ears.answers = list(answers)
    state = heard(tenant.client)
    assert (state["status"], state["has_audio_transcript"]) == ("failed", False)
    (job,) = state["jobs"]
    assert reason in job["error_message"] and KEY not in job["error_message"]
    assert tenant.client.get(f"{FILES}/{state['id']}").status_code == 200
    assert transcript(tenant.client, state["id"])["text"] is None


def test_one_that_hangs_is_left_in_time(tenant: Tenant, ears: Vision) -> None:
    ears.hang = threading.Event()
    (job,) = heard(tenant.client)["jobs"]
    assert "did not answer in time" in job["error_message"]
    ears.hang.set()


def test_a_tenant_has_its_recordings_heard_one_at_a_time_until_its_day_is_used_up(tenant: Tenant, ears: Vision) -> None:
    within_a_day()
    sent = [streamed(tenant.client, recording(), "memo.wav")["image_id"] for _ in range(DAILY + 1)]

    def states() -> list[str]:
        return [tenant.client.get(f"{ANALYSIS}/status/{it}").json()["status"] for it in sent]

    wait_for(lambda: set(states()) <= {"completed", "failed"}, "the analyses", 90)
    assert sorted(states()) == ["completed"] * DAILY + ["failed"]
    assert (len(ears.requests), ears.most_at_once) == (DAILY, 1)
    spent = next(it for it in sent if tenant.client.get(f"{ANALYSIS}/status/{it}").json()["status"] == "failed")
    (job,) = tenant.client.get(f"{ANALYSIS}/status/{spent}").json()["jobs"]
    assert "budget is used up" in job["error_message"]


def test_what_has_no_sound_is_not_asked_about(tenant: Tenant, ears: Vision) -> None:
    file_id = uploaded_video(tenant.client, video())
    path = f"{ANALYSIS}/status/{file_id}"
    wait_for(lambda: tenant.client.get(path).json()["status"] == "completed", "the analysis", 60)
    assert tenant.client.get(path).json()["has_audio_transcript"] is False
    assert ears.requests == []


def test_hostile_recordings_end_with_a_reason_and_nothing_else_is_touched(tenant: Tenant, ears: Vision) -> None:
    assert heard(tenant.client)["status"] == "completed"
    answers = [stream(tenant.client, data(), f"{number}.mp3") for number, (_, data) in enumerate(SOUNDS.values())]
    assert {answer.status_code for answer in answers} <= {200, 400}
    paths = [f"{ANALYSIS}/status/{it.json()['image_id']}" for it in answers if it.status_code == 200]

    def jobs() -> list[dict[str, Any]]:
        return [job for path in paths for job in tenant.client.get(path).json()["jobs"]]

    wait_for(lambda: all(job["completed_at"] for job in jobs()), "the analyses", 90)
    assert all(job["status"] == "completed" or job["error_message"] for job in jobs())
    assert tenant.client.get("/health/ready").status_code == 200

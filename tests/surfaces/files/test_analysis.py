"""Videos looked at and listened to: scenes, what is said, and the runs that find out (contract, 9)."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conftest import Tenant
from tests.corpus import FOLDER
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES, anonymous, refused
from tests.surfaces.files.doors import stream, streamed
from tests.surfaces.files.test_kinds import uploaded_video
from tests.videos import scenes

ANALYSIS = "/api/v2/video-analysis"
RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)
JOB_KEYS = {
    "job_id", "analysis_job_id", "media_id", "analysis_type", "status", "error_message", "created_at", "started_at",
    "completed_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(thinking: Server) -> Server:
    return thinking


def analysed(client: httpx.Client, file_id: str) -> dict[str, Any]:
    """The state of the analysis when it has ended."""
    ended = {"completed", "failed"}
    wait_for(lambda: client.get(f"{ANALYSIS}/status/{file_id}").json()["status"] in ended, "the analysis", 120)
    return dict(client.get(f"{ANALYSIS}/status/{file_id}").json())


def corpus(name: str) -> bytes:
    path = FOLDER / "video" / name
    if not path.exists():
        pytest.skip("no corpus here")
    return path.read_bytes()


def test_the_scenes_of_a_video_have_times_and_pictures(tenant: Tenant) -> None:
    client = tenant.client
    file_id = uploaded_video(client, scenes(RED, GREEN, BLUE))
    state = analysed(client, file_id)
    assert (state["status"], state["scene_count"], state["has_audio_transcript"]) == ("completed", 3, False)
    assert [job["analysis_type"] for job in state["jobs"]] == ["scene_detection", "transcript"]
    assert all(set(job) == JOB_KEYS and job["status"] == "completed" for job in state["jobs"])
    item = client.get(f"{FILES}/{file_id}").json()
    assert (item["video_analysis_status"], item["scene_count"]) == ("completed", 3)
    assert item["video_analysis_job_id"] == state["job_id"] == state["jobs"][0]["job_id"]
    found = client.get(f"/api/v2/videos/{file_id}/scenes").json()
    starts = [scene["start_seconds"] for scene in found["scenes"]]
    assert starts == pytest.approx([0, 1, 2], abs=0.21)  # it looks five times a second
    assert [scene["end_seconds"] for scene in found["scenes"]] == [*starts[1:], 3.0]
    assert (found["total_count"], found["is_truncated"]) == (3, False)
    assert (found["video_id"], found["count"]) == (file_id, 3)
    assert [it["scene_index"] for it in found["scenes"]] == [0, 1, 2]
    assert all((it["start_time"], it["end_time"]) == (it["start_seconds"], it["end_seconds"]) for it in found["scenes"])
    assert state["analysis_job_id"] == state["job_id"]
    for scene, colour in zip(found["scenes"], (RED, GREEN, BLUE), strict=True):
        answer = client.get(f"/api/v2/video-scenes/{scene['scene_id']}/thumbnail", follow_redirects=False)
        assert answer.status_code == 302
        with Image.open(io.BytesIO(anonymous(answer.headers["location"]).content)) as picture:
            pixel = picture.convert("RGB").getpixel((32, 24))
        assert isinstance(pixel, tuple)
        assert all(abs(one - other) < 30 for one, other in zip(pixel, colour, strict=True))
        assert anonymous(scene["thumbnail_url"]).status_code == 200
    nobodys = found["scenes"][0]["scene_id"][:-3] + "099"
    refused(client.get(f"/api/v2/video-scenes/{nobodys}/thumbnail"), 404, "RESOURCE_NOT_FOUND")
    refused(client.get("/api/v2/video-scenes/none/thumbnail"), 404, "RESOURCE_NOT_FOUND")


def test_an_analysis_can_be_asked_for_once_at_a_time_and_tried_again_only_when_it_failed(tenant: Tenant) -> None:
    client = tenant.client
    file_id = uploaded_video(client, scenes(RED, GREEN))
    done = analysed(client, file_id)
    refused(client.post(f"{ANALYSIS}/jobs/{done['job_id']}/retry"), 409, "CONFLICT")
    body = {"media_id": file_id, "analysis_type": "scene_detection"}
    answer = client.post(f"{ANALYSIS}/queue", json=body)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert set(job) == JOB_KEYS and job["media_id"] == file_id
    again = client.post(f"{ANALYSIS}/queue", json=body)
    assert again.status_code == 202 and again.json()["media_id"] == file_id
    wait_for(lambda: client.get(f"{ANALYSIS}/jobs/{job['job_id']}").json()["status"] == "completed", "the job", 120)
    assert client.get(f"/api/v2/videos/{file_id}/scenes").json()["total_count"] == 2
    refused(client.post(f"{ANALYSIS}/queue", json={"media_id": file_id, "analysis_type": "magic"}), 422,
            "VALIDATION_ERROR")  # fmt: skip


def test_a_picture_has_no_analysis(tenant: Tenant) -> None:
    picture = streamed(tenant.client)["image_id"]
    for path in (f"{ANALYSIS}/status/{picture}", f"/api/v2/videos/{picture}/scenes"):
        refused(tenant.client.get(path), 404, "RESOURCE_NOT_FOUND")
    refused(tenant.client.post(f"{ANALYSIS}/queue", json={"media_id": picture}), 404, "RESOURCE_NOT_FOUND")


def test_what_is_said_in_a_recording_is_written_down_with_times_and_found(tenant: Tenant) -> None:
    """The corpus' recording of a sentence, with the network cut off: where models are, there is none."""
    client = tenant.client
    answer = stream(client, corpus("not_a_video_bear.mp3"), "bear.mp3")
    assert answer.status_code == 200, answer.text
    file_id = answer.json()["image_id"]
    assert analysed(client, file_id)["has_audio_transcript"] is True
    item = client.get(f"{FILES}/{file_id}").json()
    assert (item["media_type"], item["content_type"]) == ("audio", "audio/mpeg")
    found = client.get(f"/api/v2/videos/{file_id}/transcript").json()
    assert "audio file that you can transcribe" in found["text"]
    assert (found["language"], found["is_truncated"]) == ("en", False)
    first = found["segments"][0]
    assert first["start_seconds"] == 0.0 and 5 < first["end_seconds"] < 7
    assert [file["id"] for file in client.get(FILES, params={"search": "you can transcribe"}).json()["files"]] == [
        file_id
    ]

    def heard() -> list[dict[str, Any]]:
        body = {"query": "a sound recording about an animal", "mode": "semantic"}
        files = client.post("/api/v2/search", json=body).json()["files"]
        return [match for file in files for match in file["matches"] if match["field"] == "transcript"]

    wait_for(lambda: bool(heard()), "the vector", 120)
    assert heard()[0]["start_seconds"] == 0.0


@pytest.mark.parametrize(("name", "seconds"), [("frog.webm", 8.27), ("rabbit320.mp4", 7.8)])
def test_videos_that_people_have_are_analysed(tenant: Tenant, name: str, seconds: float) -> None:
    file_id = uploaded_video(tenant.client, corpus(name), name)
    assert analysed(tenant.client, file_id)["status"] == "completed"
    found = tenant.client.get(f"/api/v2/videos/{file_id}/scenes").json()["scenes"]
    assert found[0]["start_seconds"] == 0.0
    assert abs(found[-1]["end_seconds"] - seconds) < 0.2
    assert tenant.client.get(f"{FILES}/{file_id}").json()["has_audio_transcript"] is False  # there is music in both

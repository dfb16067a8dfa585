"""The corpus' pictures of text, documents and videos say what its list says of them, with the network cut off."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.corpus import Case, cases
from tests.isolated.watch import Watch
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed
from tests.surfaces.files.test_kinds import uploaded_video
from tests.understanding.conftest import understood

pytestmark = pytest.mark.slow
DOCUMENTS = [
    it
    for kind in ("pdf", "docx", "pptx", "xlsx", "text")
    for it in cases(kind, "accept", "accept-as-encrypted")
    if it.name.startswith("documents/")
]
PICTURES = [it for it in cases("image", "accept") if "ocr_must_contain" in it.facts]
VIDEOS = cases("video", "accept")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[httpx.Client]:
    with pytest.raises(OSError):
        socket.create_connection(("1.1.1.1", 443), timeout=2)
    server = Server(tmp_path_factory.mktemp("cut-off") / "data", {"MEDIATHEQUE_MODELS": "on"}).start()
    before = watch.forbidden(("127.0.0.1", server.port))
    with server.client() as it:
        yield it
    assert watch.forbidden(("127.0.0.1", server.port)) == before
    assert server.stop() == 0


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("case", PICTURES, ids=lambda it: it.name)
def test_the_words_in_a_picture_are_read(client: httpx.Client, case: Case) -> None:
    said = plain(understood(client, case.path.read_bytes(), case.path.name)["visible_text"])
    assert [words for words in case.facts["ocr_must_contain"] if words not in said] == []


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda it: it.name)
def test_a_document_has_its_pages_and_words(client: httpx.Client, case: Case) -> None:
    file_id = streamed(client, case.path.read_bytes(), case.path.name)["image_id"]
    path = f"/api/v2/documents/{file_id}/text"
    wait_for(lambda: client.get(path).json()["text_extraction_status"] in {"completed", "failed"}, "the text", 60)
    found: dict[str, Any] = client.get(path).json()
    if case.facts.get("needs_password"):
        assert (found["text_extraction_status"], found["text"]) == ("failed", "")
        return
    said, facts = plain(found["text"]), case.facts
    assert (found["text_extraction_status"], found["is_truncated"]) == ("completed", False)
    assert found["page_count"] == facts.get("page_count", facts.get("slides", found["page_count"]))
    assert [words for words in facts.get("must_contain", ()) if words not in said] == []
    assert [word for word in facts.get("first_words", ()) if word not in said] == []
    if "text_words" in facts:
        assert abs(len(said.split()) - facts["text_words"]) <= max(3, facts["text_words"] // 7)


@pytest.mark.parametrize("case", VIDEOS, ids=lambda it: it.name)
def test_a_video_is_as_long_and_as_large_as_it_is(client: httpx.Client, case: Case) -> None:
    file_id = uploaded_video(client, case.path.read_bytes(), case.path.name)
    status = f"/api/v2/video-analysis/status/{file_id}"
    wait_for(lambda: client.get(status).json()["status"] in {"completed", "failed"}, "the analysis", 120)
    assert client.get(status).json()["status"] == "completed"
    known, facts = client.get(f"{FILES}/{file_id}").json()["video_metadata"], case.facts
    assert known["duration_seconds"] == pytest.approx(facts["duration_s"], abs=0.15)
    assert [known["width"], known["height"]] == facts["display_size"]
    assert (known["video_codec"], known["audio_codec"]) == (facts["video_codec"], facts["audio_codec"])
    scenes = client.get(f"/api/v2/videos/{file_id}/scenes").json()["scenes"]
    assert scenes[-1]["end_seconds"] == pytest.approx(facts["duration_s"], abs=0.25)

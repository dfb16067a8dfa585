"""Documents and videos as files like any other (contract, 3.3, 3.5, 3.6; decisions 9, 10)."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conftest import Tenant
from tests.corpus import FOLDER
from tests.documents import docx, pdf
from tests.support import wait_for
from tests.surfaces.files.conftest import FILES, anonymous, listed, refused
from tests.surfaces.files.doors import stream, streamed
from tests.surfaces.files.test_batches import sent
from tests.surfaces.files.test_tus import created, metadata
from tests.videos import video

DOCUMENT_KEYS = {"document_type", "page_count", "text_extraction_status", "chunk_count", "document_url"}
VIDEO_KEYS = {
    "video_metadata", "video_analysis_status", "video_analysis_job_id", "scene_count", "has_audio_transcript",
    "video_url",
}  # fmt: skip


def detail(client: httpx.Client, file_id: str) -> dict[str, Any]:
    return dict(client.get(f"{FILES}/{file_id}").json())


def read(client: httpx.Client, data: bytes, name: str) -> dict[str, Any]:
    """The detail of a document when its text has been looked for."""
    file_id = streamed(client, data, name)["image_id"]
    ended = {"completed", "failed"}
    wait_for(lambda: detail(client, file_id)["text_extraction_status"] in ended, "the text", 60)
    return detail(client, file_id)


def uploaded_video(client: httpx.Client, data: bytes, name: str = "clip.mp4") -> str:
    """Through the resumable door, the one that takes videos."""
    url = created(client, len(data), data, Upload_Metadata=metadata(filename=name))
    answer = client.head(url, headers={"Tus-Resumable": "1.0.0"})
    return answer.headers["upload-asset"]


def test_a_document_tells_its_type_its_pages_and_its_passages(tenant: Tenant) -> None:
    answer = streamed(tenant.client, pdf("Corroded bolts", "A copper valve"), "survey.pdf")
    assert (answer["media_type"], answer["document_type"], answer["variants_queued"]) == ("document", "pdf", False)
    assert answer["text_extraction_status"] == "pending"
    found = read(tenant.client, pdf("Corroded bolts", "A copper valve"), "survey.pdf")
    assert set(found) >= DOCUMENT_KEYS
    assert (found["document_type"], found["page_count"], found["chunk_count"]) == ("pdf", 2, 1)
    assert found["text_extraction_status"] == "completed"
    assert anonymous(found["document_url"]).content.startswith(b"%PDF-")
    assert (found["variant_status"], found["dimensions"], found["description_status"]) == (None, {}, "skipped")


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (docx("A copper valve"), "a.docx", "docx"),
        (b"A copper valve\n", "a.txt", "txt"),
        (b"# A copper valve\n", "a.md", "md"),
        (b"<p>A copper valve</p>", "a.html", "html"),
        (b"item,count\ncopper valve,3\n", "a.csv", "csv"),
    ],
)
def test_what_a_document_says_is_found(tenant: Tenant, data: bytes, name: str, kind: str) -> None:
    file = read(tenant.client, data, name)
    assert (file["document_type"], file["page_count"], file["chunk_count"]) == (kind, None, 1)
    assert listed(tenant.client, search="COPPER valve") == [file["id"]]
    assert listed(tenant.client, search="copper valve", search_mode="visible_text") == []
    assert listed(tenant.client, search="copper valve", search_mode="metadata") == []


@pytest.mark.parametrize(
    ("name", "pages", "words"),
    [
        ("office/harbour.pptx", 3, "Pier seven shows corrosion"),
        ("office/quotes.xlsx", 2, "periwinkle"),
        ("office/fully-featured.docx", None, "sample document"),
        ("pdf/lorem-ipsum.pdf", 2, "consectetur adipiscing"),
    ],
)
def test_documents_that_people_have_are_read(tenant: Tenant, name: str, pages: int | None, words: str) -> None:
    path = FOLDER / "documents" / name
    if not path.exists():
        pytest.skip("no corpus here")
    file = read(tenant.client, path.read_bytes(), path.name)
    assert (file["page_count"], file["text_extraction_status"]) == (pages, "completed")
    assert listed(tenant.client, search=words) == [file["id"]]


def test_an_encrypted_document_is_kept_and_its_text_is_failed(tenant: Tenant) -> None:
    path = FOLDER / "documents" / "pdf" / "encryption_openpassword.pdf"
    if not path.exists():
        pytest.skip("no corpus here")
    file = read(tenant.client, path.read_bytes(), path.name)
    assert (file["text_extraction_status"], file["page_count"], file["chunk_count"]) == ("failed", None, None)
    assert anonymous(file["document_url"]).content == path.read_bytes()
    (item,) = sent(tenant.client, [path.read_bytes()], skip_duplicates="true")["immediate_results"]
    assert (item["image_id"], item["status"], item["document_type"]) == (file["id"], "skipped", "pdf")
    assert item["text_extraction_status"] == "failed"


def test_a_pdf_is_pictured_by_its_first_page(tenant: Tenant) -> None:
    file_id = streamed(tenant.client, pdf("One"), "one.pdf")["image_id"]
    wait_for(lambda: detail(tenant.client, file_id)["thumbnail_url"] is not None, "the poster", 60)
    with Image.open(io.BytesIO(anonymous(detail(tenant.client, file_id)["thumbnail_url"]).content)) as picture:
        assert max(picture.size) == 256
    assert tenant.client.get("/api/v1/assets/usage-stats").json()["data"]["totalDerivatives"] == 0


def test_a_document_is_no_image_to_the_other_dialects(tenant: Tenant) -> None:
    file_id = streamed(tenant.client, pdf("One"), "one.pdf")["image_id"]
    assert tenant.client.get(f"/api/v1/assets/{file_id}").status_code == 404
    assert tenant.client.patch(f"/api/v1/assets/{file_id}", json={"isPublic": True}).status_code == 404
    assert tenant.client.delete(f"/api/v1/assets/{file_id}").status_code == 404
    assert tenant.client.get("/api/v1/assets").json()["data"]["total"] == 0
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert tenant.client.get("/api/v1/assets/usage-stats").json()["data"]["totalAssets"] == 0


def test_a_document_is_never_shown_in_our_own_origin(tenant: Tenant) -> None:
    file_id = streamed(tenant.client, b"<script>alert(1)</script>", "a.html")["image_id"]
    answer = anonymous(detail(tenant.client, file_id)["document_url"])
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"{}", "a.json"), (b"text", "a.svg"), (b"\0\1\2", "a.txt"), (b"%PDF-1.4 nothing", "a.pdf"), (video(), "a.mp4")],
)
def test_what_is_no_document_is_refused(tenant: Tenant, data: bytes, name: str) -> None:
    answer = stream(tenant.client, data, name)
    assert answer.status_code == 400, answer.text
    assert listed(tenant.client) == []


def test_a_video_comes_in_through_tus_with_its_metadata_and_a_poster(tenant: Tenant) -> None:
    data = video(seconds=2)
    file_id = uploaded_video(tenant.client, data)
    wait_for(lambda: detail(tenant.client, file_id)["thumbnail_url"] is not None, "the poster", 60)
    (item,) = tenant.client.get(FILES).json()["files"]
    assert set(item) >= VIDEO_KEYS
    assert (item["media_type"], item["content_type"]) == ("video", "video/mp4")
    assert item["dimensions"] == {"width": 64, "height": 48}
    assert item["video_metadata"] == {
        "duration_seconds": 2.0, "resolution": "64x48", "width": 64, "height": 48, "frame_rate": 10.0,
        "video_codec": "mpeg4", "audio_codec": None, "bitrate_kbps": item["video_metadata"]["bitrate_kbps"],
        "file_size_bytes": len(data), "format_name": "mp4",
    }  # fmt: skip
    found = detail(tenant.client, file_id)
    assert set(found) >= VIDEO_KEYS
    assert anonymous(found["video_url"]).content == data
    part = anonymous(found["video_url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    refused(tenant.client.get(f"{FILES}/{file_id}/variant/tiny_64"), 404, "RESOURCE_NOT_FOUND")

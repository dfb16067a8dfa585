"""One file in detail, its variants and its download (contract, 3.6 and 3.7)."""

import hashlib
import io
import uuid
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import asset
from tests.conftest import Tenant
from tests.pictures import picture, size_of
from tests.support import upload, wait_for
from tests.surfaces.files.conftest import FILES, anonymous, filed, paper, ready, refused
from tests.surfaces.files.doors import streamed

KEYS = {
    "id", "object_key", "title", "tags", "size_bytes", "content_type", "dimensions", "format", "full_url",
    "thumbnail_url", "medium_url", "original_url", "variant_status", "variant_count", "upload_description",
    "visible_text", "description_generated_at", "full_descriptions", "created_at", "updated_at",
    "content_created_at", "upload_method", "original_filename", "hash", "processing_history", "blur_hash",
    "description_status", "media_type",
}  # fmt: skip
OF_OTHER_KINDS = {
    "video_metadata", "video_analysis_status", "video_analysis_job_id", "scene_count", "has_audio_transcript",
    "video_url", "document_type", "page_count", "text_extraction_status", "chunk_count", "document_url", "source_url",
    "domain", "og_metadata", "favicon_url", "page_title", "crawl_status", "crawl_error", "crawled_at",
    "extracted_images", "extracted_images_count",
}  # fmt: skip
"""What the published OpenAPI document names on every file, and the contract on videos."""
VARIANTS = {"tiny_64": 64, "small_256": 256, "medium_750": 750, "large_1024": 1024}


def test_the_detail_has_the_28_keys_and_null_for_what_other_kinds_tell(tenant: Tenant) -> None:
    data = picture("PNG", 64, 48)
    file_id = filed(tenant.client, "kitten.png")
    detail = ready(tenant.client, file_id)
    assert set(detail) == KEYS | OF_OTHER_KINDS and len(KEYS) == 28
    assert {detail[name] for name in OF_OTHER_KINDS} == {None}
    assert detail["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert (detail["original_filename"], detail["upload_method"]) == ("kitten.png", "STREAMING")
    assert detail["object_key"].startswith(f"uploads/{tenant.key.tenant_id}/")
    assert anonymous(detail["original_url"]).content == data
    assert detail["variant_count"] == 5
    assert detail["processing_history"][0]["operation_type"] == "variants"
    assert detail["processing_history"][0]["status"] == "completed"


def test_a_description_is_shown_in_full_with_its_history(tenant: Tenant) -> None:
    file_id = filed(tenant.client, runEnrichment="true")
    url = f"{FILES}/{file_id}"
    wait_for(lambda: tenant.client.get(url).json()["description_status"] == "completed", "the description", 60)
    detail = tenant.client.get(url).json()
    (full,) = detail["full_descriptions"]
    assert set(full) == {
        "id", "description", "visible_text", "confidence_score", "providers_used", "verification_level",
        "processing_time_ms", "created_at",
    }  # fmt: skip
    assert full["description"] == detail["upload_description"]
    assert detail["description_generated_at"] == full["created_at"]
    history = [entry for entry in detail["processing_history"] if entry["operation_type"] == "describe"]
    assert [(entry["status"], entry["error_message"]) for entry in history] == [("completed", None)]
    assert set(history[0]) == {"id", "operation_type", "status", "created_at", "completed_at", "error_message"}
    assert full["id"] == history[0]["id"]


def test_the_date_in_a_picture_is_its_content_date(tenant: Tenant) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:06:01 12:00:00"
    data = picture("JPEG", exif=exif)
    file_id = uuid.UUID(
        tenant.client.post("/api/v1/assets", files={"file": ("a.jpg", data, "image/jpeg")}).json()["data"]["id"]
    )
    detail = tenant.client.get(f"{FILES}/{file_id}").json()
    assert detail["content_created_at"].startswith("2019-06-01T12:00:00")
    assert not detail["created_at"].startswith("2019")


def test_eight_characters_of_the_id_are_enough(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    for reference in (file_id[:8], file_id[:8].upper(), file_id, file_id.replace("-", "")):
        assert tenant.client.get(f"{FILES}/{reference}").json()["id"] == file_id


def test_eight_characters_that_several_files_begin_with_are_400(tenant: Tenant, database: Database) -> None:
    first, second = uuid.UUID(filed(tenant.client)), filed(tenant.client)
    twin = uuid.UUID(f"{str(first)[:8]}{second[8:]}")
    with database.write() as tx:
        tx.execute(update(asset).where(asset.c.uuid == uuid.UUID(second)).values(uuid=twin))
    refused(tenant.client.get(f"{FILES}/{str(first)[:8]}"), 400, "BAD_REQUEST")
    assert tenant.client.get(f"{FILES}/{twin}").json()["id"] == str(twin)
    tenant.client.delete(f"{FILES}/{twin}")
    assert tenant.client.get(f"{FILES}/{str(first)[:8]}").json()["id"] == str(first)


def test_whatever_is_no_id_of_a_file_is_404(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    gone = filed(tenant.client)
    tenant.client.delete(f"{FILES}/{gone}")
    for reference in (str(uuid.uuid4()), gone, gone[:8], "ffffffff", file_id[:7], file_id[:9], "zzzzzzzz", "%00" * 8,
                      "é" * 8, f"{{{file_id}}}"):  # fmt: skip
        refused(tenant.client.get(f"{FILES}/{reference}"), 404, "RESOURCE_NOT_FOUND")


def test_another_tenants_file_is_404_everywhere(tenant: Tenant, other_tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    before = ready(tenant.client, file_id)
    client = other_tenant.client
    for answer in (
        client.get(f"{FILES}/{file_id}"),
        client.get(f"{FILES}/{file_id[:8]}"),
        client.get(f"{FILES}/{file_id}/variant/original"),
        client.get(f"{FILES}/{file_id}/download"),
        client.post(f"{FILES}/{file_id}/trigger-variants"),
        client.patch(f"{FILES}/{file_id}", json={"title": "mine"}),
        client.delete(f"{FILES}/{file_id}"),
        client.post(f"{FILES}/{file_id}/restore"),
    ):
        refused(answer, 404, "RESOURCE_NOT_FOUND")
    assert tenant.client.get(f"{FILES}/{file_id}").json()["updated_at"] == before["updated_at"]
    tenant.client.delete(f"{FILES}/{file_id}")
    refused(client.post(f"{FILES}/{file_id}/restore"), 404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("name", [*VARIANTS, "original"])
def test_a_variant_is_a_redirect_to_a_url_without_a_credential(tenant: Tenant, name: str) -> None:
    data = picture("JPEG", 1200, 800)
    image = tenant.client.post("/api/v1/assets", files={"file": ("a.jpg", data, "image/jpeg")}).json()["data"]["id"]
    ready(tenant.client, image)
    answer = tenant.client.get(f"{FILES}/{image}/variant/{name}")
    assert answer.status_code == 302
    served = anonymous(answer.headers["location"])
    assert served.status_code == 200
    width, height = size_of(served.content)
    assert (width, height) == ((1200, 800) if name == "original" else (VARIANTS[name], round(VARIANTS[name] / 1.5)))
    assert anonymous(answer.headers["location"][:-1] + "x").status_code == 403


def test_a_small_picture_is_never_enlarged(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    ready(tenant.client, file_id)
    target = tenant.client.get(f"{FILES}/{file_id}/variant/large_1024").headers["location"]
    assert size_of(anonymous(target).content) == (64, 48)


def test_variants_that_are_not_there_are_404(tenant: Tenant, database: Database) -> None:
    file_id = filed(tenant.client)
    written = paper(tenant.client)
    for path in (f"{file_id}/variant/huge", f"{file_id}/variant/thumbnail", f"{uuid.uuid4()}/variant/original",
                 f"{written}/variant/original", f"{written}/variant/tiny_64"):  # fmt: skip
        refused(tenant.client.get(f"{FILES}/{path}"), 404, "RESOURCE_NOT_FOUND")


def test_only_the_detail_takes_the_short_id(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    for method, path in (("GET", "variant/original"), ("GET", "download"), ("POST", "trigger-variants")):
        refused(tenant.client.request(method, f"{FILES}/{file_id[:8]}/{path}"), 422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "name",
    ["holiday.png",
     "Über den Wolken.png", "日本語 🦊.png", 'say "hi".png', "50%; a=b.png", "a'b*c.png", "x" * 250 + ".png",
     "semi;colon.png", "no-extension", "..", "e\u0301.png"],
)  # fmt: skip
def test_a_download_is_an_attachment_under_the_original_name(tenant: Tenant, name: str) -> None:
    file_id = filed(tenant.client)
    changed = tenant.client.patch(f"/api/v1/assets/{file_id}", json={"originalFileName": name})
    assert changed.status_code == 200
    answer = tenant.client.get(f"{FILES}/{file_id}/download")
    assert answer.status_code == 302
    served = anonymous(answer.headers["location"])
    assert served.content == picture("PNG")
    (disposition,) = served.headers.get_list("content-disposition")
    assert disposition.isascii() and disposition.startswith('attachment; filename="')
    plain, _, in_full = disposition.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert '"' not in plain and plain
    assert unquote(in_full) == (name if name != ".." else "photo.png")


def test_the_disposition_is_part_of_what_is_signed(tenant: Tenant) -> None:
    file_id = filed(tenant.client, "holiday.png")
    ready(tenant.client, file_id)
    url = tenant.client.get(f"{FILES}/{file_id}/download").headers["location"]
    for change in (("holiday.png", "virus.exe"), ("/download/", "/original/")):
        assert anonymous(url.replace(*change)).status_code == 403
    shown = tenant.client.get(f"{FILES}/{file_id}/variant/original").headers["location"]
    assert "content-disposition" not in anonymous(shown).headers
    assert anonymous(shown.replace("/original/", "/download/")).status_code == 403
    part = anonymous(url, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, picture("PNG")[:4])
    assert part.headers["content-disposition"].startswith("attachment")


def test_triggering_makes_the_variants_again(tenant: Tenant) -> None:
    file_id = filed(tenant.client)
    before = ready(tenant.client, file_id)["processing_history"]
    answer = tenant.client.post(f"{FILES}/{file_id}/trigger-variants").json()
    assert set(answer) == {"success", "message", "task_id", "current_status", "image_id"}
    assert (answer["success"], answer["image_id"]) == (True, file_id)
    assert answer["current_status"] in {"queued", "processing"}
    again = tenant.client.post(f"{FILES}/{file_id}/trigger-variants").json()
    if "skipped_duplicate" in again:
        assert (again["skipped_duplicate"], again["task_id"]) == (True, answer["task_id"])
        assert again["message"] == "Variant generation already in progress"

    def is_done() -> bool:
        history = ready(tenant.client, file_id)["processing_history"]
        return answer["task_id"] in [entry["id"] for entry in history if entry["status"] == "completed"]

    wait_for(is_done, "the variants to be made again", 60)
    assert len(ready(tenant.client, file_id)["processing_history"]) > len(before)


def test_variants_are_made_of_pictures_alone(tenant: Tenant, database: Database) -> None:
    written = paper(tenant.client)
    refused(tenant.client.post(f"{FILES}/{written}/trigger-variants"), 400, "BAD_REQUEST")
    refused(tenant.client.post(f"{FILES}/{uuid.uuid4()}/trigger-variants"), 404, "RESOURCE_NOT_FOUND")


def test_a_picture_that_breaks_when_it_is_decoded_is_failed_with_a_reason(tenant: Tenant) -> None:
    whole = io.BytesIO()
    noise = np.random.default_rng(1).normal(128, 90, (1000, 1400)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).convert("RGB").save(whole, "JPEG", quality=95, progressive=True)
    data = bytearray(whole.getvalue())
    middle = len(data) // 3
    data[middle : middle + 4] = b"\xff\xc4\x00\x03"  # a Huffman table of nothing, in the middle of the scan
    files = {"file": ("a.jpg", bytes(data), "image/jpeg")}
    answer = tenant.client.post("/api/v1/assets", files=files, data={"runEnrichment": "false"})
    if answer.status_code != 202:
        pytest.skip("the probe has found it out already")
    file_id = answer.json()["data"]["id"]
    url = f"{FILES}/{file_id}"
    wait_for(lambda: tenant.client.get(url).json()["variant_status"] in {"failed", "completed"}, "a verdict", 60)
    detail = tenant.client.get(url).json()
    assert detail["variant_status"] == "failed"
    (run,) = detail["processing_history"]
    assert (run["operation_type"], run["status"]) == ("variants", "failed")
    assert run["error_message"]
    whole_one = streamed(tenant.client, picture("PNG"), "b.png")["image_id"]
    ready(tenant.client, whole_one)
    for query in ({}, {"media_types": "image"}, {"sort_by": "created_at"}, {"date_from": "2000-01-01T00:00:00Z"}):
        body = tenant.client.get(FILES, params=query).json()
        assert [(it["id"], it["variant_status"] == "failed") for it in body["files"]] == [
            (whole_one, False), (file_id, True)], query  # fmt: skip
        assert (body["total_count"], body["has_more"]) == (2, False)
    second = tenant.client.get(FILES, params={"limit": 1, "offset": 1}).json()
    assert ([it["id"] for it in second["files"]], second["total_count"]) == ([file_id], 2)
    assert [it["id"] for it in tenant.client.get(FILES, params={"ids": file_id}).json()["files"]] == [file_id]
    assert tenant.client.get(FILES, params={"media_types": "document"}).json()["total_count"] == 0
    assert detail["original_url"] is None
    refused(tenant.client.get(f"{url}/download"), 404, "RESOURCE_NOT_FOUND")
    assert tenant.client.delete(url).status_code == 200
    refused(tenant.client.post(f"{url}/restore"), 404, "RESOURCE_NOT_FOUND")
    assert tenant.client.get(FILES).json()["total_count"] == 1


def test_an_upload_through_any_door_is_a_file(tenant: Tenant) -> None:
    image = upload(tenant.client, name="public.jpg")
    sent = tenant.client.post("/v1/uploads", files={"file": ("input.png", picture("PNG"))}).json()
    found = tenant.client.get(FILES, params={"sort_by": "created_at", "sort_order": "asc"}).json()["files"]
    assert [file["filename"] for file in found] == ["public.jpg", "input.png"]
    assert image["size"] == found[0]["size_bytes"] and sent["upload_key"]


def test_reading_needs_files_read_and_changing_files_write(tenant: Tenant, accounts: Accounts) -> None:
    file_id = filed(tenant.client)
    reader = accounts.create_key(tenant.name, role=Role.VIEWER)
    stranger = accounts.create_key(tenant.name, role=Role.EDITOR, scopes=["images.read", "images.write"])
    with tenant.server.client(reader.key) as client:
        assert client.get(f"{FILES}/{file_id}").status_code == 200
        refused(client.patch(f"{FILES}/{file_id}", json={}), 403, "PERMISSION_DENIED")
        refused(client.delete(f"{FILES}/{file_id}"), 403, "PERMISSION_DENIED")
        refused(client.post(f"{FILES}/{file_id}/trigger-variants"), 403, "PERMISSION_DENIED")
    with tenant.server.client(stranger.key) as client:
        refused(client.get(FILES), 403, "PERMISSION_DENIED")
        refused(client.get(f"{FILES}/{file_id}"), 403, "PERMISSION_DENIED")

"""`/api/v2/video-uploads`: a video in chunks, each to a signed URL (contract, 9)."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import arrival
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.chunks import (
    CHUNK_BYTES,
    CLIP,
    UPLOADS,
    abort,
    complete,
    confirm,
    ids,
    initiate,
    initiated,
    long_video,
    progress,
    put,
    sent,
)
from tests.surfaces.files.conftest import FILES, anonymous, listed
from tests.surfaces.files.doors import refusal

INITIATED = ["media_id", "upload_id", "total_chunks", "chunk_size_bytes", "storage_path", "chunks", "expires_at",
             "concurrent_upload_limit", "retry_attempts"]  # fmt: skip
CHUNK = ["chunk_number", "size_bytes", "upload_url", "upload_method", "expires_at"]
CONFIRMED = ["chunk_number", "status", "chunks_completed", "total_chunks", "progress_percent",
             "estimated_time_remaining"]  # fmt: skip
COMPLETED = ["media_id", "status", "processing_status", "metadata", "video_url", "thumbnail_url", "analysis_job_id",
             "created_at"]  # fmt: skip


def staged(tenant: Tenant) -> list[Path]:
    return [file for file in tenant.objects() if "arrivals" in file.parts]


def swept(tenant: Tenant) -> list[Path]:
    """What is left of chunks once the workers and a repair have tidied up."""
    tenant.server.command("fsck", "--repair", "--grace", "0")
    return staged(tenant)


def test_initiate_promises_a_url_for_every_chunk(tenant: Tenant, server: Server) -> None:
    size = 2 * CHUNK_BYTES + 5
    made = initiated(tenant.client, size, title="A clip", tags=["a", "b"], metadata={"camera": "one"})
    assert list(made) == INITIATED
    assert [list(chunk) for chunk in made["chunks"]] == [CHUNK] * 3
    assert [chunk["chunk_number"] for chunk in made["chunks"]] == [1, 2, 3]
    assert [chunk["size_bytes"] for chunk in made["chunks"]] == [CHUNK_BYTES, CHUNK_BYTES, 5]
    assert {chunk["upload_method"] for chunk in made["chunks"]} == {"PUT"}
    assert all(chunk["upload_url"].startswith(server.url) for chunk in made["chunks"])
    assert (made["total_chunks"], made["chunk_size_bytes"]) == (3, CHUNK_BYTES)
    assert made["storage_path"].startswith(f"uploads/{tenant.key.tenant_id}/")
    assert made["storage_path"].endswith("/clip-one.mp4")
    assert UUID(made["media_id"]) != UUID(made["upload_id"])
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"filename": ""}, (422, "VALIDATION_ERROR")),
        ({"filename": "x" * 256}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": 0}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "many"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": (1 << 32) + 1}, (413, "FILE_TOO_LARGE")),
        ({"content_type": "image/png"}, (400, "UNSUPPORTED_FILE_TYPE")),
        ({"title": "x" * 256}, (422, "VALIDATION_ERROR")),
        ({"tags": ["x"] * 21}, (422, "VALIDATION_ERROR")),
        ({"tags": ["x" * 51]}, (422, "VALIDATION_ERROR")),
        ({"metadata": {str(number): 1 for number in range(51)}}, (422, "VALIDATION_ERROR")),
    ],
)
def test_what_cannot_be_promised_is_refused(tenant: Tenant, fields: Any, expected: tuple[int, str]) -> None:
    assert refusal(initiate(tenant.client, **fields)) == expected


def test_four_gibibytes_are_promised(tenant: Tenant) -> None:
    made = initiated(tenant.client, 1 << 32)
    assert made["total_chunks"] == len(made["chunks"]) == 256
    assert abort(tenant.client, made).status_code == 200


def test_chunks_in_any_order_become_one_file(tenant: Tenant) -> None:
    data = long_video(CHUNK_BYTES + 1000)
    made = initiated(tenant.client, len(data), title="A clip", tags=["a", "b"])
    assert progress(tenant.client, made)["status"] == "uploading"
    sent(tenant.client, made, data)
    assert listed(tenant.client) == []
    answer = complete(tenant.client, made)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert list(told) == COMPLETED
    assert (told["media_id"], told["status"]) == (made["media_id"], "completed")
    assert told["processing_status"] in {"queued", "processing", "completed"}
    assert told["metadata"]["file_size_bytes"] == len(data)
    assert (told["metadata"]["duration_seconds"], told["metadata"]["video_codec"]) == (1.0, "mpeg4")
    assert hashlib.sha256(anonymous(told["video_url"]).content).digest() == hashlib.sha256(data).digest()
    file = tenant.client.get(f"{FILES}/{made['media_id']}").json()
    assert (file["title"], file["tags"], file["media_type"]) == ("A clip", ["a", "b"], "video")
    assert (file["object_key"], file["original_filename"]) == (made["storage_path"], "clip one.mp4")
    assert (tenant.server.data_dir / "objects" / made["storage_path"]).stat().st_size == len(data)
    again = complete(tenant.client, made).json()
    assert (again["media_id"], again["metadata"]) == (told["media_id"], told["metadata"])
    found = progress(tenant.client, made)
    assert (found["status"], found["chunks_completed"], found["progress_percent"]) == ("completed", 2, 100.0)
    assert listed(tenant.client) == [made["media_id"]]
    assert swept(tenant) == []


def test_a_thumbnail_follows(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    sent(tenant.client, made)
    assert complete(tenant.client, made).status_code == 200

    def is_done() -> bool:
        told = complete(tenant.client, made).json()
        return told["thumbnail_url"] is not None and told["processing_status"] == "completed"

    wait_for(is_done, "the poster", 60)


def test_a_confirmation_tells_how_far_it_is(tenant: Tenant) -> None:
    data = long_video(CHUNK_BYTES + 1000)
    made = initiated(tenant.client, len(data))
    etag = put(made, data[:CHUNK_BYTES]).headers["etag"]
    assert etag == f'"{hashlib.sha256(data[:CHUNK_BYTES]).hexdigest()}"'
    for spelled in (etag, etag.strip('"')):
        told = confirm(tenant.client, made, spelled, CHUNK_BYTES).json()
        assert list(told) == CONFIRMED
        assert (told["chunk_number"], told["status"]) == (1, "completed")
        assert (told["chunks_completed"], told["total_chunks"], told["progress_percent"]) == (1, 2, 100.0)
        assert told["estimated_time_remaining"] >= 0
    assert refusal(complete(tenant.client, made)) == (400, "BAD_REQUEST")


def test_every_lie_about_a_chunk_is_400_and_the_truth_still_counts(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    assert refusal(confirm(tenant.client, made, "0" * 64)) == (400, "BAD_REQUEST")
    etag = put(made).headers["etag"]
    for lie in (
        {"size_bytes": len(CLIP) - 1},
        {"size_bytes": len(CLIP) + 1},
        {"etag": "0" * 64},
        {"etag": "nonsense"},
        {"chunk_number": 0},
        {"chunk_number": 2},
        {"chunk_number": 1 << 40},
        {"chunk_number": -1},
    ):
        told = ids(made) | {"chunk_number": 1, "etag": etag, "size_bytes": len(CLIP)} | lie
        assert refusal(tenant.client.post(f"{UPLOADS}/chunks/confirm", json=told)) == (400, "BAD_REQUEST"), lie
    assert refusal(complete(tenant.client, made)) == (400, "BAD_REQUEST")
    assert progress(tenant.client, made)["chunks_completed"] == 0
    assert confirm(tenant.client, made, etag).status_code == 200
    assert complete(tenant.client, made).status_code == 200


def test_a_chunk_of_another_size_than_promised_is_refused(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    assert refusal(put(made, CLIP + b"x")) == (413, "FILE_TOO_LARGE")
    assert refusal(put(made, CLIP[:-1])) == (400, "BAD_REQUEST")
    assert staged(tenant) == []


def test_a_chunk_can_be_sent_again_until_it_is_confirmed(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    wrong = bytes(len(CLIP))
    assert put(made, wrong).status_code == 200
    assert put(made).status_code == 200
    answer = tenant.client.post(f"{UPLOADS}/chunks/retry", json=ids(made) | {"chunk_number": 1})
    assert (answer.status_code, list(answer.json())) == (200, CHUNK)
    etag = put({"chunks": [answer.json()]}).headers["etag"]
    assert confirm(tenant.client, made, etag).status_code == 200
    assert refusal(put(made, wrong)) == (409, "CONFLICT")
    assert put(made).headers["etag"] == etag
    nowhere = tenant.client.post(f"{UPLOADS}/chunks/retry", json=ids(made) | {"chunk_number": 1 << 40})
    assert refusal(nowhere) == (400, "BAD_REQUEST")
    retried = tenant.client.post(f"{UPLOADS}/chunks/retry", json=ids(made) | {"chunk_number": 1})
    assert refusal(retried) == (409, "CONFLICT")
    assert complete(tenant.client, made).status_code == 200
    assert refusal(put(made)) == (409, "CONFLICT")
    assert refusal(confirm(tenant.client, made, etag)) == (409, "CONFLICT")
    assert anonymous(complete(tenant.client, made).json()["video_url"]).content == CLIP


def test_the_signature_binds_upload_chunk_method_and_expiry(tenant: Tenant) -> None:
    made, other = initiated(tenant.client, 2 * CHUNK_BYTES), initiated(tenant.client)
    url = made["chunks"][0]["upload_url"]
    forged = [
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace("/chunks/1?", "/chunks/2?"),
        url.replace(made["media_id"], other["media_id"]),
        url.replace(made["media_id"], str(uuid4())),
        url.replace("expires=", "expires=9999999999&was="),
    ]
    for address in forged:
        answer = httpx.put(address, content=CLIP, trust_env=False, timeout=60)
        assert refusal(answer) == (403, "PERMISSION_DENIED"), address
    assert httpx.post(url, content=CLIP, trust_env=False, timeout=60).status_code == 405


def test_an_aborted_upload_leaves_nothing(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    sent(tenant.client, made)
    assert staged(tenant)
    for _ in range(2):
        answer = abort(tenant.client, made)
        assert answer.status_code == 200
        assert answer.json() == ids(made) | {"status": "aborted"}
    late, completed = put(made), complete(tenant.client, made)
    assert refusal(late) == (409, "CONFLICT")
    assert "takes no more bytes" in late.json()["error"]["message"]
    assert refusal(completed) == (400, "BAD_REQUEST")
    assert completed.json()["error"]["message"] == "The upload has ended: aborted"
    assert progress(tenant.client, made)["status"] == "aborted"
    assert swept(tenant) == []
    assert listed(tenant.client) == []


def test_a_finished_upload_cannot_be_aborted(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    sent(tenant.client, made)
    assert complete(tenant.client, made).status_code == 200
    assert refusal(abort(tenant.client, made)) == (409, "CONFLICT")
    assert listed(tenant.client) == [made["media_id"]]


@pytest.mark.parametrize("data", [picture("PNG"), b"no video at all", CLIP[: len(CLIP) // 3]])
def test_bytes_that_are_no_video_are_refused_at_the_end(tenant: Tenant, data: bytes) -> None:
    made = initiated(tenant.client, len(data))
    sent(tenant.client, made, data)
    assert refusal(complete(tenant.client, made))[0] == 400
    assert refusal(complete(tenant.client, made)) == (400, "BAD_REQUEST")
    assert progress(tenant.client, made)["status"] == "failed"
    assert listed(tenant.client) == []
    assert swept(tenant) == []


def test_ten_completions_at_once_make_one_file(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    sent(tenant.client, made)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: complete(tenant.client, made), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert listed(tenant.client) == [made["media_id"]]


def test_anothers_upload_and_another_upload_id_are_like_none(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign, mine = initiated(other_tenant.client), initiated(tenant.client)
    etag = put(foreign).headers["etag"]
    for made in (foreign, foreign | {"media_id": str(uuid4())}, mine | {"upload_id": foreign["upload_id"]}):
        for answer in (
            confirm(tenant.client, made, etag),
            complete(tenant.client, made),
            abort(tenant.client, made),
            tenant.client.post(f"{UPLOADS}/chunks/retry", json=ids(made) | {"chunk_number": 1}),
        ):
            assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")
    assert tenant.client.get(f"{UPLOADS}/progress/{foreign['media_id']}").status_code == 404
    assert confirm(other_tenant.client, foreign, etag).status_code == 200


def test_what_has_expired_is_refused_and_swept(tenant: Tenant, database: Database) -> None:
    made = initiated(tenant.client)
    etag = put(made).headers["etag"]
    with database.write() as tx:
        past = datetime.now(UTC) - timedelta(minutes=1)
        tx.execute(arrival.update().where(arrival.c.uuid == UUID(made["media_id"])).values(expires_at=past))
    assert refusal(put(made)) == (403, "PERMISSION_DENIED")
    assert refusal(confirm(tenant.client, made, etag)) == (400, "BAD_REQUEST")
    assert refusal(complete(tenant.client, made)) == (400, "BAD_REQUEST")
    assert swept(tenant) == []
    assert progress(tenant.client, made)["status"] == "expired"


def test_chunks_that_wait_are_no_orphans(tenant: Tenant) -> None:
    made = initiated(tenant.client)
    sent(tenant.client, made)
    assert [file.read_bytes() for file in swept(tenant)] == [CLIP]
    assert complete(tenant.client, made).status_code == 200


def test_an_idempotency_key_promises_once(tenant: Tenant) -> None:
    tenant.client.headers["Idempotency-Key"] = "video"
    first, again = (initiated(tenant.client) for _ in range(2))
    assert first == again
    assert refusal(initiate(tenant.client, 7)) == (422, "VALIDATION_ERROR")


def test_a_scope_is_needed_and_the_chunks_need_none(tenant: Tenant, server: Server, accounts: Accounts) -> None:
    made = initiated(tenant.client)
    with server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as client:
        assert refusal(initiate(client)) == (403, "PERMISSION_DENIED")
        assert refusal(complete(client, made)) == (403, "PERMISSION_DENIED")
        assert progress(client, made)["chunks_completed"] == 0
    assert "authorization" not in put(made).request.headers
    assert urlsplit(made["chunks"][0]["upload_url"]).path.endswith("/chunks/1")


@pytest.mark.parametrize(
    "fields", [{"duration_seconds": -1}, {"duration_seconds": "long"}, {"analysis_type": "odd"}, {"upload_id": "x"}]
)
def test_a_bad_completion_is_422(tenant: Tenant, fields: dict[str, Any]) -> None:
    assert refusal(complete(tenant.client, initiated(tenant.client), **fields)) == (422, "VALIDATION_ERROR")

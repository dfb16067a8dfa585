"""`/api/v2/document-uploads`: a document to a presigned URL, confirmed by its key (contract, 9)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import arrival
from tests.conftest import Tenant
from tests.documents import docx, pdf
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES, anonymous, filed, listed
from tests.surfaces.files.doors import refusal

UPLOADS = "/api/v2/document-uploads"
PAPER = pdf("Corroded bolts", "A copper valve")
SHA256 = hashlib.sha256(PAPER).hexdigest()
PRESIGNED = ["upload_url", "upload_method", "upload_fields", "upload_headers", "object_key", "expires_at",
             "max_size_bytes", "storage_target", "bucket_name"]  # fmt: skip
CONFIRMED = ["document_id", "object_key", "filename", "document_type", "status", "confirmed", "deduplicated",
             "is_idempotent_retry"]  # fmt: skip
STATUS = ["document_id", "filename", "document_type", "text_extraction_status", "page_count", "chunk_count",
          "created_at", "processing_started_at", "completed_at"]  # fmt: skip


def ask(client: httpx.Client, data: bytes = PAPER, **fields: Any) -> httpx.Response:
    body = {"filename": "my paper.pdf", "content_type": "application/pdf", "size_bytes": len(data)} | fields
    return client.post(f"{UPLOADS}/request-presigned-url", json=body)


def asked(client: httpx.Client, data: bytes = PAPER, **fields: Any) -> dict[str, Any]:
    answer = ask(client, data, **fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put(made: dict[str, Any], data: bytes = PAPER) -> httpx.Response:
    return httpx.put(made["upload_url"], content=data, headers=made["upload_headers"], trust_env=False, timeout=60)


def confirm(client: httpx.Client, made: dict[str, Any], data: bytes = PAPER, **changes: Any) -> httpx.Response:
    body = {"object_key": made["object_key"], "size_bytes": len(data)}
    return client.post(f"{UPLOADS}/confirm", json=body | changes)


def status(client: httpx.Client, document_id: str) -> dict[str, Any]:
    answer = client.get(f"{UPLOADS}/{document_id}/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_url_is_promised(tenant: Tenant, server: Server) -> None:
    made = asked(tenant.client)
    assert list(made) == PRESIGNED
    assert made["upload_url"].startswith(server.url)
    assert (made["upload_method"], made["upload_fields"], made["max_size_bytes"]) == ("PUT", None, 52_428_800)
    assert made["upload_headers"] == {"Content-Type": "application/pdf"}
    assert made["object_key"].startswith(f"uploads/{tenant.key.tenant_id}/")
    assert made["object_key"].endswith("/my-paper.pdf")
    assert (made["storage_target"], made["bucket_name"]) == ("default", None)
    assert timedelta(0) < datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"size_bytes": 0}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": 52_428_801}, (413, "FILE_TOO_LARGE")),
        ({"content_type": "text/html"}, (400, "UNSUPPORTED_FILE_TYPE")),
        ({"content_type": "image/png"}, (400, "UNSUPPORTED_FILE_TYPE")),
        ({"filename": ""}, (422, "VALIDATION_ERROR")),
        ({"storage_target": "moon"}, (422, "VALIDATION_ERROR")),
        ({"storage_target": "custom"}, (400, "BAD_REQUEST")),
        ({"idempotency_key": "x" * 256}, (422, "VALIDATION_ERROR")),
    ],
)
def test_what_cannot_be_promised_is_refused(tenant: Tenant, fields: Any, expected: tuple[int, str]) -> None:
    assert refusal(ask(tenant.client, **fields)) == expected


def test_what_was_put_and_confirmed_is_a_document(tenant: Tenant) -> None:
    made = asked(tenant.client)
    assert put(made).status_code == 200
    assert listed(tenant.client) == []
    answer = confirm(tenant.client, made, content_type="application/pdf", checksum=f"sha256:{SHA256}")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert list(told) == CONFIRMED
    assert told == {
        "document_id": told["document_id"], "object_key": made["object_key"], "filename": "my paper.pdf",
        "document_type": "pdf", "status": told["status"], "confirmed": True, "deduplicated": False,
        "is_idempotent_retry": False,
    }  # fmt: skip
    assert told["status"] in {"pending", "processing", "completed"}
    assert listed(tenant.client) == [told["document_id"]]
    again = confirm(tenant.client, made).json()
    assert again == told | {"is_idempotent_retry": True, "status": again["status"]}
    file = tenant.client.get(f"{FILES}/{told['document_id']}").json()
    assert anonymous(file["document_url"]).content == PAPER
    assert (file["upload_method"], file["document_type"]) == ("PRESIGNED", "pdf")


def test_the_status_follows_the_text(tenant: Tenant) -> None:
    made = asked(tenant.client)
    put(made)
    document_id = confirm(tenant.client, made).json()["document_id"]
    assert list(status(tenant.client, document_id)) == STATUS
    wait_for(lambda: status(tenant.client, document_id)["completed_at"] is not None, "the text", 60)
    found = status(tenant.client, document_id)
    assert (found["text_extraction_status"], found["document_type"]) == ("completed", "pdf")
    assert (found["page_count"], found["chunk_count"]) == (2, 1)
    times = [datetime.fromisoformat(found[name]) for name in ("created_at", "processing_started_at", "completed_at")]
    assert times == sorted(times)


def test_the_same_bytes_again_are_the_document_that_is_there(tenant: Tenant, other_tenant: Tenant) -> None:
    first, again, foreign = asked(tenant.client), asked(tenant.client), asked(other_tenant.client)
    for made in (first, again, foreign):
        put(made)
    document = confirm(tenant.client, first).json()
    told = confirm(tenant.client, again).json()
    assert (told["document_id"], told["deduplicated"]) == (document["document_id"], True)
    assert told["object_key"] == first["object_key"]
    repeated = confirm(tenant.client, again).json()
    assert (repeated["deduplicated"], repeated["is_idempotent_retry"]) == (True, True)
    promised = UUID(again["object_key"].split("/")[2])  # what it would have been
    found = tenant.client.get(f"/api/v2/uploads/status/{promised}").json()
    assert (found["unified_status"], found["component_statuses"]["upload_status"]) == ("completed", "completed")
    assert listed(tenant.client) == [document["document_id"]]
    assert confirm(other_tenant.client, foreign).json()["deduplicated"] is False


@pytest.mark.parametrize(
    ("data", "name", "content_type", "kind"),
    [
        (docx("A valve"), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        (b"A valve\n", "a.txt", "text/plain", "txt"),
        (b"# A valve\n", "a.md", "text/markdown", "md"),
        (b"# A valve\n", "a.md", "text/plain; charset=utf-8", "md"),
    ],
)
def test_every_published_type_is_taken(tenant: Tenant, data: bytes, name: str, content_type: str, kind: str) -> None:
    made = asked(tenant.client, data, filename=name, content_type=content_type)
    put(made, data)
    answer = confirm(tenant.client, made, data)
    assert (answer.status_code, answer.json()["document_type"]) == (201, kind)


def test_every_lie_at_confirm_is_refused_and_the_truth_still_counts(tenant: Tenant, other_tenant: Tenant) -> None:
    made, foreign = asked(tenant.client), asked(other_tenant.client)
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")
    put(made)
    put(foreign)
    for lie, expected in (
        ({"size_bytes": len(PAPER) - 1}, 400),
        ({"content_type": "text/plain"}, 400),
        ({"checksum": "0" * 64}, 400),
        ({"checksum": "short"}, 422),
        ({"object_key": f"uploads/{tenant.key.tenant_id}/{uuid4()}/a.pdf"}, 400),
        ({"object_key": foreign["object_key"]}, 404),
        ({"object_key": foreign["object_key"].replace("paper", "other")}, 404),
        ({"object_key": "elsewhere"}, 404),
    ):
        assert refusal(confirm(tenant.client, made, **lie))[0] == expected, lie
    assert listed(tenant.client) == listed(other_tenant.client) == []
    assert confirm(tenant.client, made).status_code == 201


@pytest.mark.parametrize("data", [picture("PNG"), b"%PDF-1.4 nothing", b"text"])
def test_bytes_of_another_type_are_400_and_others_may_follow(tenant: Tenant, data: bytes) -> None:
    made = asked(tenant.client, max(data, PAPER, key=len))
    put(made, data)
    assert refusal(confirm(tenant.client, made, data))[0] == 400
    put(made)
    assert confirm(tenant.client, made).status_code == 201


def test_an_expired_promise_is_400(tenant: Tenant, database: Database) -> None:
    made = asked(tenant.client)
    put(made)
    with database.write() as tx:
        past = datetime.now(UTC) - timedelta(minutes=1)
        tx.execute(arrival.update().where(arrival.c.object_key == made["object_key"]).values(expires_at=past))
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")


def test_an_idempotency_key_in_the_body_promises_once(tenant: Tenant) -> None:
    first, again = (asked(tenant.client, idempotency_key="paper") for _ in range(2))
    assert first == again
    assert refusal(ask(tenant.client, filename="b.pdf", idempotency_key="paper")) == (422, "VALIDATION_ERROR")


def test_what_is_no_document_here_has_no_status(tenant: Tenant, other_tenant: Tenant) -> None:
    made = asked(other_tenant.client)
    put(made)
    foreign = confirm(other_tenant.client, made).json()["document_id"]
    for document_id in (foreign, str(uuid4()), filed(tenant.client)):
        assert refusal(tenant.client.get(f"{UPLOADS}/{document_id}/status")) == (404, "RESOURCE_NOT_FOUND")
    assert refusal(tenant.client.get(f"{UPLOADS}/paper/status")) == (422, "VALIDATION_ERROR")
    assert UUID(foreign)


def test_sending_needs_files_write_and_looking_files_read(tenant: Tenant, server: Server, accounts: Accounts) -> None:
    made = asked(tenant.client)
    put(made)
    with server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as client:
        assert refusal(ask(client)) == (403, "PERMISSION_DENIED")
        assert refusal(confirm(client, made)) == (403, "PERMISSION_DENIED")
        document_id = confirm(tenant.client, made).json()["document_id"]
        assert status(client, document_id)["document_id"] == document_id

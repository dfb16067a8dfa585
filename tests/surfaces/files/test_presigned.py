"""`upload/initiate`, the signed PUT and `upload/confirm` on the local store (contract, 3.2; safety, P1 to P7)."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import arrival
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server
from tests.surfaces.files.doors import PNG, files_of, refusal

INITIATE = "/api/v2/user-files/upload/initiate"
CONFIRM = "/api/v2/user-files/upload/confirm"
KEYS = ["upload_url", "upload_method", "upload_fields", "upload_headers", "object_key", "image_id", "expires_at",
        "max_size_bytes", "thumbnail_url", "variant_urls"]  # fmt: skip


def form(data: bytes = PNG, **fields: Any) -> dict[str, str]:
    return {"filename": "my photo.png", "content_type": "image/png", "size_bytes": str(len(data))} | fields


def initiate(client: httpx.Client, data: bytes = PNG, **fields: Any) -> dict[str, Any]:
    answer = client.post(INITIATE, data=form(data, **fields))
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put(made: dict[str, Any], data: bytes = PNG, **headers: str) -> httpx.Response:
    """As a client without a credential sends the bytes."""
    headers = made["upload_headers"] | headers
    return httpx.put(made["upload_url"], content=data, headers=headers, trust_env=False, timeout=60)


def confirm(client: httpx.Client, made: dict[str, Any], size: int = len(PNG), **changes: Any) -> httpx.Response:
    body = {"object_key": made["object_key"], "size_bytes": size, "image_id": made["image_id"]} | changes
    return client.post(CONFIRM, json=body)


def test_initiate_answers_ten_keys(tenant: Tenant, server: Server) -> None:
    made = initiate(tenant.client)
    assert list(made) == KEYS
    assert made["upload_url"].startswith(server.url)
    assert (made["upload_method"], made["upload_fields"], made["max_size_bytes"]) == ("PUT", None, 52_428_800)
    assert made["object_key"].startswith(f"uploads/{tenant.key.tenant_id}/")
    assert made["object_key"].endswith("/my-photo.png")
    assert (made["thumbnail_url"], made["variant_urls"]) == (None, None)
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_multipart_and_urlencoded_forms_are_taken(tenant: Tenant) -> None:
    for options in ({"data": form()}, {"files": {name: (None, value) for name, value in form().items()}}):
        assert tenant.client.post(INITIATE, **options).status_code == 200


@pytest.mark.parametrize("missing", ["filename", "content_type", "size_bytes"])
def test_a_missing_field_is_422(tenant: Tenant, missing: str) -> None:
    answer = tenant.client.post(INITIATE, data={name: value for name, value in form().items() if name != missing})
    assert refusal(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["detail"] == [{"loc": ["body", missing], "msg": "Field required", "type": "missing"}]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"size_bytes": "many"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "0"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "1_000"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "12.0"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "-1"}, (422, "VALIDATION_ERROR")),
        ({"size_bytes": "52428801"}, (413, "FILE_TOO_LARGE")),
        ({"size_bytes": "9" * 30}, (413, "FILE_TOO_LARGE")),
        ({"content_type": "image/heic"}, (400, "UNSUPPORTED_FILE_TYPE")),
        ({"content_type": "application/pdf"}, (400, "UNSUPPORTED_FILE_TYPE")),
        ({"title": "x" * 256}, (422, "VALIDATION_ERROR")),
        ({"filename": "x" * 256}, (422, "VALIDATION_ERROR")),
    ],
)
def test_what_cannot_be_promised_is_refused(tenant: Tenant, fields: Any, expected: tuple[int, str]) -> None:
    assert refusal(tenant.client.post(INITIATE, data=form(**fields))) == expected


def test_what_was_put_and_confirmed_is_a_file_with_the_promised_id_and_key(tenant: Tenant) -> None:
    made = initiate(tenant.client, title="A title", tags="a,b")
    assert put(made).status_code == 200
    assert files_of(tenant.client) == []
    answer = confirm(tenant.client, made)
    assert answer.status_code == 200, answer.text
    expected = {"image_id": made["image_id"], "description_status": "pending", "title": "A title", "tags": ["a", "b"]}
    assert answer.json() == expected
    (listed,) = files_of(tenant.client)
    assert listed["id"] == made["image_id"]
    asset = tenant.client.get(f"/api/v1/assets/{made['image_id']}").json()["data"]
    assert asset["storageKey"] == made["object_key"]
    assert (tenant.server.data_dir / "objects" / made["object_key"]).read_bytes() == PNG
    assert confirm(tenant.client, made).json() == expected
    assert len(files_of(tenant.client)) == 1


def test_without_auto_describe_the_description_is_skipped(tenant: Tenant) -> None:
    made = initiate(tenant.client, auto_describe="false")
    put(made)
    assert confirm(tenant.client, made).json()["description_status"] == "skipped"


def test_twenty_confirmations_at_once_make_one_file(tenant: Tenant) -> None:
    made = initiate(tenant.client)
    put(made)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: confirm(tenant.client, made), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(files_of(tenant.client)) == 1


def test_the_last_put_before_the_confirmation_counts_and_none_after_it(tenant: Tenant) -> None:
    other = picture("PNG", seed=5)
    made = initiate(tenant.client, data=max(PNG, other, key=len))
    assert put(made, other).status_code == 200
    assert put(made).status_code == 200
    assert confirm(tenant.client, made).status_code == 200
    assert refusal(put(made, other)) == (409, "CONFLICT")
    assert (tenant.server.data_dir / "objects" / made["object_key"]).read_bytes() == PNG


def test_more_bytes_than_were_declared_are_413(tenant: Tenant) -> None:
    made = initiate(tenant.client)
    assert refusal(put(made, PNG + b"x")) == (413, "FILE_TOO_LARGE")
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")


def test_a_lie_about_the_size_is_400_and_the_truth_still_counts(tenant: Tenant) -> None:
    made = initiate(tenant.client)
    put(made)
    for size in (len(PNG) - 1, len(PNG) + 1):
        assert refusal(confirm(tenant.client, made, size)) == (400, "BAD_REQUEST")
    assert files_of(tenant.client) == []
    assert confirm(tenant.client, made).status_code == 200


def test_nothing_uploaded_is_400(tenant: Tenant) -> None:
    assert refusal(confirm(tenant.client, initiate(tenant.client))) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("data", [picture("JPEG"), b"no picture at all", PNG[:-20]])
def test_bytes_of_another_type_than_declared_are_400_and_others_may_follow(tenant: Tenant, data: bytes) -> None:
    made = initiate(tenant.client, data=max(PNG, data, key=len))
    assert put(made, data).status_code == 200
    assert refusal(confirm(tenant.client, made, len(data)))[0] == 400
    assert files_of(tenant.client) == []
    assert put(made).status_code == 200
    assert confirm(tenant.client, made).status_code == 200


def test_the_signature_binds_upload_method_type_and_expiry(tenant: Tenant) -> None:
    made, other = initiate(tenant.client), initiate(tenant.client)
    url, query = made["upload_url"], urlsplit(made["upload_url"]).query
    later = int(parse_qs(query)["expires"][0]) + 300
    forged = [
        url.partition("?")[0],
        url.replace("expires=", "expires=soon&was="),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace(made["image_id"], other["image_id"]),
        url.replace(made["image_id"], str(uuid4())),
        url.replace("expires=", f"expires={later}&was="),
    ]
    for address in forged:
        assert refusal(put(made | {"upload_url": address})) == (403, "PERMISSION_DENIED"), address
    other_type: dict[str, Any] = {"Content-Type": "image/jpeg"}
    assert refusal(put(made, **other_type)) == (403, "PERMISSION_DENIED")
    assert httpx.post(url, content=PNG, trust_env=False, timeout=60).status_code == 405
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")


def test_the_other_name_of_jpeg_is_taken_for_the_put_too(tenant: Tenant) -> None:
    data = picture("JPEG", 40, 30)
    made = tenant.client.post(INITIATE, data=form(data, content_type="image/jpg")).json()
    assert put(made, data, **{"Content-Type": "image/jpg"}).status_code == 200
    assert confirm(tenant.client, made, len(data)).status_code == 200
    assert refusal(confirm(tenant.client, made, len(data) - 1)) == (400, "BAD_REQUEST")


def test_the_key_has_to_be_this_uploads(tenant: Tenant, other_tenant: Tenant) -> None:
    made, foreign = initiate(tenant.client), initiate(other_tenant.client)
    put(made)
    put(foreign)
    mine, theirs = tenant.key.tenant_id, other_tenant.key.tenant_id
    for key, expected in [
        (foreign["object_key"], 404),
        (f"uploads/{theirs}/{uuid4()}/a.png", 404),
        (f"uploads/{mine}/../{theirs}/x", 404),
        ("elsewhere", 404),
        (initiate(tenant.client)["object_key"], 400),
        (f"uploads/{mine}/{uuid4()}/a.png", 400),
    ]:
        assert refusal(confirm(tenant.client, made, object_key=key))[0] == expected, key
    assert files_of(tenant.client) == files_of(other_tenant.client) == []


def test_an_unknown_or_foreign_id_is_404(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = initiate(other_tenant.client)
    put(foreign)
    unknown = confirm(tenant.client, foreign, image_id=str(uuid4()))
    answer = confirm(tenant.client, foreign)
    assert refusal(answer) == refusal(unknown) == (404, "RESOURCE_NOT_FOUND")
    assert refusal(confirm(tenant.client, foreign, image_id="img"))[0] == 422
    assert confirm(other_tenant.client, foreign).status_code == 200


def test_what_has_expired_is_400_and_swept(tenant: Tenant, database: Database, server: Server) -> None:
    made = initiate(tenant.client)
    put(made)
    assert staged(tenant)
    with database.write() as tx:
        past = datetime.now(UTC) - timedelta(minutes=1)
        tx.execute(arrival.update().where(arrival.c.uuid == UUID(made["image_id"])).values(expires_at=past))
    assert refusal(put(made)) == (403, "PERMISSION_DENIED")
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")
    server.command("fsck", "--repair", "--grace", "0")
    assert staged(tenant) == []
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")
    assert files_of(tenant.client) == []


def test_what_waits_for_its_confirmation_is_no_orphan(tenant: Tenant, server: Server) -> None:
    made = initiate(tenant.client)
    put(made)
    server.command("fsck", "--repair", "--grace", "0")
    assert [file.read_bytes() for file in staged(tenant)] == [PNG]
    assert confirm(tenant.client, made).status_code == 200


def test_a_scope_is_needed_and_the_put_needs_none(tenant: Tenant, server: Server, accounts: Accounts) -> None:
    made = initiate(tenant.client)
    with server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as client:
        assert refusal(client.post(INITIATE, data=form())) == (403, "PERMISSION_DENIED")
        assert refusal(confirm(client, made)) == (403, "PERMISSION_DENIED")
    with server.client(None) as client:
        assert refusal(client.post(INITIATE, data=form())) == (401, "INVALID_API_KEY")


def test_an_idempotency_key_promises_once(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "promise"}
    first, again = (tenant.client.post(INITIATE, data=form(), headers=headers).json() for _ in range(2))
    assert first == again
    other = tenant.client.post(INITIATE, data=form(filename="b.png"), headers=headers)
    assert refusal(other) == (422, "VALIDATION_ERROR")


def test_the_hash_is_the_etag_of_the_put(tenant: Tenant) -> None:
    assert put(initiate(tenant.client)).headers["etag"] == f'"{hashlib.sha256(PNG).hexdigest()}"'


def staged(tenant: Tenant) -> list[Path]:
    return [file for file in tenant.objects() if "arrivals" in file.parts]

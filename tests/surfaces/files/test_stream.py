"""`POST /api/v2/user-files/upload/stream`, as its clients see it (contract, 3.3)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.corpus import Case, cases
from tests.pictures import picture
from tests.support import Server
from tests.surfaces.files.doors import PNG, STREAM, files_of, refusal, stream, streamed

KEYS = [
    "image_id", "object_key", "upload_method", "status", "processing_time_ms", "s3_upload_completed",
    "variants_queued", "description_queued", "skipped", "skipped_existing_image_id", "storage_target", "media_type",
    "document_type", "text_extraction_status",
]  # fmt: skip
HEIC = [case for case in cases("image", "accept") if case.facts.get("format") in {"heic", "heif"}][:2]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_an_upload_answers_fourteen_keys(tenant: Tenant, kind: str) -> None:
    made = streamed(tenant.client, picture(kind), f"my photo.{kind.lower()}")
    assert list(made) == KEYS
    tenant_id, blob, name = made["object_key"].removeprefix("uploads/").split("/")
    assert (tenant_id, name.startswith("my-photo.")) == (str(tenant.key.tenant_id), True)
    assert UUID(made["image_id"]) and UUID(blob)
    assert made["processing_time_ms"] > 0
    rest = {key: made[key] for key in KEYS if key not in {"image_id", "object_key", "processing_time_ms"}}
    assert rest == {
        "upload_method": "STREAMING", "status": "completed", "s3_upload_completed": True, "variants_queued": True,
        "description_queued": True, "skipped": False, "skipped_existing_image_id": None, "storage_target": "default",
        "media_type": "image", "document_type": None, "text_extraction_status": None,
    }  # fmt: skip


def test_the_bytes_are_kept_as_they_came_and_private(tenant: Tenant, server: Server) -> None:
    made = streamed(tenant.client)
    assert [file.read_bytes() for file in tenant.objects() if file.parts[-4] == "uploads"] == [PNG]
    (listed,) = files_of(tenant.client)
    assert (listed["id"], listed["isPublic"]) == (made["image_id"], False)
    assert tenant.client.get("/v3/images").json()["total"] == 0


def test_title_and_tags_are_kept(tenant: Tenant) -> None:
    made = streamed(tenant.client, title=" A title ", tags="red, blue,red,")
    found = tenant.client.get("/api/v1/assets", params={"query": "A title"}).json()["data"]["items"]
    assert [it["id"] for it in found] == [made["image_id"]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "x" * 256}, "title"),
        ({"tags": ",".join(f"t{n}" for n in range(41))}, "tags"),
        ({"tags": "x" * 51}, "tags"),
        ({"auto_describe": "perhaps"}, "auto_describe"),
        ({"skip_duplicates": "perhaps"}, "skip_duplicates"),
        ({"storage_target": "elsewhere"}, "storage_target"),
        ({"folder_id": "folder"}, "folder_id"),
    ],
)
def test_a_field_that_breaks_its_rule_is_422(tenant: Tenant, fields: dict[str, Any], field: str) -> None:
    answer = stream(tenant.client, **fields)
    assert refusal(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["detail"][0]["loc"][-1] == field
    assert answer.json()["error"]["details"]["field"] == field
    assert list(tenant.objects()) == []
    assert files_of(tenant.client) == []


def test_a_missing_file_is_422_in_both_shapes(tenant: Tenant) -> None:
    answer = tenant.client.post(STREAM, files={"other": ("a.png", PNG)})
    assert refusal(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["detail"] == [{"loc": ["body", "file"], "msg": "Field required", "type": "missing"}]
    bare = {"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
    for other in ({"data": {"title": "x"}}, {"json": {"title": "x"}}, {}, bare):
        assert tenant.client.post(STREAM, **other).json()["detail"] == answer.json()["detail"], other


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xe0 no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG[:-20]]
)
def test_garbage_and_other_types_are_400(tenant: Tenant, data: bytes) -> None:
    status, code = refusal(stream(tenant.client, data))
    assert status == 400
    assert code in {"BAD_REQUEST", "UNSUPPORTED_FILE_TYPE", "IMAGE_PROCESSING_ERROR"}
    assert files_of(tenant.client) == []


def test_video_is_400(tenant: Tenant) -> None:
    data = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(1000)
    assert refusal(stream(tenant.client, data, "a.mp4"))[0] == 400


@pytest.mark.parametrize("case", HEIC, ids=lambda case: case.name)
def test_heic_is_taken(tenant: Tenant, case: Case) -> None:
    made = streamed(tenant.client, case.path.read_bytes(), case.path.name)
    assert (made["media_type"], made["variants_queued"]) == ("image", True)


def test_more_than_a_hundred_megabytes_are_413(tenant: Tenant, server: Server) -> None:
    head = (
        f"POST {STREAM} HTTP/1.1\r\nHost: library\r\nAuthorization: Bearer {tenant.key.key}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {102 * 1024 * 1024}\r\n\r\n"
    )
    answer = server.exchange(head.encode(), b"--b\r\n")
    assert answer.startswith(b"HTTP/1.1 413") and b'"FILE_TOO_LARGE"' in answer


def test_the_same_bytes_again_are_another_file_unless_duplicates_are_skipped(tenant: Tenant) -> None:
    first, second = streamed(tenant.client), streamed(tenant.client)
    assert first["image_id"] != second["image_id"]
    skipped = streamed(tenant.client, skip_duplicates="true")
    assert (skipped["status"], skipped["skipped"]) == ("skipped", True)
    assert skipped["image_id"] == skipped["skipped_existing_image_id"] == first["image_id"]
    assert (skipped["variants_queued"], skipped["description_queued"]) == (False, False)
    assert len(files_of(tenant.client)) == 2


def test_another_tenants_and_deleted_files_are_no_duplicates(tenant: Tenant, other_tenant: Tenant) -> None:
    streamed(other_tenant.client)
    first = streamed(tenant.client, skip_duplicates="true")
    assert first["skipped"] is False
    assert tenant.client.delete(f"/api/v1/assets/{first['image_id']}").status_code == 200
    assert streamed(tenant.client, skip_duplicates="true")["skipped"] is False


def test_a_custom_target_without_one_is_400(tenant: Tenant) -> None:
    assert refusal(stream(tenant.client, storage_target="custom")) == (400, "BAD_REQUEST")
    assert files_of(tenant.client) == []


def test_a_custom_target_is_the_tenants_default_profile(tenant: Tenant, server: Server, accounts: Accounts) -> None:
    admin = accounts.create_key(tenant.name, role=Role.ADMIN)
    with server.client(admin.key) as client:
        body = {"name": "mine", "providerType": "local", "isDefault": True,
                "configuration": {"rootPath": f"own-{tenant.name}"}}  # fmt: skip
        answer = client.post("/api/v1/system/storage/providers", json=body)
        assert answer.status_code < 300, answer.text
        client.post(f"/api/v1/system/storage/providers/{answer.json()['data']['id']}/set-default", json=None)
    made = streamed(tenant.client, storage_target="custom")
    assert made["storage_target"] == "custom"
    assert (server.data_dir / f"own-{tenant.name}" / made["object_key"]).read_bytes() == PNG


def test_an_unknown_folder_is_404(tenant: Tenant) -> None:
    assert refusal(stream(tenant.client, folder_id=str(uuid4()))) == (404, "RESOURCE_NOT_FOUND")
    assert list(tenant.objects()) == []


def test_without_auto_describe_nothing_is_described(tenant: Tenant) -> None:
    assert streamed(tenant.client, auto_describe="false")["description_queued"] is False


def test_an_idempotency_key_makes_one_file_of_two_requests(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "one"}
    first, again = (tenant.client.post(STREAM, files={"file": ("a.png", PNG)}, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    other = tenant.client.post(STREAM, files={"file": ("b.png", PNG)}, headers=headers)
    assert refusal(other) == (422, "VALIDATION_ERROR")
    assert len(files_of(tenant.client)) == 1


def test_credentials_and_scope_are_asked_for(server: Server, accounts: Accounts, tenant: Tenant) -> None:
    for key in (None, "mt_live_" + "x" * 40):
        with server.client(key) as client:
            assert refusal(stream(client)) == (401, "INVALID_API_KEY")
    for made in (accounts.create_key(tenant.name, role=Role.VIEWER),
                 accounts.create_key(tenant.name, scopes=["uploads.create"])):  # fmt: skip
        with server.client(made.key) as client:
            assert refusal(stream(client)) == (403, "PERMISSION_DENIED")


def test_unknown_paths_and_methods_have_the_same_shape(tenant: Tenant) -> None:
    assert refusal(tenant.client.get("/api/v2/nothing")) == (404, "RESOURCE_NOT_FOUND")
    assert refusal(tenant.client.get(STREAM)) == (405, "METHOD_NOT_ALLOWED")

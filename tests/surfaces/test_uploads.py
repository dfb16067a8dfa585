"""`POST /v1/uploads`, as a client of Figur sees it (contract, 5)."""

import re
from collections.abc import Iterator

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server

MAX_BYTES = 26_214_400
REQUEST_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def upload(client: httpx.Client, data: bytes, name: str = "person.jpg", **options: object) -> httpx.Response:
    return client.post("/v1/uploads", files={"file": (name, data)}, **options)  # type: ignore[arg-type]


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "request_id"]
    assert error["code"] == code
    assert REQUEST_ID.fullmatch(error["request_id"])
    assert error["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_upload_answers_its_durable_key_and_a_preview(tenant: Tenant, kind: str) -> None:
    data = picture(kind)
    answer = upload(tenant.client, data, f"my person.{kind.lower()}")
    assert answer.status_code == 200
    assert list(answer.json()) == ["upload_key", "image_url"]
    assert re.fullmatch(r"uploads/[0-7][0-9A-HJKMNP-TV-Z]{25}/my-person\.\w+", answer.json()["upload_key"])
    preview = httpx.get(answer.json()["image_url"], trust_env=False, timeout=30)
    assert (preview.status_code, preview.content) == (200, data)
    assert preview.headers["content-type"] == f"image/{kind.lower()}"


def test_the_same_bytes_again_make_another_key(tenant: Tenant) -> None:
    keys = {upload(tenant.client, picture("PNG")).json()["upload_key"] for _ in range(2)}
    assert len(keys) == 2


def test_an_upload_is_private(tenant: Tenant, server: Server) -> None:
    ulid = upload(tenant.client, picture("PNG")).json()["upload_key"].split("/")[1]
    assert httpx.get(f"{server.url}/i/img_{ulid}", trust_env=False, timeout=30).status_code == 404
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert tenant.client.get(f"/v3/images/img_{ulid}").status_code == 404


def test_a_gif_is_not_taken(tenant: Tenant) -> None:
    answer = upload(tenant.client, picture("GIF"), "person.jpg")
    assert_refused(answer, 422, "VALIDATION_ERROR")
    assert answer.json()["detail"][0]["loc"] == ["body", "file"]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_bytes_that_are_no_image_are_a_validation_error(tenant: Tenant, data: bytes) -> None:
    assert_refused(upload(tenant.client, data), 422, "VALIDATION_ERROR")


def test_a_missing_file_has_both_shapes_of_422(tenant: Tenant) -> None:
    answer = tenant.client.post("/v1/uploads", files={"other": ("a.png", picture("PNG"))})
    assert_refused(answer, 422, "VALIDATION_ERROR")
    assert answer.json()["detail"] == [{"loc": ["body", "file"], "msg": "Field required", "type": "missing"}]


def test_twenty_five_megabytes_are_taken_and_one_byte_more_is_not(tenant: Tenant) -> None:
    data = picture("PNG")
    end = data.index(b"IEND") - 4
    filler = end_padded(data, end, MAX_BYTES)
    assert upload(tenant.client, filler, "large.png").status_code == 200
    assert_refused(upload(tenant.client, end_padded(data, end, MAX_BYTES + 1), "large.png"), 413, "PAYLOAD_TOO_LARGE")


def test_too_many_bytes_in_chunks_are_refused_too(tenant: Tenant) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(27):
            yield bytes(1 << 20)
        yield b"\r\n--b--\r\n"

    answer = tenant.client.post(
        "/v1/uploads", content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert_refused(answer, 413, "PAYLOAD_TOO_LARGE")


def test_no_credential_or_a_bad_one_is_unauthorized(server: Server) -> None:
    for key in (None, "mt_live_" + "x" * 40):
        with server.client(key) as client:
            answer = upload(client, picture("PNG"))
        assert_refused(answer, 401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_capability_is_asked_for(server: Server, accounts: Accounts, tenant: Tenant) -> None:
    viewer = accounts.create_key(tenant.name, role=Role.VIEWER)
    narrowed = accounts.create_key(tenant.name, scopes=["images.write"])
    for key in (viewer, narrowed):
        with server.client(key.key) as client:
            assert_refused(upload(client, picture("PNG")), 403, "FORBIDDEN")
    enough = accounts.create_key(tenant.name, scopes=["uploads.create"])
    with server.client(enough.key) as client:
        assert upload(client, picture("PNG")).status_code == 200


def test_answers_tell_what_the_rate_limit_leaves(tenant: Tenant) -> None:
    answer = upload(tenant.client, picture("PNG"))
    assert int(answer.headers["x-ratelimit-limit"]) == 6000
    assert 0 <= int(answer.headers["x-ratelimit-remaining"]) < 6000


def test_other_methods_are_not_allowed_in_the_same_shape(tenant: Tenant) -> None:
    assert_refused(tenant.client.get("/v1/uploads"), 405, "METHOD_NOT_ALLOWED")


def test_an_idempotency_key_makes_one_upload_of_two_requests(tenant: Tenant) -> None:
    headers = {"Idempotency-Key": "try-1"}
    first, again = (upload(tenant.client, picture("PNG"), headers=headers) for _ in range(2))
    assert first.json() == again.json()
    other = upload(tenant.client, picture("PNG", seed=1), headers=headers)
    assert_refused(other, 422, "VALIDATION_ERROR")


def end_padded(data: bytes, end: int, size: int) -> bytes:
    """The PNG grown to `size` bytes by text chunks that hold nothing but spaces."""
    import zlib

    room, chunks = size - len(data), b""
    while room:
        length = min(room - 12, 1 << 20) if room - 12 <= 1 << 20 or room - (1 << 20) - 12 >= 12 else room - 24
        body = b"tEXt" + b"k\0" + b" " * (length - 2)
        chunks += length.to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        room -= length + 12
    return data[:end] + chunks + data[end:]

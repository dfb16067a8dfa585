"""Resumable uploads at `/api/v2/uploads/tus`, step by step as a client of tus 1.0 takes them (decisions 10)."""

import base64
import hashlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from mediatheque.records.engine import Database
from mediatheque.records.tables import arrival
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import settled
from tests.surfaces.files.doors import files_of, refusal

TUS = "/api/v2/uploads/tus"
DATA = picture("PNG", 400, 300, seed=3)
HALF = len(DATA) // 2
BODY = "application/offset+octet-stream"


def metadata(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def create(client: httpx.Client, size: int = len(DATA), data: bytes | None = None, **headers: str) -> httpx.Response:
    base = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": metadata(filename="big photo.png")}
    sent = base | {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        sent["Content-Type"] = BODY
    return client.post(TUS, headers={name: value for name, value in sent.items() if value}, content=data)


def created(client: httpx.Client, *args: Any, **headers: Any) -> str:
    answer = create(client, *args, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def patch(client: httpx.Client, url: str, data: bytes, offset: int = 0, **headers: str) -> httpx.Response:
    base = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": BODY}
    return client.patch(url, content=data, headers=base | {key.replace("_", "-"): it for key, it in headers.items()})


def head(client: httpx.Client, url: str) -> httpx.Response:
    return client.head(url, headers={"Tus-Resumable": "1.0.0"})


def delete(client: httpx.Client, url: str) -> httpx.Response:
    return client.delete(url, headers={"Tus-Resumable": "1.0.0"})


def partials(server: Server) -> list[Path]:
    return list((server.data_dir / "partials").glob("*"))


def test_options_tells_what_is_spoken(server: Server) -> None:
    with server.client(None) as client:
        answer = client.options(TUS)
    assert answer.status_code == 204
    assert answer.headers["tus-resumable"] == answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(5 << 30)
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "checksum", "expiration", "concatenation"}  # fmt: skip
    assert {"sha1", "md5"} <= set(answer.headers["tus-checksum-algorithm"].split(","))


def test_an_upload_in_two_pieces_becomes_a_file(tenant: Tenant, server: Server) -> None:
    answer = create(tenant.client, Upload_Metadata=metadata(filename="a.png", title="A title", tags="x,y"))
    url = answer.headers["location"]
    assert (answer.status_code, answer.headers["tus-resumable"]) == (201, "1.0.0")
    assert url.startswith(f"{server.url}{TUS}/") and UUID(url.rpartition("/")[2])
    assert parsedate_to_datetime(answer.headers["upload-expires"])
    first = patch(tenant.client, url, DATA[:HALF])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(HALF))
    assert "upload-asset" not in first.headers
    found = head(tenant.client, url)
    assert (found.headers["upload-offset"], found.headers["upload-length"]) == (str(HALF), str(len(DATA)))
    assert found.headers["cache-control"] == "no-store"
    assert files_of(tenant.client) == []
    last = patch(tenant.client, url, DATA[HALF:], HALF)
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(DATA)))
    (listed,) = files_of(tenant.client)
    assert last.headers["upload-asset"] == listed["id"] == head(tenant.client, url).headers["upload-asset"]
    assert tenant.client.get(f"/api/v1/assets/{listed['id']}/content").content == DATA
    assert [it["id"] for it in _found(tenant, "A title")] == [listed["id"]]
    assert url.rpartition("/")[2] not in {file.name for file in partials(server)}


def _found(tenant: Tenant, text: str) -> Any:
    return tenant.client.get("/api/v1/assets", params={"query": text}).json()["data"]["items"]


def test_the_first_bytes_may_come_with_the_creation(tenant: Tenant) -> None:
    part = create(tenant.client, data=DATA[:HALF])
    assert (part.status_code, part.headers["upload-offset"]) == (201, str(HALF))
    whole = create(tenant.client, data=DATA)
    assert (whole.status_code, whole.headers["upload-offset"]) == (201, str(len(DATA)))
    assert [it["id"] for it in files_of(tenant.client)] == [whole.headers["upload-asset"]]


def test_another_offset_is_409_and_changes_nothing(tenant: Tenant) -> None:
    url = created(tenant.client)
    patch(tenant.client, url, DATA[:HALF])
    for offset in (0, HALF - 1, HALF + 1):
        assert refusal(patch(tenant.client, url, b"x", offset)) == (409, "CONFLICT")
    assert patch(tenant.client, url, DATA[HALF:], HALF).headers["upload-asset"]


def test_what_came_before_a_connection_broke_is_kept(tenant: Tenant, server: Server) -> None:
    url = created(tenant.client)
    request = (
        f"PATCH {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {BODY}\r\nContent-Length: {len(DATA)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request.encode() + DATA[:HALF])
        wait_for(lambda: _size(server, url) is not None, "the upload to be there")
    wait_for(lambda: head(tenant.client, url).headers["upload-offset"] == str(HALF), "the bytes to be kept")
    assert patch(tenant.client, url, DATA[HALF:], HALF).headers["upload-asset"]


def _size(server: Server, url: str) -> int | None:
    file = server.data_dir / "partials" / url.rpartition("/")[2]
    return file.stat().st_size if file.exists() else None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, in which faults can be armed."""
    (tmp_path / "faults").mkdir()
    environment = {"MEDIATHEQUE_WORKERS": "1", "MEDIATHEQUE_FAULTS": str(tmp_path / "faults")}
    running = Server(tmp_path / "data", environment).start()
    yield running
    running.kill()


def test_bytes_that_were_acknowledged_survive_kill_9(site: Server) -> None:
    with site.client() as client:
        url = created(client)
        patch(client, url, DATA[:HALF])
    site.kill()
    site.start()
    with site.client() as client:
        assert head(client, url).headers["upload-offset"] == str(HALF)
        made = patch(client, url, DATA[HALF:], HALF).headers["upload-asset"]
        assert client.get(f"/api/v1/assets/{made}/content").content == DATA


@pytest.mark.parametrize("place", ["store.put", "upload.recorded"])
def test_a_last_piece_that_was_killed_is_finished_when_asked_for(site: Server, tmp_path: Path, place: str) -> None:
    with site.client() as client:
        url = created(client)
        (tmp_path / "faults" / place).write_text("killall")
        with pytest.raises(httpx.HTTPError):
            patch(client, url, DATA)
        wait_for(lambda: not site.is_live(), "the server to be gone", 60)
    site.start()
    with site.client() as client:
        wait_for(lambda: "upload-asset" in head(client, url).headers, "the upload to be finished", 60)
        (made,) = files_of(client)
        assert made["id"] == head(client, url).headers["upload-asset"]
        settled(client, made["id"])
    assert site.command("fsck", "--repair", "--grace", "0").returncode == 0


def test_a_checksum_is_held_against_the_bytes(tenant: Tenant) -> None:
    url = created(tenant.client)
    for algorithm in ("sha1", "md5", "sha256"):
        wrong = f"{algorithm} {base64.b64encode(hashlib.new(algorithm, b'else').digest()).decode()}"
        assert refusal(patch(tenant.client, url, DATA, Upload_Checksum=wrong))[0] == 460
        assert head(tenant.client, url).headers["upload-offset"] == "0"
    with tenant.server.client(tenant.key.key) as client:  # a body that nobody read ends its connection
        assert refusal(patch(client, url, DATA, Upload_Checksum="crc7 AAAA"))[0] == 400
    right = f"sha1 {base64.b64encode(hashlib.sha1(DATA).digest()).decode()}"
    assert patch(tenant.client, url, DATA, Upload_Checksum=right).headers["upload-asset"]


def test_a_terminated_upload_is_gone(tenant: Tenant, server: Server) -> None:
    url = created(tenant.client)
    patch(tenant.client, url, DATA[:HALF])
    assert delete(tenant.client, url).status_code == 204
    assert head(tenant.client, url).status_code == 410
    assert refusal(patch(tenant.client, url, DATA[HALF:], HALF))[0] == 410
    assert url.rpartition("/")[2] not in {file.name for file in partials(server)}


def test_a_finished_upload_cannot_be_terminated(tenant: Tenant) -> None:
    url = created(tenant.client, len(DATA), DATA)
    assert refusal(delete(tenant.client, url)) == (409, "CONFLICT")
    assert len(files_of(tenant.client)) == 1


def test_partial_uploads_are_joined_in_the_order_named(tenant: Tenant) -> None:
    parts = [DATA[:HALF], DATA[HALF:]]
    urls = [created(tenant.client, len(it), it, Upload_Concat="partial") for it in parts]
    assert files_of(tenant.client) == []
    assert head(tenant.client, urls[0]).headers["upload-concat"] == "partial"
    paths = " ".join([urls[0], urlsplit(urls[1]).path])
    final = create(tenant.client, Upload_Length="", Upload_Concat=f"final;{paths}")
    assert final.status_code == 201, final.text
    (listed,) = files_of(tenant.client)
    assert final.headers["upload-asset"] == listed["id"]
    assert tenant.client.get(f"/api/v1/assets/{listed['id']}/content").content == DATA


def test_only_complete_partial_uploads_of_ones_own_are_joined(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = created(other_tenant.client, HALF, DATA[:HALF], Upload_Concat="partial")
    cases = {
        created(tenant.client, HALF, DATA[:9], Upload_Concat="partial"): 400,
        created(tenant.client): 400,
        foreign: 404,
        f"{TUS}/{uuid4()}": 404,
        "nonsense": 404,
    }
    for url, expected in cases.items():
        answer = create(tenant.client, Upload_Length="", Upload_Concat=f"final;{url}")
        assert refusal(answer)[0] == expected, url


def test_bytes_that_are_no_file_we_take_are_refused_at_the_end(tenant: Tenant, server: Server) -> None:
    answer = create(tenant.client, 9, b"not a png")
    assert refusal(answer)[0] == 400
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert files_of(tenant.client) == []
    assert not [file for file in tenant.objects() if "uploads" in file.parts]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Upload_Length": ""}, 400),
        ({"Upload_Length": "many"}, 400),
        ({"Upload_Length": "-1"}, 400),
        ({"Upload_Length": str((5 << 30) + 1)}, 413),
        ({"Upload_Metadata": "filename ###"}, 400),
        ({"Upload_Metadata": metadata(title="x" * 256)}, 422),
        ({"Upload_Concat": "some"}, 400),
        ({"Upload_Metadata": metadata(folder_id=str(uuid4()))}, 404),
        ({"Tus_Resumable": "0.2.2"}, 412),
        ({"Tus_Resumable": ""}, 412),
    ],
)
def test_what_cannot_be_created_is_refused(tenant: Tenant, headers: dict[str, Any], expected: int) -> None:
    answer = create(tenant.client, **headers)
    assert refusal(answer)[0] == expected
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert ("tus-version" in answer.headers) == (expected == 412)


def test_more_bytes_than_declared_and_another_content_type_are_refused(tenant: Tenant) -> None:
    url = created(tenant.client, 10)
    assert refusal(patch(tenant.client, url, b"x" * 11))[0] == 413
    assert refusal(patch(tenant.client, url, b"x", Content_Type="image/png"))[0] == 415
    assert head(tenant.client, url).headers["upload-offset"] == "0"


def test_another_tenants_upload_is_like_none(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = created(other_tenant.client)
    for url in (foreign, f"{TUS}/{uuid4()}"):
        with tenant.server.client(tenant.key.key) as client:  # a body that nobody read ends its connection
            assert head(client, url).status_code == 404
            assert refusal(delete(client, url)) == (404, "RESOURCE_NOT_FOUND")
            assert refusal(patch(client, url, DATA)) == (404, "RESOURCE_NOT_FOUND")
    assert head(other_tenant.client, foreign).headers["upload-offset"] == "0"


def test_an_expired_upload_is_gone_and_its_bytes_are_removed(
    tenant: Tenant, server: Server, database: Database
) -> None:
    url = created(tenant.client)
    patch(tenant.client, url, DATA[:HALF])
    name = url.rpartition("/")[2]
    with database.write() as tx:
        long_ago = datetime.now(UTC) - timedelta(minutes=1)
        tx.execute(arrival.update().where(arrival.c.uuid == UUID(name)).values(expires_at=long_ago))
    assert head(tenant.client, url).status_code == 410
    os.utime(server.data_dir / "partials" / name, (1, 1))
    server.command("fsck", "--repair")
    assert name not in {file.name for file in partials(server)}


def test_an_idempotency_key_makes_one_upload(tenant: Tenant) -> None:
    first, again = (create(tenant.client, Idempotency_Key="tus") for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    assert refusal(create(tenant.client, 5, Idempotency_Key="tus")) == (422, "VALIDATION_ERROR")

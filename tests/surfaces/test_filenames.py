"""File names made to hurt, through every door that takes files (safety, D1, D2)."""

import os
import re
import unicodedata
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from mediatheque.records.engine import Database
from mediatheque.records.tables import asset, blob
from mediatheque.records.tables import tenant as tenants
from tests.conftest import Tenant
from tests.names import NASTY, random_names
from tests.pictures import picture

PNG = picture("PNG")
RANDOM_NAMES = 300
DOORS = ("/v3/images", "/api/v1/assets", "/v1/uploads")
REFUSALS = {400, 422}
KEY = re.compile(r"uploads/[0-9a-f-]{36}/[0-9a-f-]{36}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
HEADERS = {
    "content-type", "content-length", "accept-ranges", "etag", "cache-control", "content-disposition", "date", "server",
    "x-content-type-options", "referrer-policy", "cross-origin-resource-policy", "content-security-policy",
    "x-request-id", "access-control-allow-origin", "last-modified", "vary",
}  # fmt: skip


def as_browsers_do(name: str) -> bytes:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode("utf-8", "surrogatepass")


def escaped(name: str) -> bytes:
    return name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "surrogatepass")


def raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


WAYS = (as_browsers_do, escaped, raw)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_nasty_name_is_taken_or_refused_and_never_gets_anywhere(
    tenant: Tenant, database: Database, door: str, way: Any
) -> None:
    before = outside(tenant)
    taken = [answer for name in NASTY if (answer := post(tenant, door, way(name))) is not None]
    assert len(taken) > len(NASTY) // 3
    for answer in taken:
        assert_harmless(tenant, answer)
    assert_kept_well(tenant, database, len(taken))
    assert outside(tenant) <= before  # what others have left meanwhile goes


def test_hundreds_of_names_of_any_characters_break_nothing(tenant: Tenant, database: Database) -> None:
    names = random_names(RANDOM_NAMES, seed=1)
    answers = [post(tenant, door, as_browsers_do(name)) for name, door in zip(names, cycle(DOORS), strict=False)]
    taken = [answer for answer in answers if answer is not None]
    assert len(taken) > RANDOM_NAMES // 3
    for answer in taken:
        assert_harmless(tenant, answer)
    assert_kept_well(tenant, database, len(taken))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("filename*=UTF-8''%e2%82%ac.png", "€.png"),
        ("filename=\"=?utf-8?B?4oKsLnBuZw==?=\"; filename*=utf-8''%E2%82%AC.png", "€.png"),
        ("filename=\"a; filename*=utf-8''b.png\"", "a; filename*=utf-8''b.png"),
    ],
    ids=["alone", "beside the plain one", "inside the plain one"],
)
def test_a_name_in_the_spelling_of_nets_clients_is_read(
    tenant: Tenant, door: str, parameters: str, expected: str
) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; {parameters}\r\nContent-Type: image/png\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = tenant.client.post(door, content=head.encode() + PNG + b"\r\n--b--\r\n", headers=headers)
    assert answer.is_success, answer.text
    shown = answer.json()
    shown = shown.get("data", shown)
    said = {shown[field] for field in ("filename", "original_filename", "originalFileName") if field in shown}
    assert expected in said or (door == "/v1/uploads" and not said)


def post(tenant: Tenant, door: str, name: bytes) -> httpx.Response | None:
    """The answer to a good picture of that name, or None when the name was refused."""
    disposition = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
    body = b"--b\r\n" + disposition + b"Content-Type: image/png\r\n\r\n" + PNG + b"\r\n--b--\r\n"
    answer = tenant.client.post(door, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.is_success or answer.status_code in REFUSALS, (name, answer.text)
    assert "x-injected" not in answer.headers
    return answer if answer.is_success else None


def assert_harmless(tenant: Tenant, answer: httpx.Response) -> None:
    """The name that comes back is one line of one part; what is served under it is the picture, and nothing else."""
    shown = answer.json()
    shown = shown.get("data", shown)
    for field in ("filename", "original_filename", "originalFileName", "storedFileName"):
        name = shown.get(field) or "-"
        assert len(name) <= 255
        assert not set(name) & set("/\\")
        assert not {unicodedata.category(char) for char in name} & {"Cc", "Cs"}
    for field in ("url", "image_url", "publicUrl"):
        if shown.get(field):
            url = urlsplit(shown[field])
            served = tenant.client.get(f"{url.path}?{url.query}")
            assert (served.status_code, served.content) == (200, PNG)
            assert served.headers["content-type"] == "image/png"
            assert set(served.headers) <= HEADERS
            assert len(served.headers.get_list("content-disposition")) <= 1


def assert_kept_well(tenant: Tenant, database: Database, count: int) -> None:
    """As many assets as were taken, each under a key of our own making, inside the tenant's folder."""
    with database.read() as tx:
        mine = select(blob.c.key, asset.c.filename).join(asset, asset.c.blob_id == blob.c.id)
        rows = tx.execute(mine.join(tenants).where(tenants.c.uuid == tenant.key.tenant_id)).all()
    assert len(rows) == count
    root = tenant.server.data_dir / "objects"
    for key, filename in rows:
        assert KEY.fullmatch(key), key
        assert (root / key).resolve().is_relative_to(root / "uploads" / str(tenant.key.tenant_id))
        assert (root / key).read_bytes() == PNG
        assert filename.lower().endswith(".png")


def outside(tenant: Tenant) -> set[Path]:
    """Everything that lies in and beside the data folder, but for what lies where objects do."""
    folder = tenant.server.data_dir
    kept = {folder / "objects" / name for name in ("uploads", "variants", "arrivals", ".staging")}
    found: set[Path] = set()
    for path, folders, files in os.walk(folder.parent):
        folders[:] = [name for name in folders if Path(path, name) not in kept]
        found |= {Path(path, name) for name in (*folders, *files)}
    return {it for it in found if it.parent.name != "metrics" and not it.name.startswith("mediatheque.db")}

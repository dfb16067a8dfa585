"""A tenant's metadata policy, through every door that takes files (docs/privacy.md)."""

import hashlib
import io
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.pictures import picture
from tests.skills.test_cleaning import located
from tests.surfaces.files import chunks
from tests.surfaces.files.doors import streamed
from tests.surfaces.files.test_presigned import confirm, initiate, put
from tests.surfaces.files.test_tus import created, patch
from tests.videos import video

FILES = "/api/v2/user-files"
PLACES = (b"GPS", b"Paris", b"xmpmeta")


@contextmanager
def decided(tenant: Tenant, accounts: Accounts, policy: str) -> Iterator[httpx.Client]:
    """The tenant with that policy, and a client of its administrator."""
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.ADMIN).key) as client:
        answer = client.put("/api/v2/privacy", json={"metadata_policy": policy})
        assert (answer.status_code, answer.json()) == (200, {"metadata_policy": policy}), answer.text
        yield client


def photo(seed: int = 0) -> bytes:
    return located(picture("JPEG", 96, 64, seed=seed))


def kept(client: httpx.Client, file_id: str) -> bytes:
    answer = client.get(f"{FILES}/{file_id}/download", follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.content


def by_assets(client: httpx.Client, data: bytes) -> str:
    answer = client.post("/api/v1/assets", files={"file": ("photo.jpg", data)}, data={"isPublic": "false"})
    return str(answer.json()["data"]["id"])


def by_presigned_put(client: httpx.Client, data: bytes) -> str:
    begun = initiate(client, data, filename="photo.jpg", content_type="image/jpeg")
    assert put(begun, data).status_code == 200
    assert confirm(client, begun, len(data)).status_code == 200
    return str(begun["image_id"])


def by_tus(client: httpx.Client, data: bytes) -> str:
    return str(patch(client, created(client, len(data)), data).headers["upload-asset"])


def by_stream(client: httpx.Client, data: bytes) -> str:
    return str(streamed(client, data, "photo.jpg")["image_id"])


@pytest.mark.parametrize("door", [by_assets, by_stream, by_tus, by_presigned_put])
def test_no_place_comes_through_any_door(tenant: Tenant, accounts: Accounts, door: Any) -> None:
    data = photo()
    file_id = door(tenant.client, data)
    assert kept(tenant.client, file_id) == data  # until somebody decides otherwise
    with decided(tenant, accounts, "strip-location"):
        data = photo(seed=1)
        file_id = door(tenant.client, data)
        found = kept(tenant.client, file_id)
        assert not [word for word in PLACES if word in found]
        with Image.open(io.BytesIO(found)) as after:
            assert after.getexif()[0x0110] == "Camera"
        shown = tenant.client.get(f"{FILES}/{file_id}").json()
        assert (shown["size_bytes"], shown["hash"]) == (len(found), f"sha256:{hashlib.sha256(found).hexdigest()}")
        assert left_of(tenant, photo()) == []


def left_of(tenant: Tenant, first: bytes) -> list[Path]:
    """Objects that are anybody's and say where they were taken, but for the first."""
    objects = [it for it in tenant.objects() if "arrivals" not in it.parts]
    return [it for it in objects if b"GPSLatitude" in (data := it.read_bytes()) and data != first]


def test_what_was_sent_is_known_by_its_own_hash(tenant: Tenant, accounts: Accounts) -> None:
    data = photo(seed=2)
    with decided(tenant, accounts, "strip-all"):
        first = by_stream(tenant.client, data)
        again = streamed(tenant.client, data, "photo.jpg", skip_duplicates="true")
        assert again["image_id"] == first
        stripped = kept(tenant.client, first)
        assert b"Camera" not in stripped
        assert streamed(tenant.client, stripped, "photo.jpg", skip_duplicates="true")["image_id"] == first


def by_chunks(client: httpx.Client, data: bytes, name: str, media_type: str) -> httpx.Response:
    made = chunks.initiated(client, len(data), filename=name, content_type=media_type)
    chunks.sent(client, made, data)
    return chunks.complete(client, made)


def test_videos_are_cleaned_or_refused_and_other_kinds_stay(tenant: Tenant, accounts: Accounts) -> None:
    place = struct.pack(">I4s", 30, b"gps ") + b"GPS 48.8566 2.3522 ..."
    with decided(tenant, accounts, "strip-location"):
        refused = by_chunks(tenant.client, video("webm"), "clip.webm", "video/webm")
        assert (refused.status_code, "Metadata cannot be taken out" in refused.text) == (400, True)
        assert tenant.client.get(FILES).json()["files"] == []
        clean = video()
        taken = by_chunks(tenant.client, clean + place, "clip.mp4", "video/mp4")
        assert taken.status_code == 200, taken.text
        (clip,) = tenant.client.get(FILES).json()["files"]
        assert kept(tenant.client, clip["id"]) == clean + struct.pack(">I4s", 30, b"free") + bytes(22)
        text = b"Paris, GPS 48.85 2.35"
        assert kept(tenant.client, streamed(tenant.client, text, "notes.txt")["image_id"]) == text


def test_the_policy_is_an_administrators_and_ones_own(tenant: Tenant, other_tenant: Tenant, accounts: Accounts) -> None:
    assert tenant.client.get("/api/v2/privacy").status_code == 403
    assert tenant.client.put("/api/v2/privacy", json={"metadata_policy": "keep"}).status_code == 403
    with decided(tenant, accounts, "strip-all") as admin:
        assert admin.get("/api/v2/privacy").json() == {"metadata_policy": "strip-all"}
        assert admin.put("/api/v2/privacy", json={"metadata_policy": "strip"}).status_code == 422
        logged = admin.get("/api/v1/system/audit").json()["data"]["items"][0]
        assert (logged["action"], logged["details"]) == ("tenant.metadata_policy", {"policy": "strip-all"})
    data = photo(seed=3)
    assert kept(other_tenant.client, by_assets(other_tenant.client, data)) == data


def test_the_operator_decides_on_the_command_line(tenant: Tenant) -> None:
    done = tenant.server.command("tenants", "metadata", tenant.name, "strip-all")
    assert (done.returncode, done.stdout) == (0, f"{tenant.name}: strip-all\n"), done.stderr
    data = photo(seed=4)
    assert b"Camera" not in kept(tenant.client, by_assets(tenant.client, data))
    listed = tenant.server.command("tenants", "list")
    assert f"{tenant.name}  metadata: strip-all" in listed.stdout
    unknown = tenant.server.command("tenants", "metadata", str(uuid.uuid4()), "keep")
    assert (unknown.returncode, "No tenant" in unknown.stderr) == (1, True)

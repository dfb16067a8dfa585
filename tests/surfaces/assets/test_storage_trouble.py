"""An S3 service that is full or away, as clients of a profile in it see it (running.md, "Promises to every client")."""

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import servers
from tests.faults.volumes import filled, volume
from tests.pictures import picture
from tests.s3_gate import NO_ROOM, Gate, everything, gate, writes
from tests.seaweed import Seaweed
from tests.support import Server, wait_for
from tests.surfaces.assets.test_assets import anonymous, assert_refused, detail, enriched, made, ready
from tests.surfaces.assets.test_assets import upload as send
from tests.surfaces.assets.test_storage import ROOT, make, s3
from tests.surfaces.assets.test_storage import admin as admin
from tests.surfaces.assets.test_storage import library as library


@pytest.fixture
def before() -> Iterator[Gate]:
    """The way to the S3 server."""
    with gate(servers.seaweed()) as it:
        yield it


@pytest.fixture
def bucket(admin: httpx.Client, before: Gate) -> str:
    """The prefix of the tenant's default profile."""
    prefix = uuid.uuid4().hex
    make(admin, s3(prefix, endpoint=before.url) | {"isDefault": True})
    return prefix


def kept(prefix: str) -> list[str]:
    return [it["path"] for batch in servers.seaweed().client().list(prefix) for it in batch]


def staged(library: Server) -> list[Path]:
    return list((library.data_dir / "staging" / "files").glob("upload-*"))


@pytest.mark.parametrize("words", NO_ROOM)
@pytest.mark.parametrize("size", [0, 9 << 20], ids=["small", "in parts"])
def test_a_full_service_is_507_until_it_has_room(
    admin: httpx.Client, bucket: str, before: Gate, library: Server, words: str, size: int
) -> None:
    asset = enriched(admin, made(admin)["id"])
    objects = sorted(kept(bucket))
    before.refuses, before.answer = writes, NO_ROOM[words]
    data = picture("PNG", seed=1) + bytes(size)
    assert_refused(send(admin, data), 507, "storage_full")
    assert before.refused
    assert admin.get("/api/v1/assets").json()["data"]["total"] == 1
    assert (sorted(kept(bucket)), staged(library)) == (objects, [])
    assert anonymous(asset["publicUrl"]).status_code == 200
    (profile,) = admin.get(ROOT).json()["data"]["profiles"]
    trial = admin.post(f"{ROOT}/{profile['id']}/test").json()["data"]
    assert (trial["succeeded"], trial["message"]) == (False, "Storage is full")
    assert admin.delete(f"/api/v1/assets/{asset['id']}").status_code == 200
    assert kept(bucket) == []
    before.refuses = lambda _method, _path: False
    assert ready(admin, made(admin, data)["id"])["size"] == len(data)


def test_variants_that_found_no_room_are_made_when_there_is(admin: httpx.Client, bucket: str, before: Gate) -> None:
    before.refuses, before.answer = (
        (lambda method, path: writes(method, path) and "/variants/" in path),
        NO_ROOM["minio"],
    )
    asset = made(admin)
    wait_for(lambda: before.refused > 0, "a variant to be refused")
    assert detail(admin, asset["id"])["status"] == "pending"
    assert anonymous(asset["publicUrl"]).status_code == 200
    skill = admin.post(f"/api/v1/assets/{asset['id']}/skills/thumbnail/run").json()["data"]
    assert (skill["succeeded"], skill["steps"][0]["errorMessage"]) == (False, "Storage is full")
    before.refuses = lambda _method, _path: False
    wait_for(lambda: detail(admin, asset["id"])["status"] == "ready", "the asset to be ready", 60)
    assert {it["kind"] for it in detail(admin, asset["id"])["derivatives"]} >= {"thumbnail", "large_1024"}


def test_a_service_that_is_away_is_503_and_found_again_without_a_restart(
    admin: httpx.Client, bucket: str, before: Gate, library: Server
) -> None:
    asset = enriched(admin, made(admin)["id"])  # nothing is stored any more
    objects = sorted(kept(bucket))
    before.refuses = everything
    refused = send(admin, picture("PNG", seed=1))
    assert_refused(refused, 503, "service_unavailable")
    assert refused.headers["retry-after"]
    assert admin.get("/api/v1/assets").json()["data"]["total"] == 1
    assert (sorted(kept(bucket)), staged(library)) == (objects, [])
    assert anonymous(asset["derivatives"][0]["publicUrl"]).status_code in {200, 503}  # it may be in the cache
    assert admin.delete(f"/api/v1/assets/{asset['id']}").status_code == 200
    assert_refused(anonymous(asset["publicUrl"]), 404, "asset_not_found")
    before.refuses = lambda _method, _path: False

    found: list[dict[str, Any]] = []

    def is_taken() -> bool:
        answer = send(admin, picture("PNG", seed=2))
        assert answer.status_code in {202, 503}
        if answer.status_code == 202:
            found.append(answer.json()["data"])
        return bool(found)

    wait_for(is_taken, "the service to be found again")
    assert ready(admin, found[0]["id"])["storageProvider"] == "s3"


def test_a_real_service_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """It only says 500, which is no word for a lack of room: 503 here."""
    with volume(tmp_path / "s3" / "data", 24) as disk:
        seaweed = Seaweed(tmp_path / "s3").start()
        server = Server(tmp_path / "data", seaweed.environment(seaweed.place())).start()
        try:
            with server.client() as client:
                first = ready(client, made(client)["id"])
                with filled(disk):
                    while (answer := send(client, picture("PNG") + bytes(1 << 20))).status_code == 202:
                        continue  # what it had set aside is used up first
                    assert_refused(answer, 503, "service_unavailable")
                    total = client.get("/api/v1/assets").json()["data"]["total"]
                    assert anonymous(first["publicUrl"]).content == picture("PNG")
                    assert list((server.data_dir / "staging" / "files").glob("upload-*")) == []
                wait_for(lambda: send(client, picture("GIF")).status_code == 202, "the service to take more", 30)
                assert client.get("/api/v1/assets").json()["data"]["total"] == total + 1
                wait_for(lambda: server.command("fsck", "--json").returncode == 0, "a library in order", 60)
        finally:
            assert server.stop() == 0
            seaweed.stop(signal.SIGKILL)

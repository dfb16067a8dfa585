"""Clients of tus that other people wrote, as they are: tus-py-client, and Uppy's where Node has it."""

import os
import subprocess
from pathlib import Path
from shutil import which
from typing import Any, cast

import pytest
from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

from tests.conftest import Tenant
from tests.pictures import picture
from tests.surfaces.files.conftest import FILES, listed
from tests.surfaces.files.test_tus import TUS, head

DATA = picture("PNG", 700, 500, seed=4)
SCRIPT = Path(__file__).with_name("tus_client.mjs")
MODULES = os.environ.get("TUS_MODULES", "")
"""A folder in which `npm install tus-js-client` was run."""


def client_of(tenant: Tenant) -> TusClient:
    return TusClient(f"{tenant.server.url}{TUS}", headers={"Authorization": f"Bearer {tenant.key.key}"})


def content(tenant: Tenant, file_id: str) -> bytes:
    return tenant.client.get(f"/api/v1/assets/{file_id}/content").content


def test_tus_py_client_sends_a_file_in_pieces(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(DATA)
    uploader = client_of(tenant).uploader(
        str(tmp_path / "photo.png"), chunk_size=len(DATA) // 3, upload_checksum=True,
        metadata={"filename": "photo.png", "title": "Größe 名前", "tags": "x,y"},
    )  # fmt: skip
    uploader.upload()
    (file_id,) = listed(tenant.client)
    assert uploader.url is not None
    assert head(tenant.client, uploader.url).headers["upload-asset"] == file_id
    file = tenant.client.get(f"{FILES}/{file_id}").json()
    assert (file["title"], file["tags"], file["upload_method"]) == ("Größe 名前", ["x", "y"], "TUS")
    assert content(tenant, file_id) == DATA


def test_tus_py_client_goes_on_where_another_process_stopped(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(DATA)
    for pieces in (1, None):
        known = cast(Any, FileStorage)(str(tmp_path / "known.json"))
        uploader: Any = client_of(tenant).uploader(
            str(file), chunk_size=len(DATA) // 4, store_url=True, url_storage=known, metadata={"filename": "photo.png"}
        )
        assert uploader.offset == (0 if pieces else len(DATA) // 4)
        uploader.upload_chunk() if pieces else uploader.upload()
        known.close()
    (file_id,) = listed(tenant.client)
    assert content(tenant, file_id) == DATA


@pytest.mark.skipif(not MODULES or which("node") is None, reason="needs Node, and tus-js-client in TUS_MODULES")
def test_uppys_client_breaks_off_and_goes_on(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(DATA)
    command: list[str | Path] = [
        "node", SCRIPT, f"{tenant.server.url}{TUS}", tenant.key.key, tmp_path / "photo.png", "65536"
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert listed(tenant.client) == [done.stdout.strip()]
    assert tenant.client.get(f"{FILES}/{done.stdout.strip()}").json()["title"] == "Größe 名前"
    assert content(tenant, done.stdout.strip()) == DATA

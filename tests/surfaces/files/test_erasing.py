"""Files erased for good, and the signed records that stay (docs/privacy.md)."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select

from mediatheque.core.accounts import Accounts
from mediatheque.core.ids import to_ulid
from mediatheque.core.notary import Notary
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import erasure, metadata
from mediatheque.records.tables import tenant as owner
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import SECRET, Server, upload, wait_for
from tests.surfaces.files.conftest import settled
from tests.surfaces.files.doors import refusal, streamed
from tests.surfaces.files.links import saved
from tests.surfaces.files.test_presigned import confirm, initiate, put
from tests.surfaces.files.test_tus import created, patch
from tests.surfaces.files.test_tus import metadata as metadata_of
from tests.surfaces.test_dispatch import ended

FILES = "/api/v2/user-files"
NAME = "Margarethe Mustermann at the lake.jpg"
TELLTALE = ("Margarethe", "Mustermann", "Margarethes")


def erased(client: httpx.Client, file_id: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{FILES}/{file_id}/erase", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(client: httpx.Client) -> str:
    """A file of which much is known."""
    headers = {"Idempotency-Key": uuid4().hex}
    answer = client.post(
        f"{FILES}/upload/stream", headers=headers, files={"file": (NAME, picture("JPEG", 300, 200))},
        data={"title": "Margarethes birthday", "tags": "Mustermann,lake"},
    )  # fmt: skip
    file_id = str(answer.json()["image_id"])
    assert client.patch(f"{FILES}/{file_id}", json={"title": "Margarethe, once more"}).status_code == 200
    settled(client, file_id)
    return file_id


def rows(database: Database, tenant_id: int) -> str:
    """Every row of the tenant, as text."""
    found = []
    with database.read() as tx:
        for table in metadata.sorted_tables:
            mine = select(table).where(table.c.tenant_id == tenant_id) if "tenant_id" in table.c else select(table)
            found += [f"{table.name}: {dict(row)}" for row in tx.execute(mine).mappings()]
    return "\n".join(found)


def row_of(database: Database, tenant: Tenant) -> int:
    with database.read() as tx:
        return int(tx.execute(select(owner.c.id).where(owner.c.name == tenant.name)).scalar_one())


@pytest.mark.parametrize("is_in_trash", [False, True], ids=["there", "trashed"])
def test_nothing_tells_of_an_erased_file_but_its_record(tenant: Tenant, database: Database, is_in_trash: bool) -> None:
    file_id = told(tenant.client)
    shown = tenant.client.get(f"{FILES}/{file_id}").json()
    if is_in_trash:
        assert tenant.client.delete(f"{FILES}/{file_id}").status_code == 200
    record = erased(tenant.client, file_id, reason="asked for under article 17")["erasure"]
    assert (record["file_id"], record["kind"], f"sha256:{record['sha256']}") == (file_id, "image", shown["hash"])
    assert (record["size_bytes"], record["erased_by"]) == (shown["size_bytes"], str(tenant.key.user_id))
    assert (record["is_complete"], record["is_genuine"]) == (True, True)
    assert list(tenant.objects()) == []
    left = rows(database, row_of(database, tenant))
    assert [line for line in left.splitlines() if any(word in line for word in TELLTALE)] == []
    for path in (f"{FILES}/{file_id}", f"{FILES}/{file_id}/download", f"{FILES}/{file_id}/provenance"):
        assert tenant.client.get(path).status_code == 404
    assert tenant.client.post(f"{FILES}/{file_id}/restore").status_code == 404
    assert tenant.client.get(FILES, params={"search": "Margarethe"}).json()["files"] == []
    page = tenant.client.get("/api/v2/events", params={"after": 0}).json()["events"]
    mine = [it for it in page if it["data"].get("asset_id") == file_id]
    assert mine[-1]["type"] == "asset.deleted"
    assert mine[-1]["data"] == {"asset_id": file_id, "kind": "image", "is_final": True, "is_erased": True}


def test_the_doors_through_which_it_came_forget_its_name(tenant: Tenant, database: Database) -> None:
    client, data = tenant.client, picture("PNG", 90, 60)
    made = initiate(client, data, filename=NAME)
    assert put(made, data).status_code == confirm(client, made, len(data)).status_code == 200
    url = created(client, len(data), Upload_Metadata=metadata_of(filename=NAME, title="Margarethe"))
    resumed = patch(client, url, data).headers["upload-asset"]
    batch = client.post(
        f"{FILES}/upload/stream-batch", files=[("files", (NAME, data)), ("files", ("other.png", picture("PNG")))]
    ).json()
    several = [it["image_id"] for it in batch["immediate_results"]]
    link = saved(client, "http://127.0.0.1:9/margarethe", title="Margarethe", auto_crawl=False)["id"]
    for file_id in (made["image_id"], resumed, several[0], link):
        assert erased(client, file_id)["erasure"]["is_genuine"] is True
    left = rows(database, row_of(database, tenant)).splitlines()
    assert [line for line in left if any(word.lower() in line.lower() for word in TELLTALE)] == []
    assert client.get(batch["status_url"]).json()["total_files"] == 2
    assert client.head(url, headers={"Tus-Resumable": "1.0.0"}).status_code in {200, 404, 410}
    assert confirm(client, made, len(data)).status_code < 500
    assert client.get(f"{FILES}/{several[1]}").status_code == 200


def test_erasing_again_finds_the_record(tenant: Tenant) -> None:
    file_id = str(streamed(tenant.client)["image_id"])
    first = erased(tenant.client, file_id, reason="first")
    assert erased(tenant.client, file_id, reason="second") == first


def test_what_was_deleted_before_leaves_a_record_without_a_hash(tenant: Tenant) -> None:
    image = upload(tenant.client, alt_text="Margarethe")
    tenant.client.delete(f"/v3/images/{image['id']}")
    file_id = str(UUID(bytes=ulid_bytes(image["id"])))
    record = erased(tenant.client, file_id)["erasure"]
    assert (record["sha256"], record["size_bytes"], record["is_genuine"]) == (None, None, True)


def ulid_bytes(image_id: str) -> bytes:
    from mediatheque.core.ids import from_ulid

    return from_ulid(image_id.removeprefix("img_")).bytes


def test_what_a_workflow_made_of_it_goes_with_it(tenant: Tenant) -> None:
    key = tenant.client.post("/v1/uploads", files={"file": (NAME, picture("JPEG", 300, 200))}).json()["upload_key"]
    source = str(UUID(bytes=ulid_bytes(key.split("/")[1])))
    job = tenant.client.post("/v1/workflows/thumbnail", json={"source_image_s3_key": key}).json()["job_id"]
    assert ended(tenant.client, job)["status"] == "SUCCESS"
    assert len(list_of(tenant.client)) == 2
    found = erased(tenant.client, source)
    assert [it["derived_from"] for it in found["derived"]] == [source]
    assert list_of(tenant.client) == []
    wait_for(lambda: not list(tenant.objects()), "what a worker was making to be gone", 60)
    assert erased(tenant.client, found["derived"][0]["file_id"])["erasure"]["derived_from"] == source


def list_of(client: httpx.Client) -> list[Any]:
    found: list[Any] = client.get(FILES).json()["files"]
    return found


def test_a_public_picture_is_gone_from_every_url_at_once(tenant: Tenant) -> None:
    image = upload(tenant.client)
    stranger = httpx.Client(base_url=tenant.server.url, trust_env=False, timeout=60)
    for path in (f"/i/{image['id']}", f"/t/-/avatar/{image['id']}"):
        assert stranger.get(path).status_code == 200
    file_id = UUID(bytes=ulid_bytes(image["id"]))
    erased(tenant.client, str(file_id))
    for path in (f"/i/{image['id']}", f"/t/-/avatar/{image['id']}"):
        assert stranger.get(path).status_code == 410
    assert not list((tenant.server.data_dir / "derivatives").glob(f"{file_id.hex}/*"))
    assert to_ulid(file_id) in image["id"]


def test_anybody_can_verify_a_record(tenant: Tenant, accounts: Accounts) -> None:
    erased(tenant.client, str(streamed(tenant.client)["image_id"]), reason="because")
    assert tenant.client.get("/api/v2/erasures").status_code == 403
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.ADMIN).key) as admin:
        page = admin.get("/api/v2/erasures", params={"page_size": 1}).json()
    (record,) = page["erasures"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(page["public_keys"][record["key_id"]]))
    key.verify(base64.b64decode(record["signature"]), record["signed"].encode())
    signed = json.loads(record["signed"])
    assert (signed["asset_id"], signed["sha256"], signed["reason"]) == (record["file_id"], record["sha256"], "because")
    assert set(signed) == {"id", "tenant_id", "asset_id", "kind", "sha256", "size_bytes", "derived_from", "erased_at",
                           "erased_by", "reason"}  # fmt: skip


def test_who_may_not_delete_may_not_erase(tenant: Tenant, other_tenant: Tenant, accounts: Accounts) -> None:
    file_id = str(streamed(tenant.client)["image_id"])
    with tenant.server.client(accounts.create_key(tenant.name, role=Role.VIEWER).key) as viewer:
        assert refusal(viewer.post(f"{FILES}/{file_id}/erase"))[0] == 403
    for id_of_nobody in (file_id, str(uuid4())):
        answer = other_tenant.client.post(f"{FILES}/{id_of_nobody}/erase")
        assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")
    assert tenant.client.get(f"{FILES}/{file_id}").status_code == 200
    long = tenant.client.post(f"{FILES}/{file_id}/erase", json={"reason": "x" * 256})
    assert refusal(long)[0] == 422


def test_a_record_that_somebody_changed_is_told(tenant: Tenant, database: Database) -> None:
    first, second = (str(streamed(tenant.client)["image_id"]) for _ in range(2))
    done = tenant.server.command("erase", first, second, "--reason", "an order", "--json")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert [(it["asset_id"], it["erased_by"], it["is_genuine"]) for it in records] == [
        (first, None, True), (second, None, True)
    ]  # fmt: skip
    verify = ("erasures", "--tenant", tenant.name, "--verify")
    assert tenant.server.command(*verify).returncode == 0
    with database.write() as tx:
        tx.execute(erasure.update().where(erasure.c.asset_uuid == UUID(first)).values(reason="another order"))
    listed = tenant.server.command(*verify)
    assert (listed.returncode, listed.stdout.count("FORGED"), listed.stdout.count("genuine")) == (1, 1, 1)
    missing = tenant.server.command("erase", str(uuid4()))
    assert (missing.returncode, "No file" in missing.stderr) == (1, True)
    with database.read() as tx:
        assert tx.execute(select(func.count()).where(erasure.c.asset_uuid == UUID(first))).scalar_one() == 1


def test_a_replaced_secret_keeps_its_records() -> None:
    older, newer = SECRET.split()
    key_id, signature = Notary([older]).sign(b"erased")
    assert Notary([newer, older]).is_genuine(b"erased", key_id, signature) is True
    assert Notary([newer, older]).is_genuine(b"kept", key_id, signature) is False
    assert Notary([newer]).is_genuine(b"erased", key_id, signature) is None


@pytest.mark.parametrize("place", ["erase.recorded", "erase.committed"])
def test_a_kill_leaves_all_or_nothing(tmp_path_factory: pytest.TempPathFactory, place: str) -> None:
    folder = tmp_path_factory.mktemp("erasing")
    faults = folder / "faults"
    faults.mkdir()
    server = Server(folder / "data", {"MEDIATHEQUE_FAULTS": str(faults)}).start()
    try:
        with server.client() as client:
            file_id = str(streamed(client)["image_id"])
            settled(client, file_id)
            (faults / place).write_text("kill")
            with pytest.raises(httpx.HTTPError):
                client.post(f"{FILES}/{file_id}/erase").raise_for_status()
            assert (faults / f"{place}.struck").exists()
            wait_for(server.is_ready, "the server to be back", 60)
            is_there = client.get(f"{FILES}/{file_id}").status_code == 200
            assert is_there == (place == "erase.recorded")
            assert server.command("fsck", "--repair", "--grace", "0").returncode == 0
            record = erased(client, file_id)["erasure"]
            assert (record["is_complete"], record["is_genuine"]) == (True, True)
            assert [it for it in (server.data_dir / "objects").rglob("*") if it.is_file() and file_id in str(it)] == []
            assert not [it for it in (server.data_dir / "objects").glob("*/*/*/*") if it.is_file()]
    finally:
        assert server.stop() == 0

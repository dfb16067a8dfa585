"""Presigned uploads where the server's own store is a real S3 service: the bytes go there, and are pinned here."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import obstore
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from mediatheque.records.tables import arrival
from tests import servers
from tests.conftest import DATABASES, Tenant, _tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.doors import PNG, files_of, refusal
from tests.surfaces.files.test_presigned import confirm, initiate, put


@pytest.fixture(scope="module", params=DATABASES)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose bytes lie in a bucket."""
    environment = servers.seaweed().environment(servers.seaweed().place())
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(f"cloud-{request.param}") / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def rows(cloud: Server) -> Iterator[Database]:
    url = cloud.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{cloud.data_dir / 'mediatheque.db'}"
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def tenant(cloud: Server, rows: Database) -> Iterator[Tenant]:
    yield from _tenant(cloud, Accounts(rows))


def keys(cloud: Server) -> list[str]:
    """What lies in the bucket below the server's prefix."""
    prefix = cloud.environment["MEDIATHEQUE_STORAGE_URL"].rpartition("/")[2]
    found = [it["path"] for batch in obstore.list(servers.seaweed().client(), prefix) for it in batch]
    return [path.removeprefix(f"{prefix}/") for path in found]


def test_bytes_go_to_the_service_and_become_a_file(tenant: Tenant, cloud: Server) -> None:
    made = initiate(tenant.client)
    assert made["upload_url"].startswith(servers.seaweed().endpoint)
    assert put(made).status_code == 200
    assert confirm(tenant.client, made).status_code == 200
    (listed,) = files_of(tenant.client)
    assert listed["id"] == made["image_id"]
    assert made["object_key"] in keys(cloud)
    content = tenant.client.get(f"/api/v1/assets/{made['image_id']}/content")
    assert content.content == PNG


def test_a_put_after_the_confirmation_changes_nothing_and_is_swept(tenant: Tenant, cloud: Server) -> None:
    made = initiate(tenant.client)
    put(made)
    assert confirm(tenant.client, made).status_code == 200
    put(made, picture("PNG", seed=5))
    assert tenant.client.get(f"/api/v1/assets/{made['image_id']}/content").content == PNG

    def is_swept() -> bool:
        cloud.command("fsck", "--repair", "--grace", "0")
        return not [key for key in keys(cloud) if key.startswith("arrivals/") and made["image_id"] in key]

    wait_for(is_swept, "the late bytes to be swept", 90)
    assert tenant.client.get(f"/api/v1/assets/{made['image_id']}/content").content == PNG


def test_more_bytes_than_declared_are_refused_at_confirmation_and_removed(tenant: Tenant, cloud: Server) -> None:
    made, large = initiate(tenant.client), PNG + b"x" * 1000
    assert put(made, large).status_code == 200
    assert refusal(confirm(tenant.client, made, len(large))) == (400, "BAD_REQUEST")
    assert not [key for key in keys(cloud) if made["image_id"] in key]
    assert files_of(tenant.client) == []


def test_another_type_a_lie_about_the_size_and_nothing_are_refused(tenant: Tenant) -> None:
    assert refusal(confirm(tenant.client, initiate(tenant.client))) == (400, "BAD_REQUEST")
    jpeg = picture("JPEG")
    made = initiate(tenant.client, data=max(PNG, jpeg, key=len))
    put(made, jpeg)
    assert refusal(confirm(tenant.client, made, len(jpeg) + 1)) == (400, "BAD_REQUEST")
    assert refusal(confirm(tenant.client, made, len(jpeg))) == (400, "UNSUPPORTED_FILE_TYPE")
    assert files_of(tenant.client) == []
    put(made)
    assert confirm(tenant.client, made).status_code == 200


def test_the_service_refuses_a_forged_signature_and_another_method(tenant: Tenant) -> None:
    made = initiate(tenant.client)
    url = made["upload_url"]
    assert put(made | {"upload_url": url[:-1] + ("0" if url[-1] != "0" else "1")}).status_code == 403
    assert put(made | {"upload_url": url.replace(made["image_id"], str(UUID(int=7)))}).status_code == 403
    assert httpx.get(url, trust_env=False, timeout=60).status_code == 403


def test_what_has_expired_is_swept_from_the_bucket(tenant: Tenant, cloud: Server, rows: Database) -> None:
    made = initiate(tenant.client)
    put(made)
    with rows.write() as tx:
        past = datetime.now(UTC) - timedelta(minutes=1)
        tx.execute(arrival.update().where(arrival.c.uuid == UUID(made["image_id"])).values(expires_at=past))
    assert refusal(confirm(tenant.client, made)) == (400, "BAD_REQUEST")
    cloud.command("fsck", "--repair", "--grace", "0")
    assert not [key for key in keys(cloud) if made["image_id"] in key]


def test_streamed_files_go_to_the_bucket_too(tenant: Tenant, cloud: Server) -> None:
    answer = tenant.client.post("/api/v2/user-files/upload/stream", files={"file": ("a.png", PNG)})
    assert answer.status_code == 200
    assert answer.json()["object_key"] in keys(cloud)

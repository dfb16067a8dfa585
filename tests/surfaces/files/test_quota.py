"""The storage quota of a tenant, and the room that is kept for what is on its way (contract, 3.1; decisions 20)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from tests.conftest import DATABASES, Tenant, _tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.doors import files_of, refusal, stream, streamed
from tests.surfaces.files.test_batches import sent
from tests.surfaces.files.test_presigned import INITIATE, confirm, form, initiate, put
from tests.surfaces.files.test_tus import create, created, delete

DATA = picture("PNG", 300, 200)
QUOTA = 3 * len(DATA) + 100
FULL = (413, "STORAGE_QUOTA_EXCEEDED")


@pytest.fixture(scope="module", params=DATABASES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which every tenant has room for three files."""
    environment = {"MEDIATHEQUE_STORAGE_QUOTA": str(QUOTA)}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(f"small-{request.param}") / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def tenant(small: Server) -> Iterator[Tenant]:
    url = small.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{small.data_dir / 'mediatheque.db'}"
    database = Database(url)
    yield from _tenant(small, Accounts(database))
    database.close()


def test_a_file_beyond_the_quota_is_413_and_nothing_is_kept_of_it(tenant: Tenant) -> None:
    for _ in range(3):
        streamed(tenant.client, DATA)
    assert refusal(stream(tenant.client, DATA)) == FULL
    assert len(files_of(tenant.client)) == 3
    assert len([file for file in tenant.objects() if "uploads" in file.parts]) == 3


def test_of_many_at_once_only_those_that_fit_are_taken(tenant: Tenant) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: stream(tenant.client, DATA).status_code, range(8)))
    assert sorted(answers) == [200] * 3 + [413] * 5
    assert len(files_of(tenant.client)) == 3


def test_what_is_promised_is_kept_free_until_it_comes(tenant: Tenant) -> None:
    promised = [initiate(tenant.client, DATA) for _ in range(3)]
    assert refusal(tenant.client.post(INITIATE, data=form(DATA))) == FULL
    assert refusal(stream(tenant.client, DATA)) == FULL
    for made in promised:
        put(made, DATA)
        assert confirm(tenant.client, made, len(DATA)).status_code == 200
    assert refusal(tenant.client.post(INITIATE, data=form(DATA))) == FULL


def test_resumable_uploads_keep_room_too_and_give_it_back(tenant: Tenant) -> None:
    url = created(tenant.client, 3 * len(DATA))
    assert refusal(create(tenant.client, len(DATA))) == FULL
    assert delete(tenant.client, url).status_code == 204
    assert create(tenant.client, len(DATA), DATA).headers["upload-asset"]


def test_joining_partial_uploads_needs_no_room_twice(tenant: Tenant) -> None:
    half = len(DATA) // 2
    streamed(tenant.client, DATA)
    streamed(tenant.client, DATA)
    urls = [created(tenant.client, len(it), it, Upload_Concat="partial") for it in (DATA[:half], DATA[half:])]
    final = create(tenant.client, Upload_Length="", Upload_Concat=f"final;{' '.join(urls)}")
    assert final.headers["upload-asset"]
    assert len(files_of(tenant.client)) == 3


@pytest.mark.parametrize("count", [4, 7])
def test_a_batch_takes_what_fits_and_tells_of_the_rest(tenant: Tenant, count: int) -> None:
    made = sent(tenant.client, [DATA] * count)
    assert (made["accepted_files"], made["rejected_files"]) == (3, count - 3)
    assert {(it["reason"], it["retryable"]) for it in made["rejections"]} == {("Storage quota exceeded", True)}
    wait_for(lambda: len(files_of(tenant.client)) == 3, "the files that fit", 60)
    assert refusal(stream(tenant.client, DATA)) == FULL


def test_one_tenants_quota_is_not_anothers(tenant: Tenant, small: Server) -> None:
    for _ in range(3):
        streamed(tenant.client, DATA)
    with small.client() as client:
        for it in files_of(client):
            client.delete(f"/api/v1/assets/{it['id']}")
        streamed(client, DATA)

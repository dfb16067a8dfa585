"""A folder in which a volume should be mounted and is not: nothing counts as lost, and nothing is written beside it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mediatheque.records.tables import asset, blob, variant
from tests.conftest import DATABASES
from tests.faults.invariants import check, objects, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.faults.test_disk import DOORS, assert_refused
from tests.support import wait_for

MARKER = ".mediatheque"
UNAVAILABLE = (503, "Service unavailable", "SERVICE_UNAVAILABLE")


@pytest.fixture(params=DATABASES)
def own(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Site:
    """A running library of this test alone."""
    site = make_site(request.getfixturevalue("postgres").create() if request.param == "postgresql" else "")
    site.server.start()
    return site


@contextmanager
def unmounted(root: Path) -> Iterator[None]:
    """An empty folder in the place of one that is full."""
    away = root.rename(root.with_name(f"{root.name}-away"))
    root.mkdir()
    yield
    assert [file for file in root.rglob("*") if file.is_file()] == []
    for folder in root.iterdir():
        folder.rmdir()
    root.rmdir()
    away.rename(root)


def rows(site: Site) -> dict[str, list[Any]]:
    """What is recorded of assets and their bytes."""
    with site.parts.database.read() as tx:
        return {it.name: list(tx.execute(select(it).order_by(it.c.id))) for it in (asset, blob, variant)}


def test_a_store_that_is_not_mounted_is_unavailable_and_nothing_of_it_counts_as_lost(own: Site, ledger: Ledger) -> None:
    with own.server.client() as http:
        kept = [keep(ledger, http, photo()) for _ in range(3)]
        erased = keep(ledger, http, photo())
        settle(own)
        before, root = rows(own), own.staging.parent
        assert own.server.stop() == 0
        with unmounted(root):
            own.server.start(ready=False)
            ready = http.get("/health/ready")
            assert ready.status_code == 503
            assert MARKER in ready.json()["parts"]["storage"]
            assert ready.json()["parts"]["database"] == "ok"
            for door in DOORS:
                assert_refused(http.post(door, files={"file": ("photo.jpg", photo())}), *UNAVAILABLE)
            answer = http.post("/api/v1/assets", files={"file": ("photo.jpg", photo())})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
            assert http.get(kept[0]).status_code == 503
            for arguments in ([], ["--repair"], ["--repair", "--grace", "0", "--read-data", "--json"]):
                ended = own.server.command("fsck", *arguments)
                assert (ended.returncode, ended.stdout) == (1, "")
                assert len(ended.stderr.splitlines()) == 1
                assert MARKER in ended.stderr
            wait_for(lambda: b"worker cannot reach the library" in own.server.log.read_bytes(), "a worker to sweep")
            assert rows(own) == before
            assert http.delete(f"/v3/images/{erased.rpartition('/')[2]}").status_code == 204
            ledger.erased.add(erased)
            del ledger.kept[erased]
        wait_for(own.server.is_ready, "the mounted store to be used, without a restart")
        keep(ledger, http, photo())
    check(own, ledger)


def test_a_store_that_goes_while_the_server_runs_is_unavailable_until_it_is_back(own: Site, ledger: Ledger) -> None:
    with own.server.client() as http:
        kept = keep(ledger, http, photo())
        settle(own)
        before = rows(own)
        with unmounted(own.staging.parent):
            assert_refused(http.post("/v3/images", files={"file": ("photo.jpg", photo())}), *UNAVAILABLE)
            ready = http.get("/health/ready")
            assert ready.status_code == 503
            assert MARKER in ready.json()["parts"]["storage"]
            assert own.server.command("fsck", "--repair", "--grace", "0").returncode == 1
            assert rows(own) == before
        wait_for(own.server.is_ready, "the store to be back")
        assert http.get(kept).status_code == 200
        keep(ledger, http, photo())
    check(own, ledger)


def test_a_store_from_before_the_marker_is_adopted_once(own: Site, ledger: Ledger) -> None:
    with own.server.client() as http:
        keep(ledger, http, photo())
    settle(own)
    assert own.server.stop() == 0
    marker = own.staging.parent / MARKER
    assert marker not in objects(own)
    marker.unlink()
    own.server.start()
    assert marker.is_file()
    check(own, ledger)


def test_a_store_that_is_lost_for_good_is_given_up_by_putting_the_marker_back(own: Site, ledger: Ledger) -> None:
    with own.server.client() as http:
        lost = keep(ledger, http, photo())
        settle(own)
        root = own.staging.parent
        root.rename(root.with_name("lost"))
        root.mkdir()
        assert own.server.command("fsck", "--repair", "--grace", "0").returncode == 1
        (root / MARKER).touch()
        assert own.server.command("fsck", "--repair", "--grace", "0").returncode == 0
        assert http.get(lost).status_code == 404
        del ledger.kept[lost]
        keep(ledger, http, photo())
    check(own, ledger)


def test_the_folder_of_a_profile_that_is_not_mounted_is_left_alone(own: Site, ledger: Ledger) -> None:
    root = own.server.data_dir / "volume"
    with own.server.client() as http:
        body = {"name": "volume", "providerType": "local", "configuration": {"rootPath": "volume"}}
        profile = http.post("/api/v1/system/storage/providers", json=body).json()["data"]["id"]
        tried = f"/api/v1/system/storage/providers/{profile}/test"
        assert http.post(tried).json()["data"]["succeeded"]

        def upload() -> Any:
            form = {"storageProviderProfileId": profile, "isPublic": "true"}
            return http.post("/api/v1/assets", files={"file": ("photo.jpg", photo())}, data=form)

        taken = upload()
        assert taken.is_success, taken.text
        content = taken.json()["data"]["publicUrl"]
        assert http.get(content).status_code == 200
        settle(own)
        before = rows(own)
        with unmounted(root):
            assert upload().status_code == 503
            problem = http.post(tried).json()["data"]
            assert not problem["succeeded"]
            assert MARKER in problem["message"]
            ended = own.server.command("fsck", "--repair", "--grace", "0", "--read-data", "--json")
            assert ended.returncode == 1
            assert json.loads(ended.stdout)["unreachable_stores"] == [profile]
            assert rows(own) == before
            assert http.get("/health/ready").status_code == 200
            keep(ledger, http, photo())
        assert http.get(content).status_code == 200
        assert upload().is_success
    settle(own)
    ended = own.server.command("fsck", "--repair", "--grace", "0", "--read-data", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr

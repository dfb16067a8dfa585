"""A full or read-only file system under the data folder, the store or the database (F5, F7)."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.conftest import DATABASES
from tests.faults.invariants import check, objects, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.faults.test_disk import DOORS, assert_refused
from tests.faults.volumes import filled, make_read_only, volume
from tests.support import wait_for

FULL = (507, "Storage is full", "STORAGE_FULL")


@pytest.mark.parametrize("database", DATABASES)
def test_a_full_data_folder_refuses_uploads_and_serves_reads_until_there_is_room(
    database: str, make_site: Callable[..., Site], ledger: Ledger, request: pytest.FixtureRequest
) -> None:
    site = make_site(request.getfixturevalue("postgres").create() if database == "postgresql" else "")
    with volume(site.server.data_dir, 16):
        _fills_up_and_recovers(site, ledger, site.server.data_dir)


def test_a_full_database_volume_refuses_uploads_and_serves_reads_until_there_is_room(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site(MEDIATHEQUE_STORAGE_URL=tmp_path.as_uri())
    with volume(site.server.data_dir, 16):
        _fills_up_and_recovers(site, ledger, site.server.data_dir)


def test_a_full_store_refuses_uploads_and_serves_reads_until_there_is_room(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site(MEDIATHEQUE_STORAGE_URL=(tmp_path / "store").as_uri())
    with volume(tmp_path, 4):
        _fills_up_and_recovers(site, ledger, tmp_path)


def _fills_up_and_recovers(site: Site, ledger: Ledger, full: Path) -> None:
    site.server.start()
    with site.server.client() as http, ExitStack() as pressure:
        erased = keep(ledger, http, photo())
        kept = keep(ledger, http, photo())
        settle(site)
        before = objects(site)
        pressure.enter_context(filled(full))
        for door in DOORS * 3:
            assert_refused(_upload(http, door), *FULL)
        assert objects(site) == before
        assert list(site.staging.iterdir()) == []
        assert http.get(kept).status_code == 200
        assert http.get("/v3/images").json()["total"] == 2
        assert http.get("/health/live").status_code == 200
        answer = http.delete(f"/v3/images/{erased.rpartition('/')[2]}")
        assert answer.status_code in {204, 507}  # may need room in the database
        if answer.status_code == 204:
            ledger.erased.add(erased)
            del ledger.kept[erased]
        assert http.get(erased).status_code == (410 if erased in ledger.erased else 200)
        site.processes("web")[0].kill()
        wait_for(site.server.is_live, "the killed process to be replaced without room")
        assert http.get(kept).status_code == 200
        if site.is_sqlite:
            with sqlite3.connect(site.server.data_dir / "mediatheque.db") as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        pressure.close()
        keep(ledger, http, photo())
        keep(ledger, http, photo(), "/v1/uploads")
    check(site, ledger)
    assert site.server.stop() == 0


def test_a_disk_that_becomes_read_only_refuses_writes_until_it_can_be_written_again(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site(MEDIATHEQUE_STORAGE_URL=tmp_path.as_uri())
    with volume(tmp_path, 4):
        site.server.start()
        with site.server.client() as http:
            kept = keep(ledger, http, photo())
            settle(site)
            make_read_only(tmp_path)
            for door in DOORS:
                assert_refused(_upload(http, door), 503, "Service unavailable", "SERVICE_UNAVAILABLE")
            ready = http.get("/health/ready")
            assert ready.status_code == 503
            assert [name for name, state in ready.json()["parts"].items() if state != "ok"] == ["storage"]
            assert http.get(kept).status_code == 200
            make_read_only(tmp_path, read_only=False)
            keep(ledger, http, photo())
        check(site, ledger)
        assert site.server.stop() == 0


@pytest.mark.parametrize("variable", ["MEDIATHEQUE_DATA_DIR", "MEDIATHEQUE_STORAGE_URL"])
def test_a_start_on_a_read_only_folder_ends_with_one_line_that_names_it(
    variable: str, make_site: Callable[..., Site], tmp_path: Path
) -> None:
    with volume(tmp_path / "volume", 1) as folder:
        make_read_only(folder)
        inside = folder / "library"
        site = make_site(**{variable: inside.as_uri() if variable.endswith("URL") else str(inside)})
        ended = site.server.command("serve")
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    assert variable in line
    assert "Read-only file system" in line


def test_a_folder_that_became_read_only_while_the_server_was_down_stops_the_start_in_one_line(
    make_site: Callable[..., Site], ledger: Ledger
) -> None:
    site = make_site()
    with volume(site.server.data_dir, 16) as folder:
        site.server.start()
        assert site.server.stop() == 0
        make_read_only(folder)
        ended = site.server.command("serve")
        assert ended.returncode == 1
        (line,) = ended.stderr.strip().splitlines()
        assert str(folder) in line
        make_read_only(folder, read_only=False)
        site.server.start()
        with site.server.client() as http:
            keep(ledger, http, photo())
        check(site, ledger)
        assert site.server.stop() == 0


def test_a_data_folder_that_was_taken_away_is_told_as_not_ready(make_site: Callable[..., Site], ledger: Ledger) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        keep(ledger, http, photo())
        settle(site)
        root = site.parts.store.staging.parent
        away = root.rename(root.with_name("away"))
        assert _upload(http, "/v3/images").status_code == 503
        assert http.get("/health/ready").status_code == 503
        away.rename(root)
        wait_for(site.server.is_ready, "the store to be back")
        keep(ledger, http, photo())
    check(site, ledger)


def _upload(http: httpx.Client, door: str) -> httpx.Response:
    return http.post(door, files={"file": ("photo.jpg", photo())})

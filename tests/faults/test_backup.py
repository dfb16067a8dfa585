"""A backup taken while clients write, and a library restored from it: on either database, in either store (F27)."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from mediatheque.records.tables import blob
from tests.conftest import DATABASES, Postgres
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo, press
from tests.faults.site import Site
from tests.servers import seaweed

UPLOADS_BEFORE = 20


@dataclass
class Backup:
    """A copy, and what had been acknowledged before it was begun."""

    folder: Path
    kept: dict[str, str]
    erased: set[str]


@pytest.mark.parametrize("database", DATABASES)
def test_a_backup_taken_under_load_holds_all_that_was_acknowledged_before_it(
    database: str, make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    postgres: Postgres | None = request.getfixturevalue("postgres") if database == "postgresql" else None
    site = make_site(postgres.create() if postgres else "")
    site.server.start()
    backup = asyncio.run(_backed_up_under_load(site, ledger, tmp_path))
    assert site.server.stop() == 0
    restored = make_site(postgres.create() if postgres else "")
    _restore(restored, backup.folder)
    restored.server.start()
    with restored.server.client() as http:
        gone = ledger.erased | set(ledger.doubtful)
        lasting = {url: sha256 for url, sha256 in backup.kept.items() if url not in gone}
        assert len(lasting) >= UPLOADS_BEFORE // 4
        for url, sha256 in lasting.items():
            answer = http.get(urlsplit(url).path)
            assert answer.status_code == 200, url
            assert hashlib.sha256(answer.content).hexdigest() == sha256
        assert {http.get(urlsplit(url).path).status_code for url in backup.erased} <= {410}
        keep(fresh := Ledger(), http, photo())
    check(restored, fresh)


async def _backed_up_under_load(site: Site, ledger: Ledger, folder: Path) -> Backup:
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(press(site, ledger, done.is_set))
        while len(ledger.kept) < UPLOADS_BEFORE:
            await asyncio.sleep(0.01)
        backup = Backup(folder, {url: it for url, it in ledger.kept.items() if "/i/" in url}, set(ledger.erased))
        await asyncio.to_thread(take, site, folder)
        done.set()
    return backup


def take(site: Site, folder: Path) -> dict[str, Any]:
    done = site.server.command("backup", str(folder), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _restore(site: Site, folder: Path) -> dict[str, Any]:
    done = site.server.command("restore", str(folder), "--verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["verified"]["orphan_objects"] == []
    return found


def test_a_backup_moves_a_library_from_sqlite_and_a_folder_to_postgresql_and_s3_and_back(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path, postgres: Postgres
) -> None:
    laptop = make_site()
    laptop.server.start()
    with laptop.server.client() as http:
        for _ in range(3):
            keep(ledger, http, photo())
        folder = http.post("/api/v2/folders", json={"name": "inner"}).json()
        around = http.post("/api/v2/folders", json={"name": "around"}).json()  # a row that refers to a later one
        http.post(f"/api/v2/folders/{folder['id']}/move", json={"new_parent_id": around["id"]}).raise_for_status()
        http.post("/v1/rooms", json={"name": "a room"})
    check(laptop, ledger)
    take(laptop, tmp_path / "first")
    cluster = make_site(postgres.create(), **seaweed().environment(seaweed().place()))
    _restore(cluster, tmp_path / "first")
    cluster.server.start()
    with cluster.server.client() as http:
        _holds(http, ledger)
        assert http.get(f"/api/v2/folders/{folder['id']}").status_code == 200
        keep(ledger, http, photo())
    check(cluster, ledger)
    take(cluster, tmp_path / "second")
    again = make_site()
    _restore(again, tmp_path / "second")
    again.server.start()
    check(again, ledger)


def test_a_second_backup_into_the_folder_copies_only_what_is_new_and_drops_what_is_gone(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        first, second = keep(ledger, http, photo()), keep(ledger, http, photo())
        settle(site)
        assert take(site, tmp_path)["copied"] == 12
        http.delete(f"/v3/images/{first.rpartition('/')[2]}")
        keep(ledger, http, photo())
        settle(site)
        assert take(site, tmp_path)["copied"] == 6
        assert take(site, tmp_path)["copied"] == 0
    assert len([it for it in (tmp_path / "objects").rglob("*") if it.is_file()]) == 12
    assert second in ledger.kept


def test_a_damaged_backup_a_used_database_and_another_secret_are_refused_in_one_line(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        keep(ledger, http, photo())
    take(site, tmp_path)
    assert site.server.stop() == 0
    assert "not empty" in _refused(site, tmp_path)
    assert "MEDIATHEQUE_SECRET" in _refused(make_site(MEDIATHEQUE_SECRET="another-secret-of-enough-length"), tmp_path)
    assert "holds no backup" in _refused(make_site(), tmp_path / "objects")
    other = make_site()
    other.server.start()
    refused = other.server.command("backup", str(tmp_path))
    assert (refused.returncode, "another library" in refused.stderr) == (1, True)
    (rows,) = tmp_path.glob("rows-*/asset.jsonl.gz")
    rows.write_bytes(rows.read_bytes()[:-1])
    assert "damaged" in _refused(make_site(), tmp_path)


def test_a_lost_object_is_told_by_the_backup_and_fails_its_asset_in_the_restored_library(
    make_site: Callable[..., Site], ledger: Ledger, tmp_path: Path
) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        lost, _ = keep(ledger, http, photo()), keep(ledger, http, photo())
    settle(site)
    with site.parts.database.read() as tx:
        key = tx.execute(select(blob.c.key).order_by(blob.c.id).limit(1)).scalar_one()
    (site.server.data_dir / "objects" / key).unlink()
    done = site.server.command("backup", str(tmp_path / "backup"), "--json")
    assert (done.returncode, json.loads(done.stdout)["missing_objects"]) == (1, [key])
    restored = make_site()
    _restore(restored, tmp_path / "backup")
    restored.server.start()
    del ledger.kept[lost]
    check(restored, ledger)


def _refused(site: Site, folder: Path) -> str:
    done = site.server.command("restore", str(folder))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def _holds(http: httpx.Client, ledger: Ledger) -> None:
    for url, sha256 in ledger.kept.items():
        assert hashlib.sha256(http.get(urlsplit(url).path).content).hexdigest() == sha256

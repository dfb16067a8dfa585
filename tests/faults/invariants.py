"""What must hold after any fault (safety.md, 3): one function, called by every fault test."""

import hashlib
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Table, func, select

from mediatheque.app import make_fsck
from mediatheque.core.counts import TRASH
from mediatheque.core.fsck import Report
from mediatheque.core.ids import from_ulid
from mediatheque.records.assets import day_of
from mediatheque.records.engine import Tx
from mediatheque.records.tables import (
    asset,
    blob,
    counter,
    from_micros,
    job,
    metadata,
    run,
    tally,
    to_micros,
    variant,
    worker,
)
from tests.faults.ledger import Ledger
from tests.faults.site import Site
from tests.support import wait_for

ALL_FOLDERS = 0
ENDED = {"succeeded", "failed"}
VARIANTS = 5
IDLE_SECONDS = 60


def check(site: Site, ledger: Ledger, *, lapse: bool = True) -> Report:
    """Raise unless every invariant holds of the idle library; returns what the first repair had to mend.

    With `lapse` the time until the leases of dead workers end is taken as passed; else it is waited for.
    """
    site.revive()
    settle(site, lapse=lapse)
    _acknowledged_is_there(site, ledger)
    mended = make_fsck(site.parts).check(grace=timedelta())
    report = repair(site)
    assert report.is_clean, report
    assert make_fsck(site.parts).check(grace=timedelta(), sample_percent=100).is_clean
    assert [entry.name for entry in site.staging.iterdir()] == []
    with site.parts.database.read() as tx:
        _every_run_ended(tx)
        _counts_add_up(tx)
        _database_is_sound(tx, is_sqlite=site.is_sqlite)
    _acknowledged_is_there(site, ledger)
    before = snapshot(site)
    assert repair(site).is_clean
    changed = _differences(before, snapshot(site))
    assert not changed, f"the second repair changed {changed}"
    return mended


def repair(site: Site) -> Report:
    return make_fsck(site.parts).repair(grace=timedelta(), sample_percent=100)


def settle(site: Site, *, lapse: bool = True, seconds: float = IDLE_SECONDS) -> None:
    """Wait until the queue is empty and no temporary file or folder in use."""

    def is_idle() -> bool:
        if lapse:
            site.end_leases_of_the_dead()
        unused = {found.key.rpartition("/")[2] for found in site.parts.store.leftovers()}
        in_use = {entry.name for entry in site.staging.iterdir()} - unused
        return not any(site.parts.pipeline.depth().values()) and not in_use

    wait_for(is_idle, "every job to end and nothing to be under way", seconds)


def snapshot(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but the workers' signs of life, and as `objects` all of those with their sizes.

    Of what workers fold in the background (tallies, counters) the sums.
    """
    with site.parts.database.read() as tx:
        rows = {
            table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table not in {worker, tally, counter}
        }
        rows |= {
            "tally": _sums(tx, tally, "assets", "size_bytes"),
            "counter": _sums(tx, counter, "amount", "size_bytes"),
        }
    return rows | {"objects": sorted((found.key, found.size_bytes) for found in site.parts.store.list())}


def _differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """By table: what is gone, and what came."""
    changed = [name for name in before if before[name] != after[name]]
    return {name: ([row for row in before[name] if row not in after[name]],
                   [row for row in after[name] if row not in before[name]]) for name in changed}  # fmt: skip


def _sums(tx: Tx, table: Table, *amounts: str) -> list[Any]:
    keys = [column for column in table.c if column.name not in {"id", *amounts}]
    query = select(*keys, *(func.sum(table.c[name]) for name in amounts)).group_by(*keys).order_by(*keys)
    return [tuple(row) for row in tx.execute(query) if any(row[-len(amounts) :])]


def objects(site: Site) -> list[Path]:
    """The files of the local store."""
    paths = (site.parts.store.path(found.key) for found in site.parts.store.list())
    return sorted(path for path in paths if path is not None)


def _acknowledged_is_there(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        for url, sha256 in ledger.kept.items():
            answer = http.get(_local(url))
            assert answer.status_code == 200, f"lost: {url} answers {answer.status_code}"
            assert hashlib.sha256(answer.content).hexdigest() == sha256, f"torn: {url}"
        for url in ledger.erased:
            assert http.get(_local(url)).status_code == 410, f"back from the dead: {url}"
        for url, sha256 in ledger.doubtful.items():
            answer = http.get(_local(url))
            assert answer.status_code == 410 or hashlib.sha256(answer.content).hexdigest() == sha256, url
        for url in ledger.broken:
            assert http.get(_local(url)).status_code == 404, f"served although broken: {url}"


def _every_run_ended(tx: Tx) -> None:
    assert tx.execute(select(func.count()).select_from(job)).scalar_one() == 0
    alive = select(run.c.state).join(asset, asset.c.id == run.c.asset_id).where(asset.c.deleted_at.is_(None))
    assert set(tx.execute(alive).scalars()) <= ENDED
    made = select(variant.c.blob_id, func.count().label("variants")).group_by(variant.c.blob_id).subquery()
    living = (
        select(asset.c.uuid, asset.c.state, made.c.variants)
        .outerjoin(made, made.c.blob_id == asset.c.blob_id)
        .where(asset.c.deleted_at.is_(None))
    )
    for uuid, state, variants in tx.execute(living):
        expected = ("failed", None) if state == "failed" else ("ready", VARIANTS)
        assert (state, variants) == expected, f"{uuid} is {state} with {variants} variants"


def _counts_add_up(tx: Tx) -> None:
    counted: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    living = select(asset, blob.c.size_bytes).join(blob, blob.c.id == asset.c.blob_id)
    for row in tx.execute(living.where(asset.c.deleted_at.is_(None), asset.c.state != "failed")).mappings():
        for folder in {ALL_FOLDERS, row["folder_id"] or ALL_FOLDERS}:
            total = counted[row["tenant_id"], folder, row["kind"], row["is_public"], _day(row["created_at"])]
            total[0] += 1
            total[1] += row["size_bytes"]
    for row in tx.execute(living.where(asset.c.deleted_at.is_not(None))).mappings():
        total = counted[row["tenant_id"], ALL_FOLDERS, TRASH, row["is_public"], _day(row["created_at"])]
        total[0] += 1
        total[1] += row["size_bytes"]
    keys = (tally.c.tenant_id, tally.c.folder_id, tally.c.kind, tally.c.is_public, tally.c.day)
    sums = tx.execute(select(*keys, func.sum(tally.c.assets), func.sum(tally.c.size_bytes)).group_by(*keys))
    recorded = {tuple(key): [int(assets), int(size)] for *key, assets, size in sums if assets or size}
    assert recorded == dict(counted)


def _database_is_sound(tx: Tx, *, is_sqlite: bool) -> None:
    if is_sqlite:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        assert tx.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    for table in metadata.sorted_tables:
        assert tx.execute(select(func.count()).select_from(table)).scalar_one() >= 0
    bare = asset.outerjoin(blob, blob.c.id == asset.c.blob_id)
    lost = select(asset.c.uuid).select_from(bare).where(asset.c.deleted_at.is_(None), blob.c.id.is_(None))
    assert tx.execute(lost).all() == []


def _day(created_at: Any) -> int:
    return day_of(from_micros(to_micros(created_at)))


def _local(url: str) -> str:
    """Where its bytes are for good: the signature of a preview ends, and a storm may last longer."""
    path = urlsplit(url).path
    if path.startswith("/media/"):
        return f"/api/v1/assets/{from_ulid(path.split('/')[2])}/content"
    return path

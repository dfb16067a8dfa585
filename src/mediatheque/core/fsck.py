"""`fsck`: database and storage held against each other, and what can be mended mended (running.md, decisions 15).

Safe beside running servers: what looks wrong is looked at again before it counts, and what is younger than the grace
time may belong to an upload that is still under way.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from mediatheque.core.arrivals import Arrivals
from mediatheque.core.pipeline import LEASE_SECONDS, Pipeline
from mediatheque.core.stores import Stores
from mediatheque.errors import NotFound, Unavailable
from mediatheque.model import SAMPLE_PERCENT
from mediatheque.ports import Store, StoredObject
from mediatheque.records import inventory, restarts
from mediatheque.records.engine import Database
from mediatheque.records.inventory import Recorded
from mediatheque.records.locks import exclusive

BATCH = 500
GRACE = timedelta(minutes=15)
LEFTOVER_GRACE = timedelta(seconds=30)


@dataclass(slots=True)
class Report:
    """Counts of what was looked at, and the storage keys and run ids of what is wrong."""

    assets: int = 0
    objects: int = 0
    missing_objects: list[str] = field(default_factory=list)
    orphan_objects: list[str] = field(default_factory=list)
    checksum_mismatches: list[str] = field(default_factory=list)
    stuck_runs: list[str] = field(default_factory=list)
    unreachable_stores: list[str] = field(default_factory=list)
    """Tenants' own places that did not answer: nothing was found out about what lies there."""

    @property
    def is_clean(self) -> bool:
        return not any(value for value in self.as_json().values() if isinstance(value, list))

    def as_json(self) -> dict[str, Any]:
        """As running.md lists it; `unreachable_stores` only where there are some."""
        found = asdict(self)
        if not self.unreachable_stores:
            del found["unreachable_stores"]
        return found


class Fsck:
    def __init__(self, database: Database, stores: Stores, pipeline: Pipeline, arriving: Arrivals) -> None:
        self._database = database
        self._stores = stores
        self._pipeline = pipeline
        self._arrivals = arriving

    def check(self, *, grace: timedelta = GRACE, sample_percent: float = SAMPLE_PERCENT) -> Report:
        """Look at everything; read `sample_percent` of the objects whole and hold them against their hashes."""
        report = Report()
        with self._database.snapshot() as tx:  # it may take a while
            report.assets = inventory.count_assets(tx)
        for recorded in self._recorded():
            self._check_recorded(recorded, report, sample_percent)
        report.orphan_objects = [key for _, key in self._orphans(grace, report)]
        report.stuck_runs = [str(run["uuid"]) for run in (*self._stuck(grace), *self._given_up())]
        return report

    def repair(self, *, grace: timedelta = GRACE, sample_percent: float = SAMPLE_PERCENT) -> Report:
        """Mend what `check` finds, and look again: what was wrong and cannot be told from whole is gone or failed.

        Orphans and leftovers are removed, stuck runs start again, damaged variants are made again, and an asset
        whose original is lost becomes `failed`.
        """
        before = Report()
        self._arrivals.sweep()
        for recorded in list(self._recorded()):
            self._check_recorded(recorded, before, sample_percent)
        damaged = {*before.missing_objects, *before.checksum_mismatches}
        for keys in _batches(damaged):
            with self._database.write() as tx:
                self._pipeline.mend(tx, keys)
        _remove(list(self._orphans(grace, before)))
        with self._database.write() as tx:
            self._pipeline.restart(tx, [run["id"] for run in (*self._stuck(grace), *self._given_up())])
        self._pipeline.tidy(garbage_grace=grace)
        self._pipeline.announce()
        return self.check(grace=grace, sample_percent=0)

    def sweep(self) -> None:
        """The part of `repair` that workers do by themselves now and then, one at a time: orphans and stuck runs."""
        with exclusive(self._database, "sweep", wait=False) as held:
            if held:
                self._arrivals.sweep()
                _remove(list(self._orphans(GRACE, Report())))
                with self._database.write() as tx:
                    self._pipeline.restart(tx, [run["id"] for run in self._stuck(GRACE)])

    def sweep_leftovers(self) -> None:
        """Temporary files of processes that are gone."""
        oldest = datetime.now(UTC) - LEFTOVER_GRACE
        for _, store in self._reachable(Report()):
            for found in store.leftovers():
                if found.modified_at <= oldest:
                    store.delete(found.key)

    def _reachable(self, report: Report) -> Iterator[tuple[str, Store]]:
        """Every store by name; those that cannot be opened are noted. The server's own has to be there."""
        for name in self._stores:
            with self._noted(name, report):
                yield name, self._stores[name]

    @contextmanager
    def _noted(self, name: str, report: Report) -> Iterator[None]:
        """Note a tenant's place that does not answer and go on; the server's own is everybody's trouble."""
        try:
            yield
        except Unavailable:
            if name == self._stores.primary.name:
                self._stores.primary.check()  # it knows best what is wrong
                raise
            if name not in report.unreachable_stores:
                report.unreachable_stores.append(name)

    def _recorded(self) -> Iterator[Recorded]:
        """Every object that a row of a living asset names, blobs and variants."""
        for family in inventory.FAMILIES:
            after = 0
            while True:
                with self._database.read() as tx:
                    batch = inventory.recorded(tx, family, after, BATCH)
                if not batch:
                    break
                yield from batch
                after = batch[-1].id

    def _check_recorded(self, recorded: Recorded, report: Report, sample_percent: float) -> None:
        if recorded.store in report.unreachable_stores:
            return
        with self._noted(recorded.store, report):
            store = self._stores[recorded.store]
            try:
                damaged = store.size(recorded.key) != recorded.size_bytes
                if not damaged and random.uniform(0, 100) < sample_percent:  # noqa: S311
                    damaged = _sha256(store, recorded.key) != recorded.sha256
                kind = report.checksum_mismatches
            except NotFound:
                damaged, kind = True, report.missing_objects
            if damaged and self._is_still_recorded(recorded):
                kind.append(recorded.key)

    def _is_still_recorded(self, recorded: Recorded) -> bool:
        with self._database.read() as tx:
            return bool(inventory.named(tx, [recorded.key]))

    def _orphans(self, grace: timedelta, report: Report) -> Iterator[tuple[Store, str]]:
        """Objects and leftovers that no row names and that are older than the grace time; counts the objects."""
        oldest = datetime.now(UTC) - grace
        for name, store in self._reachable(report):
            for batch in _batches(self._objects(name, store, report)):
                report.objects += len(batch)
                old = [found.key for found in batch if found.modified_at <= oldest]
                with self._database.read() as tx:
                    known = inventory.named(tx, old)
                yield from ((store, key) for key in old if key not in known)
            yield from ((store, found.key) for found in store.leftovers() if found.modified_at <= oldest)

    def _objects(self, name: str, store: Store, report: Report) -> Iterator[StoredObject]:
        with self._noted(name, report):
            for folder in self._stores.folders_of(name):
                yield from store.list(folder)

    def _stuck(self, grace: timedelta) -> list[Any]:
        with self._database.read() as tx:
            return restarts.stuck(tx, grace_seconds=max(grace.total_seconds(), 2 * LEASE_SECONDS))

    def _given_up(self) -> list[Any]:
        """Left to an operator: a file that kills its workers would be tried for ever if they did this themselves."""
        with self._database.read() as tx:
            return self._pipeline.given_up(tx)


def _sha256(store: Store, key: str) -> str | None:
    """None for bytes that a disk cannot read any more; a distant store may only be away (`Unavailable`)."""
    digest = hashlib.sha256()
    try:
        for piece in store.open(key):
            digest.update(piece)
    except Unavailable:
        if store.path(key) is None:
            raise
        return None
    return digest.hexdigest()


def _remove(objects: Iterable[tuple[Store, str]]) -> None:
    for store, key in objects:
        with suppress(Unavailable):  # the next look finds it again
            store.delete(key)


def _batches(items: "Iterable[Any] | Iterable[StoredObject]") -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch

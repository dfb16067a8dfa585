"""The trash: deleted files that can be brought back for a while, and then are gone for good (contract, 3.8 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from mediatheque import faults
from mediatheque.core import events
from mediatheque.core.assets import Assets
from mediatheque.core.counts import count, count_in_trash, count_runs
from mediatheque.core.events import Topic
from mediatheque.core.generations import Generations
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import RESTORE
from mediatheque.core.promises import has_expired
from mediatheque.errors import NotFound
from mediatheque.model import Actor, Asset, State
from mediatheque.records import arrivals, assets, executions, search
from mediatheque.records.engine import Database, Tx

PURGE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of one of several: `deleted_at` None when there was no such file, or only one that `is_arriving`."""

    uuid: UUID
    deleted_at: datetime | None
    is_arriving: bool = False
    """Promised under this id, and its bytes are still being written (contract, 3.N)."""


class Trash:
    def __init__(
        self,
        database: Database,
        pipeline: Pipeline,
        generations: Generations,
        changing: Assets,
        kept: timedelta,
    ) -> None:
        self._database = database
        self._pipeline = pipeline
        self._generations = generations
        self._assets = changing
        self._kept = kept

    def discard(self, actor: Actor, uuid: UUID) -> datetime:
        """Put a file into the trash: hidden everywhere at once, and nothing is done to it. When it was; `NotFound`."""
        now = datetime.now(UTC)
        with self._database.write() as tx:
            it = assets.lock(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found")
            objects = self.take(tx, it, now)
            faults.place("discard.recorded")
        faults.place("discard.committed")
        self._generations.bump(uuid)
        self.collect(objects)
        return now

    def discard_all(self, actor: Actor, uuids: Sequence[UUID]) -> list[Discarded]:
        """Each by itself, one after another."""
        return [self._discarded(actor, uuid) for uuid in uuids]

    def take(self, tx: Tx, it: Asset, now: datetime) -> list[tuple[str, str]]:
        """Move an asset that is locked into the trash; its generation is the caller's to bump.

        One that failed has no bytes to keep: it is erased, and its objects, now garbage, are returned.
        """
        if it.state is State.FAILED:
            return self._assets.erase_locked(tx, it)
        executions.pause(tx, it.id)
        search.discard(tx, it)
        count(tx, it, -1)
        count_runs(tx, it, -1)
        count_in_trash(tx, it, 1)
        assets.change_asset(tx, it.id, {"deleted_at": now})
        events.tell_of(tx, it, Topic.ASSET_DELETED, is_final=False)
        return []

    def restore(self, actor: Actor, uuid: UUID) -> None:
        """Bring a file back as it was; work that was cut short goes on. Raises `NotFound` when it is not there."""
        with self._database.write() as tx:
            it = assets.lock_trashed(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found in the trash")
            assets.change_asset(tx, it.id, {"deleted_at": None})
            search.refresh(tx, it)
            count_in_trash(tx, it, -1)
            count(tx, it, 1)
            count_runs(tx, it, 1)
            self._resume(tx, it)
            events.tell_of(tx, it, Topic.ASSET_RESTORED)
            faults.place("restore.recorded")
        self._generations.bump(uuid)
        self._pipeline.announce()

    def collect(self, objects: Sequence[tuple[str, str]]) -> None:
        """Remove bytes that are garbage, after the commit that says so, and have others told of it."""
        self._pipeline.announce()
        self._pipeline.collect(objects)

    def purge(self) -> None:
        """Erase what has been in the trash for long enough."""
        moment = datetime.now(UTC) - self._kept
        while True:
            with self._database.read() as tx:
                due = assets.trashed_before(tx, moment, PURGE_BATCH)
            if not due:
                break
            for uuid, tenant_id in due:
                self._purge(uuid, tenant_id, moment)

    def expire(self) -> None:
        """Erase what was to be kept no longer than until now, in the trash or not."""
        while True:
            now = datetime.now(UTC)
            with self._database.read() as tx:
                due = assets.expired_before(tx, now, PURGE_BATCH)
            if not due:
                break
            for uuid, tenant_id in due:
                self._expire(uuid, tenant_id)

    def _expire(self, uuid: UUID, tenant_id: int) -> None:
        with self._database.write() as tx:
            it = assets.lock(tx, uuid, tenant_id)
            trashed = None if it else assets.lock_trashed(tx, uuid, tenant_id)
            if it is not None:
                objects = self._assets.erase_locked(tx, it)
            elif trashed is not None:
                objects = self._pipeline.erase_trashed(tx, trashed)
            else:
                return
        self._generations.bump(uuid)
        self.collect(objects)

    def _discarded(self, actor: Actor, uuid: UUID) -> Discarded:
        try:
            return Discarded(uuid, self.discard(actor, uuid))
        except NotFound:
            with self._database.read() as tx:
                coming = arrivals.arrival_with(tx, uuid, actor.tenant_id)
        is_arriving = coming is not None and coming.state in arrivals.UNSETTLED and not has_expired(coming)
        return Discarded(uuid, None, is_arriving)

    def _resume(self, tx: Tx, it: Asset) -> None:
        """Give the unfinished runs their jobs back, and make the variants that were lost meanwhile."""
        waiting = executions.unfinished(tx, it.id)
        self._pipeline.restart(tx, [row["id"] for row in waiting])
        under_way = {row["skill"] for row in waiting}
        makers = [skill for skill in self._pipeline.planner.makers(it.kind) if skill.name not in under_way]
        missing = {name for skill in makers for name in skill.variants}
        missing -= {made.name for made in assets.variants_of(tx, it.blob.id)}
        if missing:
            self._pipeline.planner.remake(tx, it, missing, RESTORE)

    def _purge(self, uuid: UUID, tenant_id: int, moment: datetime) -> None:
        with self._database.write() as tx:
            it = assets.lock_trashed(tx, uuid, tenant_id)
            if it is None or it.deleted_at is None or it.deleted_at > moment:
                return
            objects = self._pipeline.erase_trashed(tx, it)
        self._pipeline.collect(objects)

"""The pipeline: jobs handed to workers and taken back, and what becomes of the bytes that nobody needs any more."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mediatheque import faults
from mediatheque.core import idempotency, knowledge
from mediatheque.core.counts import count_in_trash
from mediatheque.core.generations import Generations
from mediatheque.core.masking import masked
from mediatheque.core.news import News
from mediatheque.core.planning import DISPATCH, REPAIR, Planner
from mediatheque.core.results import Outcome, Results
from mediatheque.core.stores import Stores
from mediatheque.errors import LibraryError, NotFound
from mediatheque.model import Asset, Queue, RunState, State
from mediatheque.ports import Skill
from mediatheque.records import assets, counters, crawls, lulls, pauses, restarts, runs, search, tallies, workers
from mediatheque.records import idempotency as idempotency_rows
from mediatheque.records.engine import Database, Row, Tx
from mediatheque.records.runs import Claim
from mediatheque.records.signals import Signals

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 19.0
"""A lease lasts less than two heartbeats, so that a dead worker's jobs are soon somebody else's."""
LOOK_SECONDS = 1.0
"""How often it is looked whether there is time for what can be done later."""
HOLD_SECONDS = 120.0
"""How long a site stays ours without a word from us: more than any crawl takes."""
MAX_ATTEMPTS = 3
MAX_DELAY_SECONDS = 300.0
FORGOTTEN_SECONDS = 600.0
"""A worker that has been silent for so long is not remembered."""
GARBAGE_GRACE = timedelta(seconds=60)
_GARBAGE_BATCH = 500


class Pipeline:
    def __init__(
        self,
        database: Database,
        stores: Stores,
        skills: Sequence[Skill],
        signals: Signals,
        generations: Generations,
        news: News,
        *,
        learns: bool = True,
    ) -> None:
        self._news = news
        self._database = database
        self.stores = stores
        self.planner = Planner(database, skills, learns=learns)
        self.results = Results(self.planner)
        self.skills = self.planner.skills
        self._signals = signals
        self._generations = generations

    def announce(self) -> None:
        """Tell the workers, after the commit, that there is work, and whoever watches that something came."""
        self._signals.send()
        self._news.tell()

    def claim(self, owner: str, lanes: Iterable[Queue], limit: int) -> list[Claim]:
        with self._database.at_once() as tx:
            return runs.claim(tx, owner, lanes, limit=limit, lease_seconds=LEASE_SECONDS)

    def claim_later(self, owner: str) -> list[Claim]:
        """One job that nobody waits for, or none unless there is time for it."""
        with self._database.read() as tx:
            if not lulls.is_now(tx):
                return []
        with self._database.at_once() as tx:
            return runs.claim(tx, owner, [runs.LATER], limit=1, lease_seconds=LEASE_SECONDS)

    def claim_crawl(self, owner: str, holder: str) -> tuple[Claim, str] | None:
        """A crawl whose turn it is, and the site that is held for it in the name of `holder`."""
        with self._database.hasten() as tx:
            return crawls.claim(tx, owner, holder, lease_seconds=LEASE_SECONDS, hold_seconds=HOLD_SECONDS)

    def next_crawl_seconds(self) -> float | None:
        """Until it is some crawl's turn; None when none waits."""
        with self._database.read() as tx:
            return crawls.next_due_seconds(tx)

    def renew(self, owner: str, job_ids: Sequence[int]) -> None:
        with self._database.hasten() as tx:
            runs.renew(tx, owner, job_ids, LEASE_SECONDS)

    def next_due_seconds(self) -> float | None:
        """Until there may be something to claim; None: until somebody says so."""
        with self._database.read() as tx:
            due = runs.next_due_seconds(tx)
            if lulls.is_awaited(tx):
                return LOOK_SECONDS if due is None else min(due, LOOK_SECONDS)
            return due

    def depth(self) -> dict[str, int]:
        with self._database.read() as tx:
            return runs.depth(tx)

    def ages(self) -> dict[str, float]:
        """Seconds since the oldest job of each lane was planned."""
        with self._database.read() as tx:
            return runs.oldest_seconds(tx)

    def straighten(self, tenant_id: int | None = None) -> None:
        """Have jobs rest whose tenant's work is paused, and all others wait for workers; of one tenant, or of all."""
        has_moved = True
        while has_moved:
            with self._database.hasten() as tx:
                has_moved = pauses.straighten(tx, tenant_id)

    def report(self, owner: str, lanes: Iterable[Queue]) -> None:
        """A worker is alive and serves these lanes."""
        with self._database.hasten() as tx:
            workers.report(tx, owner, lanes)

    def leave(self, owner: str) -> None:
        """A worker ends."""
        with self._database.hasten() as tx:
            workers.leave(tx, owner)

    def complete(self, claim: Claim, owner: str, outcome: Outcome) -> None:
        """Store what was made, then show it in one transaction.

        Nothing is shown of a run that is no longer ours; one whose asset got other bytes meanwhile is run again.
        """
        name = claim.blob["store"]
        stored = self.results.place(claim, outcome, self.stores[name], self.stores.for_variants(name))
        for store, made, key in stored.objects:
            store.put(made.file, key)
            faults.place("run.stored")
        # New bytes of an asset must be on disk before the old ones go; the rest is made again if it is lost.
        with self._database.write() if stored.blob else self._database.hasten() as tx:
            it = assets.hold(tx, claim.asset_id)
            is_current = it is not None and it.blob.id == claim.blob_id
            ours = is_current and runs.end(tx, claim.job_id, owner, claim.fence)
            if it is not None and ours:
                self.results.show(tx, claim, outcome, stored, it)
                faults.place("run.recorded")
        faults.place("run.committed")
        has_new_bytes = ours and stored.blob is not None and claim.trigger != DISPATCH
        if has_new_bytes:
            self.forget(claim.asset_uuid)
        self._news.tell()
        if not ours:
            for store, _, key in stored.objects:
                store.delete(key)
        if not is_current:
            self.retry(claim, owner, counts=True)
        elif has_new_bytes:
            self._signals.send()

    def forget(self, asset: UUID) -> None:
        """Nothing that is held in memory of the asset holds any more: its bytes are others."""
        self._generations.bump(asset)

    def recall(self, claim: Claim) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What is known of the file that a run is about: findings by kind, and what people have said of it."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, claim.asset_uuid, claim.tenant_id)
            if it is None:
                return {}, {}
            with_texts = self.skills[claim.skill].reads
            return knowledge.values_of(tx, it, with_texts=with_texts), knowledge.said_of(tx, it)

    def is_intact(self, claim: Claim) -> bool:
        """Whether the run's source is what was acknowledged; raises `Unavailable` when its store cannot tell."""
        store = self.stores[claim.blob["store"]]
        try:
            digest = hashlib.sha256()
            for piece in store.open(claim.blob["key"]):
                digest.update(piece)
        except NotFound:
            store.check()
            return False
        return digest.hexdigest() == str(claim.blob["sha256"])

    def fail(self, claim: Claim, owner: str, outcome: Outcome, reason: str, *, is_verdict: bool) -> None:
        """End the run as failed.

        A verdict on the bytes by an essential run makes the asset `failed`, and its bytes go (decisions 1). Without
        one the asset stays, as it was acknowledged, and `fsck --repair` tries again.
        """
        has_ended = False
        with self._database.hasten() as tx:
            it = assets.hold(tx, claim.asset_id)
            is_current = it is not None and it.blob.id == claim.blob_id
            if is_current or claim.attempts > MAX_ATTEMPTS:
                if not runs.end(tx, claim.job_id, owner, claim.fence):
                    return
                self.results.finish(tx, claim, outcome, RunState.FAILED, masked(reason))
                if is_verdict and is_current and self.skills[claim.skill].essential:
                    self._bury(tx, claim)
                faults.place("run.failed")
                has_ended = True
        if has_ended:
            self._news.tell()
        else:
            self.retry(claim, owner, counts=True)

    def retry(self, claim: Claim, owner: str, *, counts: bool) -> None:
        """Put the job back, to be tried again later; `counts` False for trouble that is not the file's."""
        delay = min(2.0**claim.attempts, MAX_DELAY_SECONDS)
        with self._database.hasten() as tx:
            runs.put_back(tx, claim.job_id, owner, claim.fence, delay_seconds=delay, counts=counts)

    def collect(self, objects: Sequence[tuple[str, str]], *, message: str | None = None) -> int:
        """Remove the bytes of what was deleted and recorded as garbage; what fails now is tried again later.

        Returns how many are gone.
        """
        gone = [(store, key) for store, key in objects if self._removed(store, key, message)]
        if gone:
            faults.place("tidy.removed")
            with self._database.hasten() as tx:
                assets.forget_garbage(tx, gone)
        return len(gone)

    def mend(self, tx: Tx, keys: Sequence[str]) -> None:
        """Deal with damaged objects: variants are forgotten and made again, an asset without its original failed."""
        now = datetime.now(UTC)
        for it in assets.owning_blobs(tx, keys):
            if it.deleted_at is not None:
                self.erase_trashed(tx, it)
                continue
            self.results.forget_runs(tx, it)
            self.results.lose(tx, it)
        for it in assets.owning_variants(tx, keys):
            made = [variant.name for variant in assets.variants_of(tx, it.blob.id) if variant.key in keys]
            if it.deleted_at is not None:  # counted nowhere; made again when the asset is restored
                assets.drop_variants(tx, it.blob.id, made, now)
                continue
            self.results.drop_variants(tx, it, made, now)
            self.planner.remake(tx, it, made, REPAIR)

    def erase_trashed(self, tx: Tx, it: Asset) -> list[tuple[str, str]]:
        """Leave a tombstone of an asset in the trash; returns its objects, now garbage."""
        count_in_trash(tx, it, -1)
        runs.drop_runs(tx, it.id)
        search.remove(tx, it.id)
        return assets.erase(tx, it, datetime.now(UTC))

    def given_up(self, tx: Tx) -> list[Row]:
        """Essential runs that failed without a verdict on the bytes: their asset is there, and not ready."""
        return restarts.given_up(tx, [skill.name for skill in self.skills.values() if skill.essential])

    def restart(self, tx: Tx, run_ids: Sequence[int]) -> None:
        """Put these runs back on the queue."""
        restarts.restart(tx, run_ids, {skill.name: skill.queue for skill in self.skills.values()})
        crawls.seat(tx, run_ids)

    def tidy(self, *, garbage_grace: timedelta = GARBAGE_GRACE) -> None:
        """Housekeeping that any worker may do at any time: garbage, counts, old idempotency keys, pauses."""
        while rows := self._garbage(garbage_grace):
            by_message = {row["message"]: [(it["store"], it["key"]) for it in rows if it["message"] == row["message"]]
                          for row in rows}  # fmt: skip
            if not sum([self.collect(objects, message=message) for message, objects in by_message.items()]):
                break
        self.straighten()
        with self._database.hasten() as tx:
            tallies.fold(tx)
            counters.fold(tx)
            idempotency_rows.drop_before(tx, idempotency.expired())
            workers.forget(tx, silent_seconds=FORGOTTEN_SECONDS)
            crawls.tidy(tx)

    def _garbage(self, grace: timedelta) -> list[Row]:
        with self._database.read() as tx:
            return assets.garbage_before(tx, datetime.now(UTC) - grace, _GARBAGE_BATCH)

    def _removed(self, store: str, key: str, message: str | None) -> bool:
        try:
            self.stores[store].delete(key, message=message)
        except LibraryError:
            return False
        return True

    def _bury(self, tx: Tx, claim: Claim) -> None:
        it = assets.asset_with(tx, claim.asset_uuid, claim.tenant_id)
        if it is not None and it.state != State.FAILED:
            self.results.lose(tx, it)

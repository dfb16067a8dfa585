"""The pipeline: which skills run on a new blob, who runs them, and how their results become visible, all at once."""

import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from mediatheque import faults
from mediatheque.core import idempotency
from mediatheque.errors import LibraryError
from mediatheque.model import Asset, Queue, RunState, State
from mediatheque.ports import Skill, Store
from mediatheque.records import assets, counters, runs, search, tallies
from mediatheque.records import idempotency as idempotency_rows
from mediatheque.records.engine import Database, Row, Tx
from mediatheque.records.runs import Claim
from mediatheque.records.signals import Signals

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 19.0
"""A lease lasts less than two heartbeats, so that a dead worker's jobs are soon somebody else's."""
MAX_ATTEMPTS = 3
MAX_DELAY_SECONDS = 300.0
GARBAGE_GRACE = timedelta(seconds=60)
_GARBAGE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Made:
    """A variant as a step left it in its work folder."""

    name: str
    file: Path
    media_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str


@dataclass(slots=True)
class Outcome:
    """What a run has come to so far. `steps` are (name, error or None, started, finished)."""

    variants: list[Made] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    steps: list[tuple[str, str | None, datetime, datetime]] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Pipeline:
    def __init__(
        self, database: Database, stores: Mapping[str, Store], skills: Sequence[Skill], signals: Signals
    ) -> None:
        self._database = database
        self.stores = stores
        self.skills = {skill.name: skill for skill in skills}
        self._signals = signals

    def plan(self, tx: Tx, it: Asset, *, trigger: str) -> None:
        """Enqueue the automatic skills of the asset's kind, in the order of the list, in the caller's transaction."""
        planned = [skill for skill in self.skills.values() if skill.automatic and it.kind in skill.kinds]
        if not any(skill.essential for skill in planned):
            assets.change_asset(tx, it.id, {"state": State.READY})
        self._enqueue(tx, it, planned, trigger)

    def announce(self) -> None:
        """Tell the workers, after the commit, that there is work."""
        self._signals.send()

    def claim(self, owner: str, lanes: Iterable[Queue], limit: int) -> list[Claim]:
        with self._database.hasten() as tx:
            return runs.claim(tx, owner, lanes, limit=limit, lease_seconds=LEASE_SECONDS)

    def renew(self, owner: str, job_ids: Sequence[int]) -> None:
        with self._database.hasten() as tx:
            runs.renew(tx, owner, job_ids, LEASE_SECONDS)

    def next_due_seconds(self) -> float | None:
        with self._database.read() as tx:
            return runs.next_due_seconds(tx)

    def depth(self) -> dict[str, int]:
        with self._database.read() as tx:
            return runs.depth(tx)

    def complete(self, claim: Claim, owner: str, outcome: Outcome) -> None:
        """Store what was made, then show it in one transaction; nothing is shown of a run that is no longer ours."""
        store = self.stores[claim.blob["store"]]
        keys = [self._key(claim, made) for made in outcome.variants]
        for made, key in zip(outcome.variants, keys, strict=True):
            store.put(made.file, key)
            faults.place("run.stored")
        with self._database.hasten() as tx:
            assets.hold(tx, claim.asset_id)
            ours = runs.end(tx, claim.job_id, owner, claim.fence)
            if ours:
                self._show(tx, claim, outcome, keys, store.name)
                faults.place("run.recorded")
        faults.place("run.committed")
        if not ours:
            for key in keys:
                store.delete(key)

    def fail(self, claim: Claim, owner: str, outcome: Outcome, reason: str) -> None:
        """End the run for good; where it was essential the asset is `failed` and its bytes go (decisions 1)."""
        with self._database.hasten() as tx:
            assets.hold(tx, claim.asset_id)
            if not runs.end(tx, claim.job_id, owner, claim.fence):
                return
            self._finish(tx, claim, outcome, RunState.FAILED, reason)
            if self.skills[claim.skill].essential:
                self._bury(tx, claim)
            faults.place("run.failed")

    def retry(self, claim: Claim, owner: str, *, counts: bool) -> None:
        """Put the job back, to be tried again later; `counts` False for trouble that is not the file's."""
        delay = min(2.0**claim.attempts, MAX_DELAY_SECONDS)
        with self._database.hasten() as tx:
            runs.put_back(tx, claim.job_id, owner, claim.fence, delay_seconds=delay, counts=counts)

    def collect(self, objects: Sequence[tuple[str, str]]) -> int:
        """Remove the bytes of what was deleted and recorded as garbage; what fails now is tried again later.

        Returns how many are gone.
        """
        gone = [(store, key) for store, key in objects if self._removed(store, key)]
        if gone:
            faults.place("tidy.removed")
            with self._database.hasten() as tx:
                assets.forget_garbage(tx, gone)
        return len(gone)

    def mend(self, tx: Tx, keys: Sequence[str]) -> None:
        """Deal with damaged objects: variants are forgotten and made again, an asset without its original failed."""
        now = datetime.now(UTC)
        for it in assets.owning_blobs(tx, keys):
            runs.drop_runs(tx, it.id)
            self._lose(tx, it)
        for it in assets.owning_variants(tx, keys):
            made = [variant.name for variant in assets.variants_of(tx, it.blob.id) if variant.key in keys]
            self._drop_variants(tx, it.tenant_id, it.blob.id, made, now)
            makers = [skill for skill in self.skills.values() if skill.essential and it.kind in skill.kinds]
            self._enqueue(tx, it, makers, "repair")

    def restart(self, tx: Tx, run_ids: Sequence[int]) -> None:
        """Put runs that nobody would end back on the queue."""
        runs.restart(tx, run_ids, {skill.name: skill.queue for skill in self.skills.values()})

    def tidy(self, *, garbage_grace: timedelta = GARBAGE_GRACE) -> None:
        """Housekeeping that any worker may do at any time: garbage, counts, old idempotency keys."""
        while rows := self._garbage(garbage_grace):
            if not self.collect([(row["store"], row["key"]) for row in rows]):
                break
        with self._database.hasten() as tx:
            tallies.fold(tx)
            counters.fold(tx)
            idempotency_rows.drop_before(tx, idempotency.expired())

    def _enqueue(self, tx: Tx, it: Asset, skills: Sequence[Skill], trigger: str) -> None:
        if skills:
            rows = [self._run_row(it, skill, trigger) for skill in skills]
            runs.enqueue(tx, rows, [skill.queue for skill in skills], self._database.now_micros(tx))

    def _garbage(self, grace: timedelta) -> list[Row]:
        with self._database.read() as tx:
            return assets.garbage_before(tx, datetime.now(UTC) - grace, _GARBAGE_BATCH)

    def _removed(self, store: str, key: str) -> bool:
        try:
            self.stores[store].delete(key)
        except LibraryError:
            return False
        return True

    def _run_row(self, it: Asset, skill: Skill, trigger: str) -> dict[str, Any]:
        return {
            "uuid": uuid4(),
            "tenant_id": it.tenant_id,
            "asset_id": it.id,
            "blob_id": it.blob.id,
            "skill": skill.name,
            "skill_version": skill.version,
            "trigger": trigger,
            "state": RunState.QUEUED,
            "created_at": datetime.now(UTC),
        }

    def _key(self, claim: Claim, made: Made) -> str:
        """A key of this attempt alone, so that a worker that was thought dead overwrites nothing."""
        blob = claim.blob
        tenant = blob["key"].split("/")[1]
        extension = mimetypes.guess_extension(made.media_type) or ""
        return f"variants/{tenant}/{blob['uuid']}/{claim.run_uuid.hex[:8]}-{claim.fence}-{made.name}{extension}"

    def _show(self, tx: Tx, claim: Claim, outcome: Outcome, keys: Sequence[str], store: str) -> None:
        now = datetime.now(UTC)
        self._drop_variants(tx, claim.tenant_id, claim.blob_id, [made.name for made in outcome.variants], now)
        counters.add(tx, claim.tenant_id, counters.SKILL + claim.skill, 1)
        rows = [_variant_row(claim, made, key, store, now)
                for made, key in zip(outcome.variants, keys, strict=True)]  # fmt: skip
        if rows:
            assets.add_variants(tx, rows)
            counters.add(tx, claim.tenant_id, counters.DERIVATIVES, len(rows))
        common = {"tenant_id": claim.tenant_id, "blob_id": claim.blob_id, "run_id": claim.run_id,
                  "skill": claim.skill, "created_at": now}  # fmt: skip
        runs.put_findings(tx, claim.blob_id, claim.skill, [common | finding for finding in outcome.findings])
        self._finish(tx, claim, outcome, RunState.SUCCEEDED, None)
        if self.skills[claim.skill].essential:
            assets.change_asset(tx, claim.asset_id, {"state": State.READY})

    def _finish(self, tx: Tx, claim: Claim, outcome: Outcome, state: RunState, error: str | None) -> None:
        steps = [
            {"run_id": claim.run_id, "position": position, "name": name, "succeeded": problem is None,
             "error": problem, "started_at": started, "finished_at": finished}
            for position, (name, problem, started, finished) in enumerate(outcome.steps)
        ]  # fmt: skip
        values = {"state": state, "error": error, "attempts": claim.attempts, "started_at": outcome.started_at,
                  "finished_at": datetime.now(UTC)}  # fmt: skip
        runs.finish_run(tx, claim.run_id, values, steps)

    def _bury(self, tx: Tx, claim: Claim) -> None:
        it = assets.asset_with(tx, claim.asset_uuid, claim.tenant_id)
        if it is not None and it.state != State.FAILED:
            self._lose(tx, it)

    def _drop_variants(self, tx: Tx, tenant_id: int, blob_id: int, names: Sequence[str], now: datetime) -> None:
        dropped = assets.drop_variants(tx, blob_id, names, now)
        if dropped:
            counters.add(tx, tenant_id, counters.DERIVATIVES, -dropped)

    def _lose(self, tx: Tx, it: Asset) -> None:
        """The asset is `failed`: not listed, not counted, its bytes garbage."""
        now = datetime.now(UTC)
        search.remove(tx, it.id)
        tallies.record(tx, tallies.of(it, assets.folder_of(tx, it.id), -1))
        counters.add(tx, it.tenant_id, counters.MEDIA_TYPE + it.blob.media_type, -1, -it.blob.size_bytes)
        assets.change_asset(tx, it.id, {"state": State.FAILED, "updated_at": now})
        made = [variant.name for variant in assets.variants_of(tx, it.blob.id)]
        self._drop_variants(tx, it.tenant_id, it.blob.id, made, now)
        assets.discard(tx, [(it.blob.store, it.blob.key)], now)


def _variant_row(claim: Claim, made: Made, key: str, store: str, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": claim.tenant_id,
        "blob_id": claim.blob_id,
        "name": made.name,
        "store": store,
        "key": key,
        "size_bytes": made.size_bytes,
        "media_type": made.media_type,
        "sha256": made.sha256,
        "width": made.width,
        "height": made.height,
        "created_at": now,
    }

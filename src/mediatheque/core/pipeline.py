"""The pipeline: which skills run on a new blob, who runs them, and how their results become visible, all at once."""

import hashlib
import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from mediatheque import faults
from mediatheque.core import idempotency
from mediatheque.core.stores import Stores
from mediatheque.errors import LibraryError, NotFound
from mediatheque.model import Asset, Queue, RunState, State
from mediatheque.ports import Skill
from mediatheque.records import assets, runs, search, tallies
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
    def __init__(self, database: Database, stores: Stores, skills: Sequence[Skill], signals: Signals) -> None:
        self._database = database
        self.stores = stores
        self.skills = {skill.name: skill for skill in skills}
        self._signals = signals

    def first_state(self, kind: str) -> State:
        """Of a new asset: `ready` at once where no skill is essential."""
        return State.PENDING if any(skill.essential for skill in self._planned(kind)) else State.READY

    def plan(self, tx: Tx, it: Asset, *, trigger: str) -> None:
        """Enqueue the automatic skills of the asset's kind, in the order of the list, in the caller's transaction."""
        self._enqueue(tx, it, self._planned(it.kind), trigger)

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
        store = self.stores.for_variants(claim.blob["store"])
        keys = [store.key_prefix + self._key(claim, made) for made in outcome.variants]
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
        with self._database.hasten() as tx:
            assets.hold(tx, claim.asset_id)
            if not runs.end(tx, claim.job_id, owner, claim.fence):
                return
            self._finish(tx, claim, outcome, RunState.FAILED, reason)
            if is_verdict and self.skills[claim.skill].essential:
                self._bury(tx, claim)
            faults.place("run.failed")

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
            runs.drop_runs(tx, it.id)
            self._lose(tx, it)
        for it in assets.owning_variants(tx, keys):
            made = [variant.name for variant in assets.variants_of(tx, it.blob.id) if variant.key in keys]
            assets.drop_variants(tx, it.blob.id, made, now)
            makers = [skill for skill in self.skills.values() if skill.essential and it.kind in skill.kinds]
            self._enqueue(tx, it, makers, "repair")

    def given_up(self, tx: Tx) -> list[Row]:
        """Essential runs that failed without a verdict on the bytes: their asset is there, and not ready."""
        return runs.given_up(tx, [skill.name for skill in self.skills.values() if skill.essential])

    def restart(self, tx: Tx, run_ids: Sequence[int]) -> None:
        """Put these runs back on the queue."""
        runs.restart(tx, run_ids, {skill.name: skill.queue for skill in self.skills.values()})

    def tidy(self, *, garbage_grace: timedelta = GARBAGE_GRACE) -> None:
        """Housekeeping that any worker may do at any time: garbage, counts, old idempotency keys."""
        while rows := self._garbage(garbage_grace):
            by_message = {row["message"]: [(it["store"], it["key"]) for it in rows if it["message"] == row["message"]]
                          for row in rows}  # fmt: skip
            if not sum([self.collect(objects, message=message) for message, objects in by_message.items()]):
                break
        with self._database.hasten() as tx:
            tallies.fold(tx)
            idempotency_rows.drop_before(tx, idempotency.expired())

    def _planned(self, kind: str) -> list[Skill]:
        return [skill for skill in self.skills.values() if skill.automatic and kind in skill.kinds]

    def _enqueue(self, tx: Tx, it: Asset, skills: Sequence[Skill], trigger: str) -> None:
        if skills:
            rows = [self._run_row(it, skill, trigger) for skill in skills]
            runs.enqueue(tx, rows, [skill.queue for skill in skills], self._database.now_micros(tx))

    def _garbage(self, grace: timedelta) -> list[Row]:
        with self._database.read() as tx:
            return assets.garbage_before(tx, datetime.now(UTC) - grace, _GARBAGE_BATCH)

    def _removed(self, store: str, key: str, message: str | None) -> bool:
        try:
            self.stores[store].delete(key, message=message)
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
        tenant = blob["key"].split("/")[-3]  # uploads/{tenant}/{blob}/{name}, perhaps below a store's own prefix
        extension = mimetypes.guess_extension(made.media_type) or ""
        return f"variants/{tenant}/{blob['uuid']}/{claim.run_uuid.hex[:8]}-{claim.fence}-{made.name}{extension}"

    def _show(self, tx: Tx, claim: Claim, outcome: Outcome, keys: Sequence[str], store: str) -> None:
        now = datetime.now(UTC)
        assets.drop_variants(tx, claim.blob_id, [made.name for made in outcome.variants], now)
        rows = [_variant_row(claim, made, key, store, now)
                for made, key in zip(outcome.variants, keys, strict=True)]  # fmt: skip
        if rows:
            assets.add_variants(tx, rows)
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

    def _lose(self, tx: Tx, it: Asset) -> None:
        """The asset is `failed`: not listed, not counted, its bytes garbage."""
        now = datetime.now(UTC)
        search.remove(tx, it.id)
        tallies.record(tx, tallies.of(it, assets.folder_of(tx, it.id), -1))
        assets.change_asset(tx, it.id, {"state": State.FAILED, "updated_at": now})
        assets.drop_variants(tx, it.blob.id, [made.name for made in assets.variants_of(tx, it.blob.id)], now)
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

"""What has come out of a run, and how it is shown: all at once, in the transaction that ends the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import authors, events, names, snapshots
from mediatheque.core.counts import count_derivatives, count_runs
from mediatheque.core.embedding import Meaning
from mediatheque.core.events import Topic
from mediatheque.core.planning import DISPATCH, LATER, REPLACEMENT, TEXTS, UNASKED, UPLOAD, Planner
from mediatheque.model import Asset, RunState, State
from mediatheque.ports import Store
from mediatheque.records import assets, counters, findings, likenesses, runs, search, tallies, vectors
from mediatheque.records.engine import Tx
from mediatheque.records.runs import Claim

PERCEPTUAL_HASH = "perceptual_hash"
SOURCE = "source"
"""The variant that holds what an asset's bytes were before they were converted."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a step left in its work folder: a variant, or (`name` SOURCE) new bytes of the asset."""

    name: str
    file: Path
    media_type: str
    width: int | None
    height: int | None
    size_bytes: int
    sha256: str
    frames: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What a run has come to so far. `steps` are (name, error or None, started, finished)."""

    variants: list[Made] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    replacement: Made | None = None
    keeps_original: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    """What the names of variants begin with that are to be gone."""
    snapshot: dict[str, Any] | None = None
    """Of a link's page: `uuid`, `url`, `title`, `text_chars`."""
    meanings: list[Meaning] = field(default_factory=list)
    tags: tuple[str, ...] = ()
    has_rest: bool = False
    """Whether the skill has not come to the end of what it does, and is to go on when there is time."""
    is_skipped: bool = False
    """Whether a step was not done for want of what it takes."""
    steps: list[tuple[str, str | None, datetime, datetime]] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def error(self) -> str | None:
        """Of the first step that failed."""
        return next((problem for _, problem, _, _ in self.steps if problem is not None), None)

    @property
    def state(self) -> RunState:
        """How a run ends that came to its end."""
        if self.error is None:
            return RunState.SUCCEEDED
        return RunState.SKIPPED if self.is_skipped else RunState.FAILED


@dataclass(frozen=True, slots=True)
class Stored:
    """An outcome's files where they lie now: (what, key); `blob_uuid` is of new bytes."""

    home: Store
    """Where the asset's bytes lie, and new ones go."""
    beside: Store
    """Where its variants go."""
    variants: list[tuple[Made, str]]
    blob: tuple[Made, str] | None
    blob_uuid: UUID

    @property
    def objects(self) -> list[tuple[Store, Made, str]]:
        new = [(self.home, *self.blob)] if self.blob else []
        return [(self.beside, made, key) for made, key in self.variants] + new


class Results:
    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def place(self, claim: Claim, outcome: Outcome, home: Store, beside: Store) -> Stored:
        """Keys for the outcome's files, of this attempt alone: a worker thought dead overwrites nothing (decision 8).

        What a dispatched run makes becomes an asset of its own, so its first picture is stored like an upload.
        """
        blob_uuid = uuid4()
        variants, new = outcome.variants, outcome.replacement
        if claim.trigger == DISPATCH:
            new, variants = new or next(iter(variants), None), []
        tenant = claim.blob["key"].split("/")[-3]  # uploads/{tenant}/{blob}/{name}, perhaps below a store's own prefix
        blob_key = None
        if new is not None:
            name = names.key_name(names.renamed(PurePosixPath(claim.blob["key"]).name, new.media_type))
            blob_key = new, f"{home.key_prefix}uploads/{tenant}/{blob_uuid}/{name}"
        attempt = f"{claim.run_uuid.hex[:8]}-{uuid4().hex[:8]}"
        own = f"{beside.key_prefix}variants/{tenant}/{claim.blob['uuid']}/{attempt}-"
        keys = [(made, f"{own}{made.name}{names.extension_of(made.media_type)}") for made in variants]
        return Stored(home, beside, keys, blob_key, blob_uuid)

    def show(self, tx: Tx, claim: Claim, outcome: Outcome, stored: Stored, it: Asset) -> None:
        """Everything that has come of the run on `it`, whose row is locked, and the run's end."""
        now = datetime.now(UTC)
        result = None
        if claim.trigger == DISPATCH:
            result = self._apart(tx, claim, outcome, stored, it, now)
        else:
            self._on_asset(tx, claim, outcome, stored, it, now)
        self.finish(tx, claim, outcome, outcome.state, outcome.error, result)
        if self._planner.skills[claim.skill].essential and assets.make_ready(tx, claim.asset_id, now):
            events.tell_of(tx, it, Topic.ASSET_READY)

    def finish(
        self,
        tx: Tx,
        claim: Claim,
        outcome: Outcome,
        state: RunState,
        error: str | None,
        result: dict[str, Any] | None = None,
    ) -> None:
        # The blob that the run was about in the end: an asset's bytes may be replaced while it waits.
        steps = [
            {"run_id": claim.run_id, "position": position, "name": name, "succeeded": problem is None,
             "error": problem, "started_at": started, "finished_at": finished}
            for position, (name, problem, started, finished) in enumerate(_blamed(outcome, error))
        ]  # fmt: skip
        values = {"blob_id": claim.blob_id, "state": state, "error": error, "attempts": claim.attempts,
                  "started_at": outcome.started_at, "finished_at": datetime.now(UTC), "result": result}  # fmt: skip
        runs.finish_run(tx, claim.run_id, values, steps)
        if self._planner.skills[claim.skill].crawls:
            content = {"asset_id": str(claim.asset_uuid), "run_id": str(claim.run_uuid),
                       "succeeded": state is RunState.SUCCEEDED, "error": error}  # fmt: skip
            events.tell(tx, claim.tenant_id, Topic.CRAWL_DONE, claim.asset_uuid, content)
        if claim.shown:
            counters.add(tx, claim.tenant_id, counters.SKILL + claim.skill, 1)

    def forget_runs(self, tx: Tx, it: Asset) -> None:
        """The asset's history is gone, and counts no more."""
        count_runs(tx, it, -1)
        runs.drop_runs(tx, it.id)

    def drop_variants(self, tx: Tx, it: Asset, dropped: Sequence[str], now: datetime) -> None:
        if count := assets.drop_variants(tx, it.blob.id, dropped, now):
            count_derivatives(tx, it, -count)

    def lose(self, tx: Tx, it: Asset) -> None:
        """The asset is `failed`: not listed, not counted, its bytes garbage."""
        now = datetime.now(UTC)
        search.remove(tx, it.id)
        tallies.record(tx, tallies.of(it, assets.folder_of(tx, it.id), -1))
        counters.add(tx, it.tenant_id, counters.MEDIA_TYPE + it.blob.media_type, -1, -it.blob.size_bytes)
        assets.change_asset(tx, it.id, {"state": State.FAILED, "updated_at": now})
        self.drop_variants(tx, it, [made.name for made in assets.variants_of(tx, it.blob.id)], now)
        assets.discard(tx, [(it.blob.store, it.blob.key)], now)

    def _on_asset(self, tx: Tx, claim: Claim, outcome: Outcome, stored: Stored, it: Asset, now: datetime) -> None:
        if outcome.dropped:
            there = [made.name for made in assets.variants_of(tx, it.blob.id)]
            self.drop_variants(tx, it, [name for name in there if name.startswith(outcome.dropped)], now)
        if stored.variants:
            self.drop_variants(tx, it, [made.name for made, _ in stored.variants], now)
            assets.add_variants(
                tx, [_variant_row(claim, made, key, stored.beside.name, now) for made, key in stored.variants]
            )
            count_derivatives(tx, it, len(stored.variants))
        rows = [_finding_row(claim, found, now) for found in outcome.findings]
        is_asked = claim.trigger in authors.ASKED_FOR
        findings.put(tx, it.blob.id, claim.skill, rows, all_kinds=outcome.error is None, forgives=is_asked)
        if rows:
            content = {"asset_id": str(it.uuid), "run_id": str(claim.run_uuid), "skill": claim.skill,
                       "findings": sorted({row["kind"] for row in rows})}  # fmt: skip
            events.tell(tx, it.tenant_id, Topic.FINDING_WRITTEN, it.uuid, content)
        for found in outcome.findings:
            if found["kind"] == PERCEPTUAL_HASH:
                likenesses.put(tx, it.tenant_id, it.blob.id, found["value"])
        if outcome.snapshot is not None:
            snapshots.keep(tx, it, outcome.snapshot, now)
            self.drop_variants(tx, it, snapshots.superseded(tx, it), now)
        authors.fill(tx, claim, it, outcome.texts, outcome.tags, now)
        if outcome.texts or outcome.tags or any(found["kind"] in search.INDEXED for found in outcome.findings):
            self._reindex(tx, it, UNASKED if claim.trigger in LATER else TEXTS)
        for meaning in outcome.meanings:
            vectors.put(tx, it.tenant_id, it.id, meaning.model, meaning.rows)
        if outcome.has_rest:
            self._planner.go_on(tx, it, claim.skill)
        if stored.blob is not None:
            self._replace(tx, claim, it, stored, outcome.keeps_original, now)

    def _reindex(self, tx: Tx, it: Asset, trigger: str = TEXTS) -> None:
        after = assets.asset_with(tx, it.uuid, it.tenant_id)
        if after is not None and after.state != State.FAILED:
            search.refresh(tx, after)
            self._planner.follow(tx, after, trigger)

    def _replace(self, tx: Tx, claim: Claim, it: Asset, stored: Stored, keep: bool, now: datetime) -> None:
        """Move the asset's pointer to the new bytes; the old ones are garbage, and their variants are made again."""
        assert stored.blob is not None
        new, old = stored.blob[0], it.blob
        folder_id = assets.folder_of(tx, it.id)
        blob_id = assets.add_blob(tx, _blob_row(claim, stored, now))
        variants = assets.variants_of(tx, old.id)
        assets.discard(tx, [(made.store, made.key) for made in variants], now)
        count_derivatives(tx, it, int(keep) - len(variants))
        if keep:
            assets.add_variants(tx, [_kept_row(claim, it, blob_id, now)])
        else:
            assets.discard(tx, [(old.store, old.key)], now)
        values: dict[str, Any] = {"blob_id": blob_id, "size_bytes": new.size_bytes, "media_type": new.media_type}
        if new.media_type != old.media_type:
            values["filename"] = names.safe_name(it.filename, names.extension_of(new.media_type))
            values["original_filename"] = names.renamed(it.original_filename, new.media_type)
            values["extension"] = None if it.extension is None else names.extension_of(new.media_type)
        assets.change_asset(tx, it.id, values | {"updated_at": now})
        findings.move(tx, old.id, blob_id)
        assets.drop_blob(tx, old.id)
        after = assets.asset_with(tx, it.uuid, it.tenant_id)
        assert after is not None
        if it.state != State.FAILED:
            tallies.record(tx, tallies.of(it, folder_id, -1))
            tallies.record(tx, tallies.of(after, folder_id, 1))
            counters.add(tx, it.tenant_id, counters.MEDIA_TYPE + old.media_type, -1, -old.size_bytes)
            counters.add(tx, it.tenant_id, counters.MEDIA_TYPE + new.media_type, 1, new.size_bytes)
            self._reindex(tx, it)
        self._planner.remake(tx, after, [made.name for made in variants], REPLACEMENT, automatic=True)

    def _apart(
        self, tx: Tx, claim: Claim, outcome: Outcome, stored: Stored, it: Asset, now: datetime
    ) -> dict[str, Any]:
        """The source is left alone: a picture becomes an asset of its own, texts stay with the run (decisions 24)."""
        result: dict[str, Any] = {"findings": {found["kind"]: found["value"] for found in outcome.findings}}
        if stored.blob is not None:
            result["asset"] = str(self._add_asset(tx, claim, stored, it, now).uuid)
        return result

    def _add_asset(self, tx: Tx, claim: Claim, stored: Stored, it: Asset, now: datetime) -> Asset:
        assert stored.blob is not None
        new, uuid = stored.blob[0], uuid4()
        folder_id = assets.folder_of(tx, it.id)
        row = {
            "uuid": uuid,
            "tenant_id": it.tenant_id,
            "kind": it.kind,
            "state": self._planner.first_state(it.kind),
            "filename": names.safe_name(it.filename, names.extension_of(new.media_type)),
            "original_filename": names.renamed(it.original_filename, new.media_type),
            "size_bytes": new.size_bytes,
            "media_type": new.media_type,
            "folder_id": folder_id,
            "is_public": False,
            "blob_id": assets.add_blob(tx, _blob_row(claim, stored, now)),
            "source": DISPATCH,
            "captured_at": it.captured_at,
            "created_at": now,
            "updated_at": now,
        }
        assets.add_asset(tx, row)
        made = assets.asset_with(tx, uuid, it.tenant_id)
        assert made is not None
        search.add(tx, made)
        tallies.record(tx, tallies.of(made, folder_id, 1))
        counters.add(tx, made.tenant_id, counters.MEDIA_TYPE + new.media_type, 1, new.size_bytes)
        self._planner.plan(tx, made, trigger=UPLOAD)
        events.tell_if_ready(tx, made, is_awaited=self._planner.is_awaited(made.kind))
        return made


def _blamed(outcome: Outcome, error: str | None) -> list[tuple[str, str | None, datetime, datetime]]:
    """The steps; of a run that failed after them, the last one says why: its results could not be kept."""
    if error is None or outcome.error is not None or not outcome.steps:
        return outcome.steps
    *others, (name, _, started, finished) = outcome.steps
    return [*others, (name, error, started, finished)]


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


def _kept_row(claim: Claim, it: Asset, blob_id: int, now: datetime) -> dict[str, Any]:
    stored = ("store", "key", "size_bytes", "media_type", "sha256", "width", "height")
    values = {name: getattr(it.blob, name) for name in stored}
    return values | {"tenant_id": claim.tenant_id, "blob_id": blob_id, "name": SOURCE, "created_at": now}


def _blob_row(claim: Claim, stored: Stored, now: datetime) -> dict[str, Any]:
    assert stored.blob is not None
    new, key = stored.blob
    return {
        "uuid": stored.blob_uuid,
        "tenant_id": claim.tenant_id,
        "store": stored.home.name,
        "key": key,
        "size_bytes": new.size_bytes,
        "media_type": new.media_type,
        "sha256": new.sha256,
        "width": new.width,
        "height": new.height,
        "frames": new.frames,
        "details": dict(new.details),
        "created_at": now,
    }


def _finding_row(claim: Claim, found: dict[str, Any], now: datetime) -> dict[str, Any]:
    common = {"tenant_id": claim.tenant_id, "blob_id": claim.blob_id, "run_id": claim.run_id}
    return common | {"skill": claim.skill, "created_at": now} | found

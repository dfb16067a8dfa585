"""Batches: files sent together, each with its own fate, and the session that tells of it (contract, 3.3 and 3.4).

What is told of a session follows from the rows of its arrivals, of their assets and of the runs on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import knowledge
from mediatheque.core.arrivals import KEPT, STREAMING, Arrivals, Wishes, plain_facts
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.portraits import Portrait, Portraits, reading_stage
from mediatheque.core.staging import Staged
from mediatheque.errors import BadRequest, Empty, LibraryError, NotFound, QuotaExceeded, StorageFull, Unavailable
from mediatheque.model import Actor, RunState, Stage, State, Terms
from mediatheque.records import arrivals, assets, batches, executions
from mediatheque.records.arrivals import DONE, EXPIRED, FAILED, SETTLING, SKIPPED, WAITING
from mediatheque.records.batches import Batch
from mediatheque.records.engine import Database, Row, Tx

IMMEDIATE_FILES = 5
"""Up to so many are taken in before the answer (contract, 3.3)."""
PROCESSING, COMPLETED, CANCELLED = "processing", "completed", "cancelled"
_LOOKED_AT = 200


@dataclass(slots=True)
class Incoming:
    """One file of a batch as it came: staged bytes, or why there are none."""

    filename: str
    staged: Staged | None = None
    error: LibraryError | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What has become of one file. `state`: `processing`, `completed`, `failed` or `skipped`."""

    index: int
    filename: str
    state: str
    is_stored: bool
    is_rejected: bool
    image_id: UUID
    """The id that it has; without an asset, the one it was to have."""
    object_key: str | None
    kind: str | None
    media_type: str | None
    document_type: str | None
    reading: Stage | None
    """How far a document's text has been found; None for other files."""
    description: str | None
    visible_text: str | None
    tags: tuple[str, ...]
    error: str | None
    retryable: bool
    processing_time_ms: float | None
    created_at: datetime
    ended_at: datetime | None
    retries: int
    batch_uuid: UUID | None
    """The session that it came in."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one file has come; `portrait` None: it is not in the library. `runs` are the last ones of each skill."""

    item: Item
    portrait: Portrait | None
    runs: list[UUID]


@dataclass(frozen=True, slots=True)
class Session:
    """A batch with its items, in the order in which they were sent."""

    uuid: UUID
    state: str
    method: str
    created_at: datetime
    completed_at: datetime | None
    items: list[Item]

    def count(self, state: str) -> int:
        return sum(1 for it in self.items if it.state == state)

    @property
    def pending(self) -> int:
        return self.count(PROCESSING)

    @property
    def is_ended(self) -> bool:
        return self.state != PROCESSING


class Batches:
    def __init__(
        self, database: Database, intake: Intake, arriving: Arrivals, pipeline: Pipeline, max_files: int
    ) -> None:
        self._database = database
        self._intake = intake
        self._arrivals = arriving
        self._pipeline = pipeline
        self._portraits = Portraits(pipeline.planner)
        self._reading = pipeline.planner.reading
        self.max_files = max_files

    def stage(self, terms: Terms) -> Staged:
        return self._intake.stage(terms)

    def submit(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        incoming: Sequence[Incoming],
        *,
        remembering: Keeper[Session] | None = None,
    ) -> Session:
        """Take in a few files at once; keep more of them safe, for the workers to take in.

        A file that is refused takes no other along. When this returns, every accepted file survives kill -9. Raises
        `BadRequest` (no storage of its own), `StorageFull`, `Unavailable`.
        """
        self._intake.check_place(actor, own=wishes.own_place)
        is_small = len(incoming) <= IMMEDIATE_FILES
        rows = [self._row(actor, terms, wishes, position, it) for position, it in enumerate(incoming)]
        batch = {"uuid": uuid4(), "tenant_id": actor.tenant_id, "method": "streaming", "state": PROCESSING,
                 "total_files": len(rows), "created_at": datetime.now(UTC)}  # fmt: skip
        try:
            with self._database.write() as tx:
                made = self._record(tx, actor, batch, rows, is_leased=is_small)
                if remembering and not is_small:
                    remembering.keep(tx, made)
        except LibraryError:
            self._drop(rows, all_of_them=True)
            raise
        self._drop(rows)
        self._pipeline.announce()
        return self._finish(actor, made, remembering) if is_small else made

    def get(self, actor: Actor, uuid: UUID) -> Session:
        """Raises `NotFound`."""
        with self._database.read() as tx:
            session = self._session(tx, _found(tx, actor, uuid))
        return self._settled(actor, session)

    def page(
        self, actor: Actor, *, state: str | None, method: str | None, limit: int, offset: int
    ) -> tuple[list[Session], int]:
        """Sessions, newest first, and how many there are."""
        with self._database.read() as tx:
            running = self._sessions(tx, batches.in_state(tx, actor.tenant_id, PROCESSING, _LOOKED_AT), actor.tenant_id)
        for session in running:
            self._settled(actor, session)
        with self._database.read() as tx:
            found, total = batches.page(
                tx, actor.tenant_id, state=state, method=method, limit=limit, offset=offset
            )  # fmt: skip
            return self._sessions(tx, found, actor.tenant_id), total

    def cancel(self, actor: Actor, uuid: UUID) -> Session:
        """Take in no more of it; what has come so far stays. Raises `BadRequest` when it has ended, `NotFound`."""
        if self.get(actor, uuid).is_ended:
            raise BadRequest("The session has ended")
        with self._database.write() as tx:
            batch, now = _found(tx, actor, uuid), datetime.now(UTC)
            if not batches.change(tx, batch.id, {"state": CANCELLED, "completed_at": now}, state=PROCESSING):
                raise BadRequest("The session has ended")
            for it in arrivals.of_batch(tx, batch.id):
                values = {"state": FAILED, "error": "Cancelled", "retryable": True, "finished_at": now}
                if arrivals.change(tx, it.id, values | {"staged_key": None, "expires_at": now + KEPT}, among=[WAITING]):
                    self._arrivals.discard(tx, it)
        self._pipeline.announce()
        return self.get(actor, uuid)

    def progress(self, actor: Actor, image_id: UUID) -> Progress:
        """What has become of one file, by the id it has or was promised; raises `NotFound`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, image_id, actor.tenant_id)
            row = batches.outcome_of_asset(tx, image_id, actor.tenant_id, self._reading)
            if it is not None and row is not None:
                runs = executions.latest_of(tx, [it.id], self._pipeline.skills).get(it.id, [])
                (portrait,) = self._portraits.of(tx, [it])
                return Progress(_item_of_asset(row, image_id), portrait, [one.uuid for one in runs])
            promised = batches.outcomes(tx, image_id, actor.tenant_id, self._reading)
        if row is not None or not promised:
            raise NotFound("File not found")
        return Progress(_item(promised[0]), None, [])

    def known(self, actor: Actor, hashes: Sequence[str]) -> dict[str, UUID]:
        """Which of these SHA-256 the tenant has."""
        return self._intake.known(actor, hashes)

    def room(self, actor: Actor) -> tuple[int | None, int]:
        """Bytes that the tenant may still bring (None: any number), and how many files it has."""
        with self._database.read() as tx:
            return self._intake.quota.room(tx, actor.tenant_id), self._intake.count(tx, actor.tenant_id)

    def _row(self, actor: Actor, terms: Terms, wishes: Wishes, position: int, it: Incoming) -> dict[str, Any]:
        """The row of a file that is accepted, its bytes safe, or refused."""
        uuid = uuid4()
        row = self._arrivals.row(actor, terms, wishes, uuid=uuid, filename=it.filename)
        row |= {"method": STREAMING, "position": position, "size_bytes": it.staged.size_bytes if it.staged else 0}
        try:
            if it.error is not None or it.staged is None:
                raise it.error or Empty("The file is empty")
            row["options"]["facts"] = plain_facts(self._intake.check(terms, it.staged, it.filename))
        except LibraryError as error:
            return row | _refused(error)
        return row | {"state": WAITING, "staged_key": self._arrivals.hold(actor, uuid, it.staged)}

    def _record(
        self, tx: Tx, actor: Actor, batch: dict[str, Any], rows: list[dict[str, Any]], *, is_leased: bool
    ) -> Session:
        batch_id = batches.add(tx, batch)
        until = arrivals.leased_until(self._database.now_micros(tx), sum(row["size_bytes"] for row in rows))
        leased = {"state": SETTLING, "fence": 1, "lease_until": until} if is_leased else {}
        for row in rows:
            if row["state"] == WAITING:
                try:
                    self._intake.quota.reserve(tx, actor.tenant_id, row["size_bytes"])
                    row.update(leased)
                except QuotaExceeded as error:
                    row.update(_refused(error))
            stored = {name: value for name, value in row.items() if name != "staged_key" or row["state"] != FAILED}
            arrivals.add(tx, stored | {"batch_id": batch_id})
        return self._session(tx, _found(tx, actor, batch["uuid"]))

    def _finish(self, actor: Actor, session: Session, remembering: Keeper[Session] | None) -> Session:
        with self._database.read() as tx:
            leased = [it for it in arrivals.of_batch(tx, _found(tx, actor, session.uuid).id) if it.state == SETTLING]
        for it in leased:
            self._arrivals.finish_or_fail(it, it.fence)
        made = self.get(actor, session.uuid)
        if remembering:
            with self._database.write() as tx:
                remembering.keep(tx, made)
        return made

    def _drop(self, rows: list[dict[str, Any]], *, all_of_them: bool = False) -> None:
        """The bytes that no row names."""
        for row in rows:
            if "staged_key" in row and (all_of_them or row["state"] == FAILED):
                self._arrivals.drop(row["staged_key"])

    def _settled(self, actor: Actor, session: Session) -> Session:
        """The session, which ends when none of its files is under way any more."""
        if session.is_ended or session.pending:
            return session
        state = FAILED if session.count(FAILED) == len(session.items) else COMPLETED
        times = [it.ended_at for it in session.items if it.ended_at is not None]
        values = {"state": state, "completed_at": max([*times, session.created_at])}
        with self._database.write() as tx:
            batch = _found(tx, actor, session.uuid)
            batches.change(tx, batch.id, values, state=PROCESSING)
            return self._session(tx, _found(tx, actor, session.uuid))

    def _session(self, tx: Tx, it: Batch) -> Session:
        return self._sessions(tx, [it], it.tenant_id)[0]

    def _sessions(self, tx: Tx, found: Sequence[Batch], tenant_id: int) -> list[Session]:
        items: dict[int, list[Item]] = {it.id: [] for it in found}
        for row in batches.outcomes(tx, list(items), tenant_id, self._reading) if items else ():
            items[row["batch_id"]].append(_item(row))
        return [Session(it.uuid, it.state, it.method, it.created_at, it.completed_at, items[it.id]) for it in found]


def _found(tx: Tx, actor: Actor, uuid: UUID) -> Batch:
    found = batches.batch_with(tx, uuid, actor.tenant_id)
    if found is None:
        raise NotFound("Session not found").about("session")
    return found


def _refused(error: LibraryError) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"state": FAILED, "error": error.message, "fence": 0, "finished_at": now, "expires_at": now + KEPT,
            "retryable": isinstance(error, (Unavailable, StorageFull, QuotaExceeded))}  # fmt: skip


def _item(row: Row) -> Item:
    """A file is completed when it is in the library and no run on it is under way (decisions 25)."""
    if row["state"] in {FAILED, EXPIRED} or row["asset_state"] == State.FAILED:
        state = "failed"
    elif row["state"] == SKIPPED:
        state = "skipped"
    else:
        state = PROCESSING if row["state"] != DONE or row["is_running"] else COMPLETED
    started, finished = row["started_at"], row["finished_at"]
    times = [moment for moment in (finished, row["ended_at"]) if moment is not None]
    return Item(
        index=row["position"],
        filename=row["filename"],
        state=state,
        is_stored=row["state"] == DONE,
        is_rejected=row["state"] == FAILED and row["fence"] == 0,
        image_id=row["asset_uuid"] or row["uuid"],
        object_key=row["blob_key"],
        kind=row["kind"],
        media_type=row["blob_type"],
        document_type=_document_type(row),
        reading=_reading(row),
        description=row["description"],
        visible_text=knowledge.text_in(row["visible_text"]),
        tags=tuple(row["tags"] or ()),
        error=row["error"] or (row["run_error"] if state == "failed" else None),
        retryable=row["retryable"],
        processing_time_ms=(finished - started).total_seconds() * 1000 if started and finished else None,
        created_at=row["created_at"],
        ended_at=max(times) if state != PROCESSING and times else None,
        retries=row["retries"] or 0,
        batch_uuid=row["sent_in"],
    )


def _item_of_asset(row: Row, uuid: UUID) -> Item:
    is_failed = row["asset_state"] == State.FAILED
    state = "failed" if is_failed else PROCESSING if row["is_running"] else COMPLETED
    return Item(
        index=0, filename=row["asset_filename"], state=state, is_stored=True, is_rejected=False, image_id=uuid,
        object_key=row["blob_key"], kind=row["kind"], media_type=row["blob_type"], document_type=_document_type(row),
        reading=_reading(row), description=row["description"], visible_text=knowledge.text_in(row["visible_text"]),
        tags=tuple(row["tags"] or ()), error=row["run_error"] if is_failed else None, retryable=False,
        processing_time_ms=None, created_at=row["asset_created_at"],
        ended_at=row["ended_at"] or row["asset_created_at"], retries=row["retries"] or 0,
        batch_uuid=row["batch_uuid"],
    )  # fmt: skip


def _document_type(row: Row) -> str | None:
    found: str | None = (row["blob_details"] or {}).get("document_type")
    return found


def _reading(row: Row) -> Stage | None:
    state = row["reading_state"]
    is_document = row["kind"] == "document"
    return reading_stage(RunState(state) if state else None, is_held=row["is_being_read"]) if is_document else None

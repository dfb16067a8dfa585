"""Uploads in chunks: room promised for a file, a signed URL for each piece, one file in the end (contract, 9).

A chunk is an object of the server's own store before it is acknowledged; its confirmation pins it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import promises
from mediatheque.core.arrivals import CHUNKED, KEPT, Arrivals, Wishes
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.portraits import Portrait, Portraits
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import (
    BadRequest,
    Conflict,
    LibraryError,
    Malformed,
    NotFound,
    TooLarge,
    Unsupported,
)
from mediatheque.model import Actor, Asset, State, Terms
from mediatheque.records import arrivals, assets, executions, parts
from mediatheque.records.arrivals import DONE, EXPIRED, FAILED, OPEN, Arrival
from mediatheque.records.engine import Database, Tx
from mediatheque.records.parts import Part

CHUNK_BYTES = 16 << 20
LIFETIME = timedelta(hours=24)
UPLOADING, PROCESSING, COMPLETED, ABORTED = "uploading", "processing", "completed", "aborted"
_OTHERS = "Another request is finishing this upload"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a file; `number` counts from 1."""

    number: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Chunked:
    """An upload in chunks, and how far it has come.

    `state`: `uploading`, `processing`, `completed`, `failed`, `expired` or `aborted`.
    """

    uuid: UUID
    upload_id: UUID
    object_key: str
    state: str
    size_bytes: int
    confirmed_bytes: int
    confirmed_chunks: int
    created_at: datetime
    expires_at: datetime
    error: str | None

    @property
    def chunk_count(self) -> int:
        return -(-self.size_bytes // CHUNK_BYTES)

    def chunk(self, number: int) -> Chunk:
        """Raises `BadRequest` for a number that it has not."""
        if not 1 <= number <= self.chunk_count:
            raise BadRequest(f"The upload has the chunks 1 to {self.chunk_count}")
        return Chunk(number, min(CHUNK_BYTES, self.size_bytes - (number - 1) * CHUNK_BYTES))

    def chunks(self) -> Iterator[Chunk]:
        return (self.chunk(number) for number in range(1, self.chunk_count + 1))

    @property
    def remaining_seconds(self) -> float | None:
        """At the pace so far; None as long as there is none."""
        if not self.confirmed_bytes:
            return None
        elapsed = (datetime.now(UTC) - self.created_at).total_seconds()
        return round(elapsed * (self.size_bytes - self.confirmed_bytes) / self.confirmed_bytes, 1)


@dataclass(frozen=True, slots=True)
class Finished:
    """The file that an upload has become. `stage`: `queued`, `processing`, `completed` or `failed`."""

    portrait: Portrait
    stage: str
    enriching: UUID | None
    """The run that looks into it, where one was asked for."""


class Chunking:
    def __init__(
        self, database: Database, stores: Stores, intake: Intake, arriving: Arrivals, pipeline: Pipeline
    ) -> None:
        self._database = database
        self._stores = stores
        self._intake = intake
        self._arrivals = arriving
        self._planner = pipeline.planner
        self._portraits = Portraits(pipeline.planner)

    def promise(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        *,
        filename: str,
        media_type: str,
        size_bytes: int,
        told: Mapping[str, Any],
        remembering: Keeper[Chunked] | None = None,
    ) -> Chunked:
        """Reserve room, an id and a key for a day; `told` is what the sender says beside, kept with the upload.

        Raises `Unsupported`, `TooLarge`, `Invalid`, `QuotaExceeded`.
        """
        declared = promises.declared_type(terms, media_type)
        promises.check(terms, filename, size_bytes)
        _, store = self._stores.for_upload(actor, None)
        uuid = uuid4()
        narrowed = replace(terms, max_bytes=size_bytes)
        row = self._arrivals.row(actor, narrowed, wishes.checked(), uuid=uuid, filename=filename)
        row["options"] |= {"upload_id": str(uuid4()), "told": dict(told)}
        row |= {
            "method": CHUNKED, "state": OPEN, "media_type": declared, "size_bytes": size_bytes,
            "object_key": promises.key_for(store, actor, uuid, filename, declared),
            "expires_at": datetime.now(UTC).replace(microsecond=0) + LIFETIME,
        }  # fmt: skip
        with self._database.write() as tx:
            self._intake.quota.reserve(tx, actor.tenant_id, size_bytes)
            arrivals.add(tx, row)
            made = _shown(tx, promises.mine(tx, actor, uuid, CHUNKED))
            if remembering:
                remembering.keep(tx, made)
        return made

    def awaited(self, uuid: UUID, number: int) -> tuple[Arrival, Chunk]:
        """What a signed URL stands for; raises `Forbidden`, and `Conflict` when the upload takes no more bytes."""
        with self._database.read() as tx:
            it = promises.awaited(tx, uuid, CHUNKED)
            promises.check_awaited(it)
            return it, _shown(tx, it).chunk(number)

    def stage(self, chunk: Chunk) -> Staged:
        return Staged(self._stores.primary.staging, chunk.size_bytes)

    def receive(self, it: Arrival, chunk: Chunk, staged: Staged) -> None:
        """Keep the bytes of a chunk, in place of any that came before and were not confirmed.

        Raises `BadRequest` for too few bytes, `Conflict` when other bytes were confirmed.
        """
        if staged.size_bytes != chunk.size_bytes:
            raise BadRequest(f"Chunk {chunk.number} has {chunk.size_bytes} bytes, not {staged.size_bytes}")
        with self._database.read() as tx:
            actor = arrivals.actor_of(tx, it)
        key = self._arrivals.hold(actor, it.uuid, staged)
        is_kept = False
        try:
            with self._database.write() as tx:
                is_kept = self._keep(tx, it, Part(it.id, chunk.number, chunk.size_bytes, staged.sha256, key, False))
        except LibraryError:
            self._arrivals.drop(key)
            raise
        if not is_kept:
            self._arrivals.drop(key)

    def confirm(self, actor: Actor, uuid: UUID, upload_id: UUID, number: int, etag: str, size_bytes: int) -> Chunked:
        """Pin a chunk that has come; the same answer again for one that is pinned.

        Raises `NotFound`, `BadRequest` (no such chunk, nothing uploaded, another ETag or size, expired), `Conflict`.
        """
        with self._database.write() as tx:
            it = _open(tx, actor, uuid, upload_id)
            chunk, known = _shown(tx, it).chunk(number), parts.numbered(tx, it.id, number)
            if known is None:
                raise BadRequest(f"Chunk {number} has not been uploaded")
            if size_bytes != chunk.size_bytes:
                raise BadRequest(f"Chunk {number} has {chunk.size_bytes} bytes, not {size_bytes}")
            if etag.strip().removeprefix("W/").strip('"').lower() != known.sha256:
                raise BadRequest(f"Chunk {number} has another ETag")
            if not known.is_confirmed:
                parts.confirm(tx, known)
            return _shown(tx, it)

    def again(self, actor: Actor, uuid: UUID, upload_id: UUID, number: int) -> tuple[Chunked, Chunk]:
        """A chunk that is to be sent anew; raises as `confirm` does, and `Conflict` for one that is confirmed."""
        with self._database.write() as tx:
            it = _open(tx, actor, uuid, upload_id)
            shown = _shown(tx, it)
            chunk, known = shown.chunk(number), parts.numbered(tx, it.id, number)
            if known is not None and known.is_confirmed:
                raise Conflict(f"Chunk {number} has been confirmed")
            return shown, chunk

    def get(self, actor: Actor, uuid: UUID) -> Chunked:
        """How far an upload has come; raises `NotFound`."""
        with self._database.read() as tx:
            return _shown(tx, promises.mine(tx, actor, uuid, CHUNKED))

    def complete(
        self, actor: Actor, uuid: UUID, upload_id: UUID, *, enrich: bool, told: Mapping[str, Any]
    ) -> Finished | None:
        """Make one file of the chunks; the same again for an upload that is one. None: another request is at it.

        `told` is kept with the upload.

        Raises `NotFound`, `BadRequest` (chunks are missing, expired, aborted), `Unsupported`, `Malformed`,
        `QuotaExceeded`, `StorageFull`, `Unavailable`.
        """
        with self._database.write() as tx:
            it = _held(tx, actor, uuid, upload_id)
            if it.state == DONE:
                return self._finished(tx, actor, it)
            promises.check_open(it)
            shown = _shown(tx, it)
            if shown.confirmed_chunks < shown.chunk_count:
                raise BadRequest(f"{shown.confirmed_chunks} of {shown.chunk_count} chunks have been confirmed")
            fence = arrivals.take(tx, it.id, [OPEN], self._database.now_micros(tx))
            if fence is None:
                return None
            wishes = it.options["wishes"] | {"auto_describe": enrich}
            options = it.options | {"wishes": wishes, "told": it.options["told"] | {"complete": dict(told)}}
            arrivals.change(tx, it.id, {"options": options})
            it = promises.mine(tx, actor, uuid, CHUNKED)
        self._settle(it, fence)
        with self._database.read() as tx:
            return self._finished(tx, actor, it)

    def abort(self, actor: Actor, uuid: UUID, upload_id: UUID) -> Chunked:
        """Give an upload up, and its bytes with it; the same again for one that was. Raises `NotFound`, `Conflict`."""
        with self._database.write() as tx:
            it = _held(tx, actor, uuid, upload_id)
            if it.state == DONE:
                raise Conflict("The upload is a file now")
            now = datetime.now(UTC)
            values = {"state": FAILED, "error": ABORTED, "finished_at": now, "expires_at": now + KEPT}
            if arrivals.change(tx, it.id, values, among=[OPEN]):
                self._arrivals.discard(tx, it)
            elif it.state not in {FAILED, EXPIRED}:
                raise Conflict(_OTHERS)
            return _shown(tx, promises.mine(tx, actor, uuid, CHUNKED))

    def _keep(self, tx: Tx, it: Arrival, new: Part) -> bool:
        """False when the very same bytes are there already."""
        now = arrivals.arrival_with(tx, it.uuid, it.tenant_id, for_update=True)
        if now is None or now.state != OPEN:
            raise Conflict("The upload takes no more bytes")
        known = parts.numbered(tx, it.id, new.number)
        if known is not None and known.sha256 == new.sha256:
            return False
        if known is not None and known.is_confirmed:
            raise Conflict(f"Chunk {new.number} has been confirmed")
        if known is not None:
            assets.discard(tx, [(self._stores.primary.name, known.staged_key)], datetime.now(UTC))
        parts.put(tx, new)
        return True

    def _settle(self, it: Arrival, fence: int) -> None:
        """What is wrong with the bytes ends the upload; after any other trouble it can be completed another time."""
        try:
            self._arrivals.finish(it, fence)
        except (Unsupported, Malformed, TooLarge) as error:
            self._arrivals.fail(it, fence, error.message)
            raise
        except BaseException:
            self._arrivals.reopen(it, fence, keeps_bytes=True)
            raise

    def _finished(self, tx: Tx, actor: Actor, it: Arrival) -> Finished:
        asset = assets.asset_with(tx, it.uuid, actor.tenant_id)
        if asset is None:
            raise NotFound("File not found")
        (portrait,) = self._portraits.of(tx, [asset])
        skills = [skill for skill in self._planner.skills.values() if asset.kind in skill.kinds]
        enriching = {skill.name for skill in skills if skill.enriches}
        latest = executions.latest_of(tx, [asset.id], {skill.name for skill in skills})[asset.id]
        looking = next((one.uuid for one in latest[::-1] if one.skill in enriching), None)
        unfinished = [one for one in latest if one.state in executions.UNFINISHED]
        return Finished(portrait, _stage(asset, [one.is_held for one in unfinished]), looking)


def _held(tx: Tx, actor: Actor, uuid: UUID, upload_id: UUID) -> Arrival:
    """The upload with both ids, which nobody else changes until the transaction ends; raises `NotFound`."""
    it = arrivals.arrival_with(tx, uuid, actor.tenant_id, for_update=True)
    if it is None or it.method != CHUNKED or it.options["upload_id"] != str(upload_id):
        raise NotFound("Upload not found")
    return it


def _open(tx: Tx, actor: Actor, uuid: UUID, upload_id: UUID) -> Arrival:
    """The same of one that takes bytes."""
    it = _held(tx, actor, uuid, upload_id)
    promises.check_open(it)
    if it.state != OPEN:
        raise Conflict("The upload is a file now" if it.state == DONE else _OTHERS)
    return it


def _shown(tx: Tx, it: Arrival) -> Chunked:
    confirmed = [one for one in parts.of_arrival(tx, it.id) if one.is_confirmed]
    shown = Chunked(
        it.uuid, UUID(it.options["upload_id"]), it.object_key or "", _state(it), it.size_bytes,
        sum(one.size_bytes for one in confirmed), len(confirmed), it.created_at,
        it.expires_at or it.created_at + LIFETIME, it.error,
    )  # fmt: skip
    if it.state == DONE:  # its chunks are one file now
        shown = replace(shown, confirmed_bytes=it.size_bytes, confirmed_chunks=shown.chunk_count)
    return shown


def _state(it: Arrival) -> str:
    if it.state == FAILED and it.error == ABORTED:
        return ABORTED
    if promises.has_expired(it):
        return EXPIRED
    return {OPEN: UPLOADING, DONE: COMPLETED, FAILED: FAILED}.get(it.state, PROCESSING)


def _stage(it: Asset, held: list[bool]) -> str:
    if it.state is State.FAILED:
        return "failed"
    if not held:
        return COMPLETED
    return PROCESSING if any(held) else "queued"

"""Resumable uploads: bytes that come in pieces over hours, none acknowledged that is not on disk (decisions 10)."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mediatheque.core import folders
from mediatheque.core.arrivals import KEPT, TUS, Arrivals, Wishes
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake
from mediatheque.core.partials import Growing
from mediatheque.errors import (
    BadRequest,
    ChecksumMismatch,
    Conflict,
    Gone,
    LibraryError,
    Locked,
    NotFound,
    StorageFull,
    TooLarge,
    Unavailable,
)
from mediatheque.model import Actor, Terms
from mediatheque.records import arrivals
from mediatheque.records.arrivals import DONE, OPEN, SKIPPED, WAITING, Arrival
from mediatheque.records.engine import Database

LIFETIME = timedelta(hours=24)
ALGORITHMS = ("sha1", "md5", "sha256")


@dataclass(frozen=True, slots=True)
class Resumed:
    """How far an upload has come. `asset_uuid`: the file that it has become."""

    uuid: UUID
    offset: int
    size_bytes: int
    expires_at: datetime
    is_partial: bool
    is_final: bool
    asset_uuid: UUID | None


class Resuming:
    def __init__(self, database: Database, intake: Intake, arriving: Arrivals, max_bytes: int) -> None:
        self._database = database
        self._intake = intake
        self._arrivals = arriving
        self.max_bytes = max_bytes

    def create(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        *,
        filename: str,
        size_bytes: int,
        is_partial: bool = False,
        remembering: Keeper[Resumed] | None = None,
    ) -> Resumed:
        """Reserve room for an upload of that size.

        Raises `TooLarge`, `Invalid`, `QuotaExceeded`, and `NotFound` about the folder.
        """
        if size_bytes > terms.max_bytes:
            raise TooLarge
        uuid = uuid4()
        options = {"is_partial": is_partial}
        row = self._row(actor, terms, wishes.checked(), uuid, filename, size_bytes, options)
        self._arrivals.partials.make(uuid)
        with self._database.write() as tx:
            if wishes.folder_id is not None:
                folders.with_id(tx, actor.tenant_id, wishes.folder_id)
            self._intake.quota.reserve(tx, actor.tenant_id, size_bytes)
            arrivals.add(tx, row)
            made = self._shown(arrivals.arrival_with(tx, uuid, actor.tenant_id))
            if remembering:
                remembering.keep(tx, made)
        return made

    def join(self, actor: Actor, terms: Terms, wishes: Wishes, *, filename: str, parts: Sequence[UUID]) -> Resumed:
        """One upload of several partial ones, in this order, which are used up.

        Raises `NotFound`, `BadRequest` for what is no complete partial upload, `TooLarge`, and what `get` raises.
        """
        found = [self._mine(actor, part) for part in dict.fromkeys(parts)]
        if any(not it.options["is_partial"] or it.state != OPEN or it.received_bytes != it.size_bytes for it in found):
            raise BadRequest("Only complete partial uploads can be concatenated")
        sizes = {it.uuid: it.size_bytes for it in found}
        size_bytes = sum(sizes[part] for part in parts)
        if size_bytes > terms.max_bytes:
            raise TooLarge
        uuid, partials = uuid4(), self._arrivals.partials
        row = self._row(actor, terms, wishes.checked(), uuid, filename, size_bytes, {"is_final": True})
        partials.make(uuid)
        growing = partials.open(uuid)
        try:
            for part in parts:
                growing.append(partials.path(part))
            growing.sync()
            with self._database.write() as tx:
                for it in found:
                    if not arrivals.change(
                        tx, it.id, {"state": SKIPPED, "expires_at": datetime.now(UTC)}, among=[OPEN]
                    ):
                        raise Conflict("A partial upload was used by another request")
                self._intake.quota.reserve(tx, actor.tenant_id, size_bytes)
                arrivals.add(tx, row | {"received_bytes": size_bytes})
        except BaseException:
            partials.remove(uuid)
            raise
        finally:
            growing.close()
        return self.get(actor, uuid)

    def get(self, actor: Actor, uuid: UUID) -> Resumed:
        """How far it has come; one that is complete is taken in first, should a crash have kept it from that.

        Raises `NotFound`, `Gone` (expired, refused, ended) and, of what is taken in, what `Intake.take` raises.
        """
        it = self._mine(actor, uuid)
        if it.state == OPEN and it.received_bytes == it.size_bytes and not it.options.get("is_partial"):
            try:
                growing = self._arrivals.partials.open(uuid)
            except Locked:
                return self._shown(it)
            try:
                it = self._finished(self._mine(actor, uuid))
            finally:
                growing.close()
        return self._shown(it)

    def begin(self, actor: Actor, uuid: UUID, offset: int, checksum: tuple[str, bytes] | None = None) -> "Writing":
        """Go on at this offset; `end` or `stop` must follow.

        Raises `NotFound`, `Gone`, `Locked`, `BadRequest` (unknown algorithm), `Conflict` (another offset).
        """
        if checksum is not None and checksum[0] not in ALGORITHMS:
            raise BadRequest("Unknown checksum algorithm")
        self._shown(self._mine(actor, uuid))
        growing = self._arrivals.partials.open(uuid)
        try:
            it = self._mine(actor, uuid)
            self._shown(it)
            if it.state != OPEN or it.received_bytes != offset:
                raise Conflict(f"The upload has {it.received_bytes} bytes")
            growing.cut(offset)
        except BaseException:
            growing.close()
            raise
        return Writing(self, it, growing, checksum)

    def terminate(self, actor: Actor, uuid: UUID) -> None:
        """End an upload that is not complete, and forget its bytes; raises `NotFound`, `Gone`, `Locked`, `Conflict`."""
        it = self._mine(actor, uuid)
        if self._shown(it).asset_uuid is not None:
            raise Conflict("The upload is a file now")
        growing = self._arrivals.partials.open(uuid)
        try:
            with self._database.write() as tx:
                arrivals.change(tx, it.id, {"state": SKIPPED, "expires_at": datetime.now(UTC)}, among=[OPEN])
            self._arrivals.partials.remove(uuid)
        finally:
            growing.close()

    def kept(self, it: Arrival, size_bytes: int) -> Arrival:
        """So many bytes are on disk now; one that is complete is taken in."""
        with self._database.write() as tx:
            if not arrivals.change(tx, it.id, {"received_bytes": size_bytes}, among=[OPEN]):
                raise Gone("The upload has ended")
        it = replace(it, received_bytes=size_bytes)
        is_whole = size_bytes == it.size_bytes and not it.options.get("is_partial")
        return self._finished(it) if is_whole else it

    def shown(self, it: Arrival) -> Resumed:
        return self._shown(it)

    def _finished(self, it: Arrival) -> Arrival:
        """Take in a complete upload, whose file is locked by us; what it is refused for ends it."""
        if it.state == OPEN:
            with self._database.read() as tx:
                actor = arrivals.actor_of(tx, it)
            with self._arrivals.stage_partial(it) as staged:
                key = self._arrivals.hold(actor, it.uuid, staged)
            with self._database.write() as tx:  # leased at once: workers take in what waits
                fence = arrivals.take(tx, it.id, [OPEN], self._database.now_micros(tx))
                if fence is not None:
                    arrivals.change(tx, it.id, {"staged_key": key})
            self._arrivals.partials.remove(it.uuid)
            if fence is None:  # it has expired meanwhile
                self._arrivals.drop(key)
            else:
                self._take_in(replace(it, staged_key=key), fence)
        with self._database.read() as tx:
            found = arrivals.arrival_with(tx, it.uuid, it.tenant_id)
        assert found is not None
        return found

    def _take_in(self, it: Arrival, fence: int) -> None:
        try:
            self._arrivals.finish(it, fence)
        except (Unavailable, StorageFull) as error:
            self._arrivals.put_back(it, fence, error.message)
            raise
        except LibraryError as error:
            self._arrivals.fail(it, fence, error.message)
            raise

    def _row(
        self, actor: Actor, terms: Terms, wishes: Wishes, uuid: UUID, filename: str, size: int, options: dict[str, bool]
    ) -> dict[str, object]:
        row = self._arrivals.row(actor, terms, wishes, uuid=uuid, filename=filename)
        row["options"] |= options
        return row | {"method": TUS, "state": OPEN, "size_bytes": size, "expires_at": datetime.now(UTC) + LIFETIME}

    def _mine(self, actor: Actor, uuid: UUID) -> Arrival:
        with self._database.read() as tx:
            it = arrivals.arrival_with(tx, uuid, actor.tenant_id)
        if it is None or it.method != TUS:
            raise NotFound("Upload not found")
        return it

    def _shown(self, it: Arrival | None) -> Resumed:
        assert it is not None
        is_ended = it.state not in {OPEN, WAITING, arrivals.SETTLING, DONE} and it.asset_uuid is None
        expires_at = it.expires_at or it.created_at + KEPT
        if is_ended or (it.state == OPEN and expires_at <= datetime.now(UTC)):
            raise Gone(it.error or "The upload has ended")
        return Resumed(
            it.uuid, it.received_bytes, it.size_bytes, expires_at, bool(it.options.get("is_partial")),
            bool(it.options.get("is_final")), it.asset_uuid,
        )  # fmt: skip


class Writing:
    """One request's bytes on their way into an upload."""

    def __init__(self, resuming: Resuming, it: Arrival, growing: Growing, checksum: tuple[str, bytes] | None) -> None:
        self._resuming = resuming
        self._it = it
        self._growing = growing
        self._expected = checksum
        self._digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        self._at = it.received_bytes

    def write(self, piece: bytes) -> None:
        """Raises `TooLarge` beyond the upload's size, `StorageFull`."""
        if self._at + len(piece) > self._it.size_bytes:
            raise TooLarge("More bytes than the upload has")
        self._growing.write(piece)
        self._at += len(piece)
        if self._digest is not None:
            self._digest.update(piece)

    def end(self) -> Resumed:
        """The request is whole: keep its bytes, and take the upload in when it is complete.

        Raises `ChecksumMismatch` (nothing is kept then) and what `Intake.take` raises.
        """
        try:
            if self._digest and self._expected and not hmac.compare_digest(self._digest.digest(), self._expected[1]):
                self._growing.cut(self._it.received_bytes)
                raise ChecksumMismatch
            self._growing.sync()
            return self._resuming.shown(self._resuming.kept(self._it, self._at))
        finally:
            self._growing.close()

    def stop(self) -> None:
        """The request broke off: what came of it is kept, unless a checksum was to vouch for it."""
        try:
            if self._digest is None and self._it.received_bytes < self._at < self._it.size_bytes:
                self._growing.sync()
                self._resuming.kept(self._it, self._at)
        finally:
            self._growing.close()

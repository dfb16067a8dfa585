"""Presigned uploads: room and a key promised, bytes from whoever holds the URL, a confirmation (contract, 3.2, 9)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mediatheque.core import names, promises
from mediatheque.core.arrivals import PRESIGNED, Arrivals, Wishes, is_own_key, wishes_of
from mediatheque.core.files import Files
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake
from mediatheque.core.portraits import Portrait
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import BadRequest, Conflict, LibraryError, Malformed, NotFound, TooLarge, Unsupported
from mediatheque.model import Actor, Terms
from mediatheque.ports import Receiving
from mediatheque.records import arrivals
from mediatheque.records.arrivals import DONE, OPEN, SKIPPED, Arrival
from mediatheque.records.engine import Database

LIFETIME_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Promised:
    """An upload that may come. `direct_url` None: its bytes are sent to us; else to `bucket` of a service."""

    uuid: UUID
    object_key: str
    media_type: str
    size_bytes: int
    expires_at: datetime
    direct_url: str | None
    bucket: str | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An upload that is an asset now, new or (`is_new` False) one that was there with its bytes."""

    uuid: UUID
    wishes: Wishes
    is_new: bool
    is_repeated: bool
    """Whether it had been confirmed before."""


class Presigning:
    def __init__(self, database: Database, stores: Stores, intake: Intake, arriving: Arrivals, files: Files) -> None:
        self._files = files
        self._database = database
        self._stores = stores
        self._intake = intake
        self._arrivals = arriving

    def promise(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        *,
        filename: str,
        media_type: str,
        size_bytes: int,
        remembering: Keeper[Promised] | None = None,
    ) -> Promised:
        """Reserve room, an id and a key for an hour.

        Raises `Unsupported`, `TooLarge`, `Invalid`, `QuotaExceeded`, and `BadRequest` without a place of its own.
        """
        declared = promises.declared_type(terms, media_type)
        promises.check(terms, filename, size_bytes)
        narrowed = replace(
            terms, media_types=promises.types_like(declared), takes_all_of=frozenset(), max_bytes=size_bytes
        )
        return self._promise(actor, narrowed, wishes.checked(), filename, declared, remembering)

    def awaited(self, uuid: UUID) -> Arrival:
        """The upload that a signed URL stands for; raises `Forbidden`."""
        with self._database.read() as tx:
            return promises.awaited(tx, uuid, PRESIGNED)

    def stage(self, it: Arrival) -> Staged:
        """Room for its bytes; raises `Conflict` when it was confirmed."""
        promises.check_awaited(it)
        return Staged(self._stores.primary.staging, it.size_bytes)

    def receive(self, it: Arrival, staged: Staged) -> None:
        """Keep these bytes for the confirmation, in place of any that came before; raises `Conflict`."""
        with self._database.read() as tx:
            actor = arrivals.actor_of(tx, it)
        key = self._arrivals.hold(actor, it.uuid, staged)
        try:
            with self._database.write() as tx:
                now = arrivals.arrival_with(tx, it.uuid, it.tenant_id, for_update=True)
                if now is None or now.state != OPEN:
                    raise Conflict("The upload has been confirmed")
                self._arrivals.discard(tx, now)
                arrivals.change(tx, it.id, {"staged_key": key, "received_bytes": staged.size_bytes})
        except LibraryError:
            self._arrivals.drop(key)
            raise

    def confirm(
        self, actor: Actor, uuid: UUID, key: str | None = None, size_bytes: int | None = None
    ) -> Confirmed | None:
        """Make the uploaded bytes an asset; the same answer again for one that is. None: another request is at it.

        Key and size are held against the upload's where they are told.

        Raises `NotFound` (no such upload, a key of others), `BadRequest` (another key, nothing uploaded, expired,
        another size), `Unsupported` (another type than declared), `Malformed`, `QuotaExceeded`.
        """
        with self._database.read() as tx:
            it = promises.mine(tx, actor, uuid, PRESIGNED)
        if key is not None and key != it.object_key:
            raise _no_upload(actor, key)
        return self._confirm(it, size_bytes)

    def confirm_document(
        self, actor: Actor, key: str, size_bytes: int, *, media_type: str | None, sha256: str | None
    ) -> tuple[Confirmed, Portrait] | None:
        """The same of the document that was promised this key, by what else its sender says of it (contract, 9).

        Raises as `confirm` does, and `BadRequest` for another type than declared or another SHA-256.
        """
        if not names.is_storable(key):
            raise _no_upload(actor, key)
        with self._database.read() as tx:
            it = arrivals.promised_key(tx, key, actor.tenant_id)
        if it is None or it.method != PRESIGNED:
            raise _no_upload(actor, key)
        if media_type is not None and media_type.partition(";")[0].strip().lower() != it.media_type:
            raise BadRequest("Another content_type than was declared")
        made = self._confirm(it, size_bytes, sha256)
        return None if made is None else (made, self._files.document(actor, made.uuid))

    def _confirm(self, it: Arrival, size_bytes: int | None, sha256: str | None = None) -> Confirmed | None:
        if it.state in {DONE, SKIPPED}:
            if size_bytes is not None and size_bytes != it.size_bytes:
                raise BadRequest("Another size than was confirmed")
            return _confirmed(it, is_repeated=True)
        promises.check_open(it)
        if it.staged_key is None:
            raise BadRequest("Nothing has been uploaded")
        fence = self._arrivals.take(it)
        if fence is None:
            return None
        return self._settle(self._again(it), fence, size_bytes, sha256)

    def _settle(self, it: Arrival, fence: int, size_bytes: int | None, sha256: str | None) -> Confirmed:
        """Nothing stays leased: what may go better another time keeps its bytes, what is wrong with them loses them."""
        keeps_bytes = True
        try:
            found = self._size(it)
            keeps_bytes = found <= it.size_bytes
            wanted = it.size_bytes if size_bytes is None else size_bytes
            if found != wanted or not keeps_bytes:
                raise BadRequest(f"The upload has {found} bytes, not {wanted}")
            self._arrivals.finish(it, fence, sha256=sha256)
        except (Unsupported, Malformed, TooLarge):
            self._arrivals.reopen(it, fence, keeps_bytes=False)
            raise
        except BaseException:
            self._arrivals.reopen(it, fence, keeps_bytes=keeps_bytes)
            raise
        return _confirmed(self._again(it), is_repeated=False)

    def _size(self, it: Arrival) -> int:
        try:
            return self._stores.primary.size(it.staged_key or "")
        except NotFound:
            raise BadRequest("Nothing has been uploaded") from None

    def _again(self, it: Arrival) -> Arrival:
        with self._database.read() as tx:
            found = arrivals.arrival_with(tx, it.uuid, it.tenant_id)
        if found is None:
            raise NotFound("Upload not found")
        return found

    def _promise(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        filename: str,
        media_type: str,
        remembering: Keeper[Promised] | None,
    ) -> Promised:
        _, store = self._stores.for_upload(actor, self._intake.check_place(actor, own=wishes.own_place))
        uuid, primary, size_bytes = uuid4(), self._stores.primary, terms.max_bytes
        key = promises.key_for(store, actor, uuid, filename, media_type)
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LIFETIME_SECONDS)
        row = self._arrivals.row(actor, terms, wishes, uuid=uuid, filename=filename) | {
            "method": PRESIGNED, "state": OPEN, "media_type": media_type, "size_bytes": size_bytes,
            "object_key": key, "expires_at": expires_at,
        }  # fmt: skip
        direct_url = bucket = None
        if isinstance(primary, Receiving):
            row["staged_key"] = f"arrivals/{actor.tenant_uuid}/{uuid}/direct"
            row["options"] |= {"direct": True}
            direct_url = primary.signed_put(row["staged_key"], lifetime_seconds=LIFETIME_SECONDS)
            bucket = primary.bucket
        made = Promised(uuid, key, media_type, size_bytes, expires_at, direct_url, bucket)
        with self._database.write() as tx:
            self._intake.quota.reserve(tx, actor.tenant_id, size_bytes)
            arrivals.add(tx, row)
            if remembering:
                remembering.keep(tx, made)
        return made


def _no_upload(actor: Actor, key: str) -> LibraryError:
    """Others' keys are as good as none (contract, 10)."""
    return BadRequest("Not this upload's object_key") if is_own_key(actor, key) else NotFound("Upload not found")


def _confirmed(it: Arrival, *, is_repeated: bool) -> Confirmed:
    return Confirmed(it.asset_uuid or it.uuid, wishes_of(it), it.state != SKIPPED, is_repeated)

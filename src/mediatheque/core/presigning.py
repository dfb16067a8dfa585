"""Presigned uploads: room and a key promised, bytes from whoever holds the URL, a confirmation (contract, 3.2)."""

import mimetypes
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mediatheque.core import names
from mediatheque.core.arrivals import PRESIGNED, Arrivals, Wishes, is_own_key, wishes_of
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake, object_key
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    LibraryError,
    Malformed,
    NotFound,
    TooLarge,
    Unsupported,
)
from mediatheque.model import Actor, Terms
from mediatheque.ports import Receiving
from mediatheque.records import arrivals
from mediatheque.records.arrivals import DONE, EXPIRED, FAILED, OPEN, SKIPPED, Arrival
from mediatheque.records.engine import Database

LIFETIME_SECONDS = 3600
_ALIASES = {"image/jpg": "image/jpeg"}
_EXTENSIONS = {"image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Promised:
    """An upload that may come. `direct_url` None: its bytes are sent to us."""

    uuid: UUID
    object_key: str
    media_type: str
    size_bytes: int
    expires_at: datetime
    direct_url: str | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An upload that is an asset now."""

    uuid: UUID
    wishes: Wishes


class Presigning:
    def __init__(self, database: Database, stores: Stores, intake: Intake, arriving: Arrivals) -> None:
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

        Raises `Unsupported`, `TooLarge`, `Invalid`, `QuotaExceeded`.
        """
        declared = media_type.partition(";")[0].strip().lower()
        declared = _ALIASES.get(declared, declared)
        if declared not in terms.media_types:
            raise Unsupported(f"Unsupported media type: {media_type[:100]}")
        if size_bytes <= 0:
            raise Invalid("Must be greater than 0", field=("body", "size_bytes"), kind="greater_than")
        if size_bytes > terms.max_bytes:
            raise TooLarge
        wishes, name = wishes.checked(), names.text(filename, "filename", names.MAX_NAME_CHARS)
        if not names.base_name(name or ""):
            raise Invalid("Must hold a name", field=("body", "filename"), kind="missing")
        return self._promise(actor, terms, wishes, filename, declared, size_bytes, remembering)

    def awaited(self, uuid: UUID) -> Arrival:
        """The upload that a signed URL stands for; raises `Forbidden`, and `Conflict` when it was confirmed."""
        with self._database.read() as tx:
            it = arrivals.arrival_with(tx, uuid, None)
        if it is None or it.method != PRESIGNED:
            raise Forbidden("Invalid signature")
        if it.state == EXPIRED or (it.expires_at is not None and it.expires_at <= datetime.now(UTC)):
            raise Forbidden("Expired signature")
        if it.state != OPEN:
            raise Conflict("The upload has been confirmed")
        return it

    def stage(self, it: Arrival) -> Staged:
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
        it = self._mine(actor, uuid, key)
        if it.state in {DONE, SKIPPED}:
            return _confirmed(it, size_bytes)
        if it.state == FAILED:
            raise BadRequest(it.error)
        if it.state == EXPIRED or (it.expires_at is not None and it.expires_at <= datetime.now(UTC)):
            raise BadRequest("The upload has expired")
        if it.staged_key is None:
            raise BadRequest("Nothing has been uploaded")
        fence = self._arrivals.take(it)
        if fence is None:
            return None
        return self._settle(self._mine(actor, uuid, key), fence, size_bytes)

    def _settle(self, it: Arrival, fence: int, size_bytes: int | None) -> Confirmed:
        """Nothing stays leased: what may go better another time keeps its bytes, what is wrong with them loses them."""
        keeps_bytes = True
        try:
            found = self._size(it)
            keeps_bytes = found <= it.size_bytes
            wanted = it.size_bytes if size_bytes is None else size_bytes
            if found != wanted or not keeps_bytes:
                raise BadRequest(f"The upload has {found} bytes, not {wanted}")
            self._arrivals.finish(it, fence)
        except (Unsupported, Malformed, TooLarge):
            self._arrivals.reopen(it, fence, keeps_bytes=False)
            raise
        except BaseException:
            self._arrivals.reopen(it, fence, keeps_bytes=keeps_bytes)
            raise
        return Confirmed(it.uuid, wishes_of(it))

    def _size(self, it: Arrival) -> int:
        try:
            return self._stores.primary.size(it.staged_key or "")
        except NotFound:
            raise BadRequest("Nothing has been uploaded") from None

    def _mine(self, actor: Actor, uuid: UUID, key: str | None) -> Arrival:
        with self._database.read() as tx:
            it = arrivals.arrival_with(tx, uuid, actor.tenant_id)
        if it is None or it.method != PRESIGNED:
            raise NotFound("Upload not found")
        if key is not None and key != it.object_key:
            raise BadRequest("Not this upload's object_key") if is_own_key(actor, key) else NotFound("Upload not found")
        return it

    def _promise(
        self,
        actor: Actor,
        terms: Terms,
        wishes: Wishes,
        filename: str,
        media_type: str,
        size_bytes: int,
        remembering: Keeper[Promised] | None,
    ) -> Promised:
        _, store = self._stores.for_upload(actor, None)
        uuid, primary = uuid4(), self._stores.primary
        extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
        key = object_key(store.key_prefix, actor, uuid, names.safe_name(filename, extension))
        narrowed = replace(terms, media_types=frozenset({media_type}), max_bytes=size_bytes)
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LIFETIME_SECONDS)
        row = self._arrivals.row(actor, narrowed, wishes, uuid=uuid, filename=filename) | {
            "method": PRESIGNED, "state": OPEN, "media_type": media_type, "size_bytes": size_bytes,
            "object_key": key, "expires_at": expires_at,
        }  # fmt: skip
        direct_url = None
        if isinstance(primary, Receiving):
            row["staged_key"] = f"arrivals/{actor.tenant_uuid}/{uuid}/direct"
            row["options"] |= {"direct": True}
            direct_url = primary.signed_put(row["staged_key"], lifetime_seconds=LIFETIME_SECONDS)
        made = Promised(uuid, key, media_type, size_bytes, expires_at, direct_url)
        with self._database.write() as tx:
            self._intake.quota.reserve(tx, actor.tenant_id, size_bytes)
            arrivals.add(tx, row)
            if remembering:
                remembering.keep(tx, made)
        return made


def _confirmed(it: Arrival, size_bytes: int | None) -> Confirmed:
    if size_bytes is not None and size_bytes > it.size_bytes:
        raise BadRequest("Another size than was confirmed")
    return Confirmed(it.uuid, wishes_of(it))

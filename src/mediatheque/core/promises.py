"""Promises: what is said beforehand of bytes that come later is checked, and given an id and a storage key."""

import mimetypes
from datetime import UTC, datetime
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.intake import object_key
from mediatheque.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, TooLarge, Unsupported
from mediatheque.model import Actor, Terms
from mediatheque.ports import Store
from mediatheque.records import arrivals
from mediatheque.records.arrivals import EXPIRED, FAILED, OPEN, Arrival
from mediatheque.records.engine import Tx

_ALIASES = {"image/jpg": "image/jpeg"}
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "video/quicktime": ".mov",
    "video/x-m4v": ".m4v",
}
_TEXTS = frozenset({"text/plain", "text/markdown"})


def declared_type(terms: Terms, media_type: str) -> str:
    """The type that is promised, as we spell it; raises `Unsupported`."""
    declared = spelled(media_type)
    if declared not in terms.media_types:
        taken = ", ".join(sorted(terms.media_types))
        raise Unsupported(f"Unsupported media type: {media_type[:100]}. Those taken are {taken}")
    return declared


def spelled(media_type: str) -> str:
    """A media type without its parameters, by the name that we use for it."""
    plain = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain)


def types_like(declared: str) -> frozenset[str]:
    """What the bytes may turn out to be: which text a text is, its name tells better than its sender."""
    return _TEXTS if declared in _TEXTS else frozenset({declared})


def check(terms: Terms, filename: str, size_bytes: int) -> None:
    """Raises `Invalid`, `TooLarge`."""
    if size_bytes <= 0:
        raise Invalid("Must be greater than 0", field=("body", "size_bytes"), kind="greater_than")
    if size_bytes > terms.max_bytes:
        raise TooLarge
    names.text(filename, "filename", names.MAX_NAME_CHARS)
    if not names.base_name(filename):
        raise Invalid("Must hold a name", field=("body", "filename"), kind="missing")


def key_for(store: Store, actor: Actor, uuid: UUID, filename: str, media_type: str) -> str:
    """Where the bytes will lie in this store."""
    extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
    return object_key(store.key_prefix, actor, uuid, names.safe_name(filename, extension))


def awaited(tx: Tx, uuid: UUID, method: str) -> Arrival:
    """The upload that a signed URL stands for; raises `Forbidden`."""
    it = arrivals.arrival_with(tx, uuid, None)
    if it is None or it.method != method:
        raise Forbidden("Invalid signature")
    if has_expired(it):
        raise Forbidden("Expired signature")
    return it


def check_awaited(it: Arrival) -> None:
    """Raises `Conflict` when the upload takes no more bytes."""
    if it.state != OPEN:
        raise Conflict("The upload takes no more bytes")


def mine(tx: Tx, actor: Actor, uuid: UUID, method: str) -> Arrival:
    """An upload of the actor's tenant; raises `NotFound`."""
    it = arrivals.arrival_with(tx, uuid, actor.tenant_id)
    if it is None or it.method != method:
        raise NotFound("Upload not found").about("upload")
    return it


def check_open(it: Arrival) -> None:
    """Raises `BadRequest` for one that has failed or expired."""
    if it.state == FAILED:
        raise BadRequest(f"The upload has ended: {it.error}")
    if has_expired(it):
        raise BadRequest("The upload has expired")


def has_expired(it: Arrival) -> bool:
    is_over = it.state == OPEN and it.expires_at is not None and it.expires_at <= datetime.now(UTC)
    return it.state == EXPIRED or is_over

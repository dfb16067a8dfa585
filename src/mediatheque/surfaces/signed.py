"""`/media/…`: the bytes behind the signed URLs that other surfaces hand out; the signature is the permission.

Every use looks at the row (or at what was seen of it within the last second), so a deletion shows at once, although
the URL has not expired (decisions 5).
"""

import re
import unicodedata
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import UUID

from fastapi import APIRouter

from mediatheque.core.ids import from_ulid, to_ulid
from mediatheque.core.library import Library
from mediatheque.core.media import ORIGINAL
from mediatheque.core.presigning import Promised
from mediatheque.core.signing import Signature
from mediatheque.errors import Forbidden, LibraryError, MethodNotAllowed, NotFound
from mediatheque.model import Asset, Terms
from mediatheque.surfaces.delivery import Delivery, refuse
from mediatheque.surfaces.http import AsgiApp, Receive, Send, Surface, plain_error, plain_invalid

PREFIX = "/media/"
UPLOADS = "/api/v2/user-files/upload/bytes"
"""Where `/api/v2` takes the bytes of promised uploads."""
LIFETIME_SECONDS = 3600
DOWNLOAD = "download"
"""Stands where the variant does: the original, as an attachment."""
REVALIDATE = b"private, no-cache"


def signed_url(library: Library, it: Asset, variant: str = ORIGINAL) -> str:
    """An absolute URL of an asset's bytes, good for an hour and without a credential."""
    path = f"{PREFIX}{to_ulid(it.uuid)}/{variant}/{quote(it.filename, safe='')}"
    signature = library.signer.sign("GET", path, lifetime_seconds=LIFETIME_SECONDS)
    return f"{library.base_url}{path}?{signature.query()}"


def download_url(library: Library, it: Asset) -> str:
    """The same of the asset's own bytes, to be saved under its original name, which is part of what is signed."""
    name = it.original_filename if it.original_filename.strip(".") else it.filename
    path = f"{PREFIX}{to_ulid(it.uuid)}/{DOWNLOAD}/{quote(name, safe='')}"
    signature = library.signer.sign("GET", path, lifetime_seconds=LIFETIME_SECONDS)
    return f"{library.base_url}{path}?{signature.query()}"


def thumbnail_url(library: Library, uuid: UUID) -> str:
    """The same of an image's thumbnail, whose name in the URL is of no account."""
    path = f"{PREFIX}{to_ulid(uuid)}/thumbnail/thumbnail"
    return f"{library.base_url}{path}?{library.signer.sign('GET', path, lifetime_seconds=LIFETIME_SECONDS).query()}"


def put_url(library: Library, made: Promised) -> str:
    """Where the bytes of a promised upload go by PUT, until it expires and without a credential."""
    if made.direct_url:
        return made.direct_url
    path = f"{UPLOADS}/{made.uuid}"
    bound = bound_to(made.media_type, made.size_bytes)
    signature = library.signer.sign_until(made.expires_at, "PUT", path, content_type=bound)
    return f"{library.base_url}{path}?{signature.query()}"


def bound_to(media_type: str, size_bytes: int) -> str:
    """What the signature of a PUT binds beside method, path and expiry."""
    return f"{media_type} {size_bytes}"


def media(library: Library) -> AsgiApp:
    delivery = Delivery(library.media, library.generations, REVALIDATE)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            library.signer.verify("GET", scope["raw_path"].decode("latin-1"), signature_in(scope["query_string"]))
            key = scope["path"]
            uuid, variant, name = _target(key)
            entry = delivery.hot(key)
            if entry is None:
                wanted = ORIGINAL if variant == DOWNLOAD else variant
                entry = await delivery.look(key, uuid, partial(library.media.private, uuid, wanted))
            disposition = [(b"content-disposition", attachment(name))] if variant == DOWNLOAD else []
            await delivery.answer(entry, scope, send, *disposition)
        except LibraryError as error:
            await refuse(error, plain_error, scope["method"], send)

    return serve


def attachment(name: str) -> bytes:
    """A `Content-Disposition` that saves the bytes under this name: in ASCII, and in full (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    in_full = quote(name, safe="")
    return f"attachment; filename=\"{_NOT_IN_QUOTES.sub('_', plain) or 'file'}\"; filename*=UTF-8''{in_full}".encode()


_NOT_IN_QUOTES = re.compile(r"[^A-Za-z0-9 ._()\[\]+-]")


def _target(path: str) -> tuple[UUID, str, str]:
    parts = path.removeprefix(PREFIX).split("/")
    if len(parts) < 3:
        raise NotFound
    return from_ulid(parts[0]), parts[1], parts[2]


def signature_in(query: bytes) -> Signature:
    """The signature of a URL with this query; raises `Forbidden` for one without."""
    values = dict(parse_qsl(query.decode("latin-1")))
    try:
        return Signature(int(values["expires"]), values["key"], values["signature"])
    except (KeyError, ValueError):
        raise Forbidden("Invalid signature") from None


SIGNED = {
    "parameters": [
        {"name": name, "in": "query", "required": True, "schema": {"type": kind}}
        for name, kind in (("expires", "integer"), ("key", "string"), ("signature", "string"))
    ]
}
"""What the OpenAPI document says of a route that is opened by a signature."""
_PARAMETERS = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("id", "variant", "name")
] + SIGNED["parameters"]
_ANSWERS = {
    status: {"description": description}
    for status, description in {
        "200": "The bytes", "206": "A byte range of them", "304": "Not modified", "403": "Bad or expired signature",
        "404": "No such variant", "405": "Method not allowed", "410": "Deleted", "416": "Range beyond the end",
        "503": "Service unavailable",
    }.items()
}  # fmt: skip

_PATHS = {
    PREFIX + "{id}/{variant}/{name}": {
        method: {
            "tags": ["media"],
            "operationId": f"{method}_signed_bytes",
            "summary": "Bytes behind a signed URL",
            "parameters": _PARAMETERS,
            "responses": _ANSWERS,
            "security": [],
        }
        for method in ("get", "head")
    }
}

SURFACE = Surface(
    name="signed",
    prefixes=(PREFIX,),
    terms=Terms(surface="signed", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=lambda library: APIRouter(),  # noqa: ARG005
    render_error=plain_error,
    render_invalid=plain_invalid,
    hot={PREFIX: media},
    hot_paths=_PATHS,
)

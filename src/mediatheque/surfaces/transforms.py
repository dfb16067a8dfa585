"""`/t/{signature}/{options}/{id}`: pictures as a URL asks for them; a route of ours (docs/transforms.md)."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.ids import from_ulid, to_ulid
from mediatheque.core.library import Library
from mediatheque.core.signing import Signature
from mediatheque.errors import Forbidden, LibraryError, MethodNotAllowed, NotFound
from mediatheque.model import Terms
from mediatheque.surfaces.delivery import Delivery, Header, refuse
from mediatheque.surfaces.http import (
    AsgiApp,
    Door,
    Receive,
    Send,
    Surface,
    actor_of,
    in_thread,
    json_response,
    plain_error,
    plain_invalid,
    scope,
)
from mediatheque.transforming import NEGOTIATED

PREFIX = "/t/"
FREE = "-"
"""Stands where the signature does: a preset, of a public picture."""
IMMUTABLE = b"public, max-age=31536000, immutable"
PRIVATE = b"private, no-cache"
VARY = (b"vary", b"accept")
MAX_LIFETIME_SECONDS = 366 * 86400
_ID_PREFIX = "img_"
_UNWANTED = re.compile(r";\s*q=0(\.0{0,3})?\s*(;|$)")
_SIGNATURE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{8})\.([0-9a-f]{64})")


class NewTransform(BaseModel):
    """`options` as in the URL; `file_id` a picture of the tenant."""

    file_id: UUID
    options: Annotated[str, Field(max_length=200)]
    lifetime_seconds: Annotated[int, Field(ge=60, le=MAX_LIFETIME_SECONDS)] = 86400


class TransformResponse(BaseModel):
    url: str
    expires_at: str


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["transforms"])

    @router.post("/t", response_model=TransformResponse, responses=_ERRORS)
    @scope("files.read")
    async def sign_transform(request: Request, body: NewTransform) -> Response:
        """A URL under which anybody can ask for this transform of a picture, for a while."""
        permitted = await in_thread(
            library.transforms.permit, actor_of(request), body.file_id, body.options,
            lifetime_seconds=body.lifetime_seconds,
        )  # fmt: skip
        it = permitted.signature
        path = f"{PREFIX}{it.expires}.{it.key}.{it.signature}/{body.options}/{_ID_PREFIX}{to_ulid(body.file_id)}"
        expires_at = permitted.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json_response(TransformResponse(url=library.base_url + path, expires_at=expires_at))

    return router


def transformed(library: Library) -> AsgiApp:
    transforms = library.transforms
    free = Delivery(transforms.derivatives, library.generations, IMMUTABLE)
    signed = Delivery(transforms.derivatives, library.generations, PRIVATE)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            signature, options, uuid = _target(scope["path"])
            transforms.check(uuid, options, signature)
            delivery = free if signature is None else signed
            accepted = _accepted(scope["headers"])
            key = options, uuid, accepted
            entry = delivery.hot(key)
            if entry is None:
                find = partial(transforms.find, uuid, options, is_signed=signature is not None, accepted=accepted)
                entry = await delivery.look(key, uuid, find)
            await delivery.answer(entry, scope, send, VARY)
        except LibraryError as error:
            await refuse(error, plain_error, scope["method"], send)

    return serve


def _target(path: str) -> tuple[Signature | None, str, UUID]:
    parts = path.removeprefix(PREFIX).split("/")
    if len(parts) != 3 or not parts[2].startswith(_ID_PREFIX):
        raise NotFound
    return _signature(parts[0]), parts[1], from_ulid(parts[2].removeprefix(_ID_PREFIX))


def _signature(text: str) -> Signature | None:
    if text == FREE:
        return None
    found = _SIGNATURE.fullmatch(text)
    if found is None:
        raise Forbidden("Invalid signature")
    return Signature(int(found[1]), found[2], found[3])


def _accepted(headers: Iterable[Header]) -> tuple[str, ...]:
    """Which of the newer formats the client names, but for those it gives no weight; `*/*` says nothing about them."""
    ranges = [part for name, value in headers if name == b"accept" for part in value.decode("latin-1").split(",")]
    named = {part.partition(";")[0].strip().lower() for part in ranges if not _UNWANTED.search(part)}
    return tuple(media_type for media_type in NEGOTIATED if media_type in named)


_DETAIL = {"application/json": {"schema": {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": _DETAIL}
    for status, description in {
        400: "Options that mean nothing", 401: "No credential, or one that does not count", 403: "No scope",
        404: "No such picture", 413: "Too long", 415: "The body carries a Content-Encoding", 429: "Rate limit exceeded",
        503: "Service unavailable",
    }.items()
}  # fmt: skip
_ANSWERS = {
    status: {"description": description}
    for status, description in {
        "200": "The picture", "206": "A byte range of it", "304": "Not modified", "400": "Options that mean nothing",
        "403": "Bad or expired signature, or options that need one", "404": "No such picture, or not public",
        "405": "Method not allowed", "410": "Deleted", "416": "Range beyond the end", "503": "Service unavailable",
    }.items()
}  # fmt: skip
_PATHS = {
    PREFIX + "{signature}/{options}/{image_id}": {
        method: {
            "tags": ["transforms"],
            "operationId": f"{method}_transformed_picture",
            "summary": "A picture as the options ask for it",
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in ("signature", "options", "image_id")
            ],
            "responses": _ANSWERS,
            "security": [],
        }
        for method in ("get", "head")
    }
}

SURFACE = Surface(
    name="transforms",
    prefixes=("/t/",),
    terms=Terms(surface="transforms", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=routes,
    render_error=plain_error,
    render_invalid=plain_invalid,
    hot={PREFIX: transformed},
    hot_paths=_PATHS,
)

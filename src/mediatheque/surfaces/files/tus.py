"""`/api/v2/uploads/tus`: resumable uploads (tus 1.0, https://tus.io/protocols/resumable-upload; decisions 10)."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response

from mediatheque.core.library import Library
from mediatheque.core.resuming import ALGORITHMS, Resumed
from mediatheque.errors import BadRequest, NotFound, PreconditionFailed, TooLarge, UnsupportedEncoding
from mediatheque.model import Actor, Terms
from mediatheque.surfaces.files.errors import ErrorResponse, render_error
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.files.wishes import wishes_in
from mediatheque.surfaces.forms import gathered, uploads
from mediatheque.surfaces.http import OPEN, Door, Porch, actor_of, in_thread, once, scope, streaming

PATH = "/api/v2/uploads/tus"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration,concatenation"
BODY_TYPE = "application/offset+octet-stream"
METADATA = frozenset({"filename", "filetype", "title", "tags", "folder_id", "auto_describe"})
_ANSWERS = ERRORS | {status: {"model": ErrorResponse} for status in (410, 412, 423, 460)}


class TusDoor(Door):
    """A door that speaks tus: its version is on every answer, and asked for in every request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def enter(request: Request) -> Response:
            request.state.headers = [(b"tus-resumable", VERSION.encode())]
            if request.headers.get("tus-resumable") != VERSION and "authorization" in request.headers:
                request.state.headers.append((b"tus-version", VERSION.encode()))
                raise PreconditionFailed(f"Tus-Resumable is {VERSION} here")
            return await handle(request)

        return enter


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    router.include_router(_open(library))
    router.include_router(_behind_the_door(library))
    return router


def _open(library: Library) -> APIRouter:
    router = APIRouter(route_class=Porch, prefix=PATH, tags=["resumable uploads"], responses=_ANSWERS)

    @router.options("", status_code=204, openapi_extra=OPEN)
    async def describe_tus() -> Response:
        """What this server can do."""
        return Response(
            status_code=204,
            headers={
                "Tus-Resumable": VERSION,
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(library.resuming.max_bytes),
                "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            },
        )

    return router


def _behind_the_door(library: Library) -> APIRouter:
    router = APIRouter(route_class=TusDoor, prefix=PATH, tags=["resumable uploads"], responses=_ANSWERS)
    terms = replace(TERMS, takes_all_of=TERMS.takes_all_of | {"video"}, max_bytes=library.resuming.max_bytes)

    @router.post("", status_code=201)
    @scope("files.write")
    @streaming
    async def create_tus_upload(request: Request) -> Response:
        """A new upload, with its first bytes if they come along, or of partial ones."""
        actor = actor_of(request)
        made = await in_thread(_create, library, terms, actor, dict(request.headers), request.state.request_id)
        if made.status_code == 201 and request.headers.get("content-type", "").startswith(BODY_TYPE):
            upload_id = UUID(urlsplit(made.headers["location"]).path.rpartition("/")[2])
            resumed = await _append(library, actor, upload_id, 0, request)
            made.headers.update(_progress(resumed))
        return made

    @router.head("/{upload_id}")
    @scope("files.write")
    async def get_tus_offset(request: Request, upload_id: UUID) -> Response:
        """How far an upload has come."""
        it = await in_thread(library.resuming.get, actor_of(request), upload_id)
        return Response(status_code=200, headers=_progress(it) | {"Upload-Length": str(it.size_bytes)})

    @router.patch("/{upload_id}", status_code=204)
    @scope("files.write")
    @streaming
    async def append_to_tus_upload(request: Request, upload_id: UUID) -> Response:
        """More bytes (`application/offset+octet-stream`), from the offset at which the upload is."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != BODY_TYPE:
            raise UnsupportedEncoding(f"Content-Type is {BODY_TYPE} here")
        offset = _number(dict(request.headers), "upload-offset")
        it = await _append(library, actor_of(request), upload_id, offset, request)
        return Response(status_code=204, headers=_progress(it))

    @router.delete("/{upload_id}", status_code=204)
    @scope("files.write")
    async def terminate_tus_upload(request: Request, upload_id: UUID) -> Response:
        """Give an upload up; its bytes are removed."""
        await in_thread(library.resuming.terminate, actor_of(request), upload_id)
        return Response(status_code=204)

    return router


async def _append(library: Library, actor: Actor, upload_id: UUID, offset: int, request: Request) -> Resumed:
    """The request's body at the end of the upload; what came before a connection broke off is kept."""
    checksum = _checksum(request.headers.get("upload-checksum"))
    with uploads.place():
        writing = await in_thread(library.resuming.begin, actor, upload_id, offset, checksum)
        try:
            async for piece in gathered(request.stream()):
                await in_thread(writing.write, piece)
        except BaseException:
            await in_thread(writing.stop)
            raise
        return await in_thread(writing.end)


def _create(library: Library, terms: Terms, actor: Actor, headers: dict[str, str], request_id: str) -> Response:
    fields = _metadata(headers.get("upload-metadata", ""))
    wishes, filename = wishes_in(fields), fields.get("filename", "")
    concat = headers.get("upload-concat", "")
    if concat.startswith("final;"):
        made = library.resuming.join(actor, terms, wishes, filename=filename, parts=_parts(concat))
        return _created(library, str(made.uuid), _progress(made))
    if concat not in {"", "partial"}:
        raise BadRequest("Upload-Concat is partial or final;URL URL …")
    size_bytes = _number(headers, "upload-length")
    if size_bytes > terms.max_bytes:
        raise TooLarge
    answer = once(
        library,
        actor,
        headers.get("idempotency-key"),
        (f"POST {PATH}", str(size_bytes), concat, repr(sorted(fields.items()))),
        lambda remembering: library.resuming.create(
            actor, terms, wishes, filename=filename, size_bytes=size_bytes, is_partial=concat == "partial",
            remembering=remembering,
        ),
        status=201,
        render=lambda made: f'"{made.uuid}"',
        render_error=render_error,
        request_id=request_id,
    )  # fmt: skip
    if answer.status_code != 201:
        return answer
    upload_id = bytes(answer.body).decode().strip('"')
    return _created(library, upload_id, _progress(library.resuming.get(actor, UUID(upload_id))))


def _created(library: Library, upload_id: str, progress: dict[str, str]) -> Response:
    return Response(status_code=201, headers={"Location": f"{library.base_url}{PATH}/{upload_id}"} | progress)


def _progress(it: Resumed) -> dict[str, str]:
    headers = {"Upload-Offset": str(it.offset), "Cache-Control": "no-store"}
    if it.asset_uuid is not None:
        headers["Upload-Asset"] = str(it.asset_uuid)
    else:
        headers["Upload-Expires"] = format_datetime(it.expires_at, usegmt=True)
    if it.is_partial or it.is_final:
        headers["Upload-Concat"] = "partial" if it.is_partial else "final"
    return headers


def _metadata(header: str) -> dict[str, str]:
    """The pairs that we know; raises `BadRequest`."""
    found: dict[str, str] = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        if name in METADATA:
            try:
                found[name] = base64.b64decode(value.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise BadRequest("Upload-Metadata holds base64 of UTF-8") from None
    return found


def _parts(concat: str) -> list[UUID]:
    urls = concat.removeprefix("final;").split()
    if not urls:
        raise BadRequest("Upload-Concat names no uploads")
    try:
        return [UUID(urlsplit(url).path.removeprefix(f"{PATH}/")) for url in urls]
    except ValueError:
        raise NotFound("Upload not found") from None


def _number(headers: dict[str, str], name: str) -> int:
    value = headers.get(name, "")
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise BadRequest(f"{name.title()} is a number of bytes")
    return int(value)


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    try:
        return algorithm, base64.b64decode(value, validate=True)
    except binascii.Error:
        raise BadRequest("Upload-Checksum is an algorithm and base64") from None

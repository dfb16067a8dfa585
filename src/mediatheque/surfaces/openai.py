"""OpenAI's "Files": `/v1/files`, for whoever has a client of that API (its reference of November 2026)."""

import json
import re
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from mediatheque.core.ids import from_ulid, to_ulid
from mediatheque.core.intake import Upload
from mediatheque.core.library import Library
from mediatheque.errors import Invalid, LibraryError, NotFound
from mediatheque.model import Actor, Asset, State, Terms
from mediatheque.surfaces.delivery import Streamed
from mediatheque.surfaces.forms import Form, form_document, received
from mediatheque.surfaces.http import (
    Door,
    Surface,
    actor_of,
    in_reader,
    in_thread,
    json_response,
    once,
    scope,
    streaming,
)

TERMS = Terms(
    surface="openai",
    media_types=frozenset(
        {"image/jpeg", "image/png", "image/webp", "image/gif", "image/heic", "image/avif", "video/mp4",
         "video/quicktime", "video/x-m4v", "video/webm", "video/x-msvideo"}
    ),
    kinds=frozenset({"image", "document", "video", "audio"}),
    takes_all_of=frozenset({"document", "audio"}),
    max_bytes=512 * 1024 * 1024,
    is_public=False,
    shows_failed=True,
)  # fmt: skip

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
UNSAID = "user_data"
"""The purpose of what came through another door."""
BATCH_DAYS = 30
"""How long a file for batches is kept when nobody says."""
MIN_SECONDS, MAX_SECONDS = 3600, 2_592_000
MAX_PAGE = 10_000
_SECONDS = re.compile("[0-9]{1,7}")
_PREFIX = "file-"


class FileObject(BaseModel):
    """Times are unix seconds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None


class FileList(BaseModel):
    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class Problem(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(BaseModel):
    """Every refusal."""

    error: Problem


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 405, 409, 413, 415, 429, 503, 507)
}
_FORM = form_document(
    {
        "purpose": {"type": "string", "enum": list(PURPOSES)},
        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": MIN_SECONDS, "maximum": MAX_SECONDS},
    }
)
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes", "content": {"application/octet-stream": {}}},
    206: {"description": "A byte range of them"},
    416: {"description": "Range beyond the end", "model": ErrorResponse},
}


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["openai"], responses=_ERRORS)

    @router.post("/v1/files", response_model=FileObject, openapi_extra=_FORM, operation_id="openai_upload_file")
    @scope("files.write")
    @streaming
    async def upload_file(request: Request) -> Response:
        """Upload a file of any kind that the library takes, of at most 512 MB."""
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        async with received(request, partial(library.intake.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key, request.state.request_id)

    @router.get("/v1/files", response_model=FileList, operation_id="openai_list_files")
    @scope("files.read")
    async def list_files(
        request: Request,
        after: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
        order: Literal["asc", "desc"] = "desc",
        purpose: str | None = None,
    ) -> Response:
        """The tenant's files by the time they were made; `after` is the last one of the page before."""
        found = await in_thread(
            library.files.following, actor_of(request), TERMS, _uuid(after) if after else None,
            ascending=order == "asc", limit=limit, purposes=_asked_for(purpose),
        )  # fmt: skip
        shown = [_shape(it) for it in found.files]
        ends = (shown[0].id, shown[-1].id) if shown else (None, None)
        return json_response(FileList(data=shown, first_id=ends[0], last_id=ends[1], has_more=found.has_more))

    @router.get("/v1/files/{openai_file_id}", response_model=FileObject, operation_id="openai_get_file")
    @scope("files.read")
    async def get_file(request: Request, openai_file_id: str) -> Response:
        """One file."""
        return json_response(
            _shape(await in_reader(library.assets.get, actor_of(request), TERMS, _uuid(openai_file_id)))
        )

    @router.get(
        "/v1/files/{openai_file_id}/content", response_class=Response, responses=_BYTES,
        operation_id="openai_get_file_content",
    )  # fmt: skip
    @scope("files.read")
    async def get_content(request: Request, openai_file_id: str) -> Response:
        """Its bytes, as they were uploaded."""
        served = await in_thread(library.files.present, actor_of(request), TERMS, _uuid(openai_file_id))
        return Streamed(library, served)

    @router.delete("/v1/files/{openai_file_id}", response_model=FileDeleted, operation_id="openai_delete_file")
    @scope("files.write")
    async def delete_file(request: Request, openai_file_id: str) -> Response:
        """Delete a file for good."""
        await in_thread(library.assets.erase, actor_of(request), TERMS, _uuid(openai_file_id))
        return json_response(FileDeleted(id=openai_file_id))

    return router


def render_error(error: LibraryError, request_id: str) -> Response:  # noqa: ARG001
    if isinstance(error, Invalid):
        code = "missing_required_parameter" if error.kind == "missing" else None
        return _refusal(400, error.message, ".".join(it for it in error.field if it != "body") or None, code)
    code = _CODES.get(error.code, error.code)
    param = "id" if isinstance(error, NotFound) else None
    return _refusal(error.status, error.message, param, code)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:  # noqa: ARG001
    first: dict[str, Any] = problems[0] if problems else {"loc": [], "msg": "Invalid request"}
    return _refusal(400, first["msg"], str(first["loc"][-1]) if first["loc"] else None, None)


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str) -> Response:
    purpose = _purpose(form.fields)
    upload = Upload(form.filename, purpose=purpose, lifetime=_lifetime(form.fields, purpose))
    return once(
        library,
        actor,
        key,
        ("POST /v1/files", form.staged.sha256, form.filename, json.dumps(form.fields, sort_keys=True)),
        lambda remembering: library.intake.upload(actor, TERMS, form.staged, upload, remembering=remembering),
        status=200,
        render=lambda it: _shape(it).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )


def _purpose(fields: dict[str, str]) -> str:
    purpose = fields.get("purpose")
    if purpose is None:
        raise Invalid("Missing required parameter: 'purpose'.", field=("purpose",), kind="missing")
    if purpose not in PURPOSES:
        raise Invalid(f"'{purpose[:64]}' is not one of {list(PURPOSES)} - 'purpose'", field=("purpose",))
    return purpose


def _lifetime(fields: dict[str, str], purpose: str) -> timedelta | None:
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return timedelta(days=BATCH_DAYS) if purpose == "batch" else None
    if anchor != "created_at":
        raise Invalid("The only anchor is 'created_at'.", field=("expires_after", "anchor"))
    if not seconds or not _SECONDS.fullmatch(seconds) or not MIN_SECONDS <= int(seconds) <= MAX_SECONDS:
        raise Invalid(f"'seconds' is from {MIN_SECONDS} to {MAX_SECONDS}.", field=("expires_after", "seconds"))
    return timedelta(seconds=int(seconds))


def _asked_for(purpose: str | None) -> tuple[str | None, ...]:
    if not purpose:
        return ()
    return (purpose, None) if purpose == UNSAID else (purpose,)


def _shape(it: Asset) -> FileObject:
    is_failed = it.state is State.FAILED
    return FileObject(
        id=_PREFIX + to_ulid(it.uuid),
        bytes=it.blob.size_bytes,
        created_at=int(it.created_at.timestamp()),
        expires_at=int(it.expires_at.timestamp()) if it.expires_at else None,
        filename=it.original_filename or it.filename,
        purpose=it.purpose or UNSAID,
        status="error" if is_failed else "processed" if it.state is State.READY else "uploaded",
        status_details="The file could not be processed" if is_failed else None,
    )


def _uuid(file_id: str) -> UUID:
    """The UUID behind a `file-` id; raises `NotFound` for anything that we did not make."""
    if not file_id.startswith(_PREFIX):
        raise NotFound("No such File object")
    return from_ulid(file_id.removeprefix(_PREFIX))


def _refusal(status: int, message: str, param: str | None, code: str | None) -> Response:
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    problem = Problem(message=message, type=kind, param=param, code=code)
    return Response(ErrorResponse(error=problem).model_dump_json(), status, media_type="application/json")


_TYPES = {429: "requests", 403: "permission_error"}
_CODES: dict[str, str | None] = {
    "unauthorized": "invalid_api_key",
    "forbidden": "insufficient_permissions",
    "not_found": None,
    "rate_limited": "rate_limit_exceeded",
    "internal": None,
}

SURFACE = Surface(
    name="openai",
    prefixes=("/v1/files",),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

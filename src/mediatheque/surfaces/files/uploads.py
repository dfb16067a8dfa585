"""`POST /api/v2/user-files/upload/stream`: one file in one request (contract, 3.3)."""

import time
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.arrivals import STREAMING, Wishes
from mediatheque.core.intake import Taken
from mediatheque.core.library import Library
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import ErrorResponse, render_error
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.files.wishes import FIELDS, target_of, wishes_in
from mediatheque.surfaces.forms import Form, form_document, received
from mediatheque.surfaces.http import Door, actor_of, in_thread, once, scope, streaming

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503, 507)
}


class StreamResponse(BaseModel):
    """`completed`: recorded and safe; what is made of it follows."""

    image_id: UUID
    object_key: str
    upload_method: str
    status: str
    processing_time_ms: float
    s3_upload_completed: bool
    variants_queued: bool
    description_queued: bool
    skipped: bool
    skipped_existing_image_id: UUID | None
    storage_target: str
    media_type: str | None
    document_type: str | None
    text_extraction_status: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/user-files/upload", tags=["files"], responses=ERRORS)

    @router.post("/stream", response_model=StreamResponse, openapi_extra=form_document(FIELDS))
    @scope("files.write")
    @streaming
    async def stream_upload(request: Request) -> Response:
        """Upload one file of at most 100 MB."""
        started = time.perf_counter()
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        async with received(request, partial(library.intake.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key, request.state.request_id, started)

    return router


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str, started: float) -> Response:
    wishes, fields = wishes_in(form.fields), sorted(form.fields.items())
    upload = wishes.as_upload(form.filename, STREAMING)
    return once(
        library,
        actor,
        key,
        ("POST /api/v2/user-files/upload/stream", form.staged.sha256, form.filename, repr(fields)),
        lambda remembering: library.intake.take(
            actor,
            TERMS,
            form.staged,
            upload,
            skip_duplicates=wishes.skip_duplicates,
            own_place=wishes.own_place,
            remembering=remembering,
        ),
        status=200,
        render=partial(_shape, wishes, started),
        render_error=render_error,
        request_id=request_id,
    )


def _shape(wishes: Wishes, started: float, taken: Taken) -> str:
    it, is_new = taken.asset, taken.is_new
    return StreamResponse(
        image_id=it.uuid,
        object_key=it.blob.key,
        upload_method=STREAMING,
        status="completed" if is_new else "skipped",
        processing_time_ms=round((time.perf_counter() - started) * 1000, 1),
        s3_upload_completed=True,
        variants_queued=is_new and it.kind == "image",
        description_queued=is_new and it.kind == "image" and wishes.auto_describe,
        skipped=not is_new,
        skipped_existing_image_id=None if is_new else it.uuid,
        storage_target=target_of(wishes),
        media_type=it.kind,
        document_type=it.blob.document_type,
        text_extraction_status="pending" if is_new and it.kind == "document" else None,
    ).model_dump_json()

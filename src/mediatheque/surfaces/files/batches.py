"""`POST /api/v2/user-files/upload/stream-batch`: many files in one request (contract, 3.3)."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.batches import IMMEDIATE_FILES, Item, Session
from mediatheque.core.library import Library
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import render_error
from mediatheque.surfaces.files.forms import Files, received_files
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.files.wishes import FIELDS, choice, target_of, wishes_in
from mediatheque.surfaces.http import Door, actor_of, in_thread, once, scope, streaming
from mediatheque.understanding import Intent, Level

PATH = "/api/v2/user-files/upload/stream-batch"
INTENTS, LEVELS = tuple(Intent), ("default", *Level)


class ResultItem(BaseModel):
    """A file that was refused has the id that it was to have, and an empty `object_key`."""

    image_id: UUID
    filename: str
    object_key: str
    status: str
    processing_time_ms: float | None
    skipped: bool
    skipped_existing_image_id: UUID | None
    error: str | None
    storage_target: str
    media_type: str | None
    document_type: str | None
    text_extraction_status: str | None


class Rejection(BaseModel):
    filename: str
    index: int
    reason: str
    retryable: bool


class BatchResponse(BaseModel):
    session_id: UUID
    total_files: int
    accepted_files: int
    rejected_files: int
    status: str
    immediate_results: list[ResultItem] | None
    status_url: str
    websocket_channel: str
    rejections: list[Rejection] | None


_PROPERTIES = {
    "files": {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
    **{name: FIELDS[name] for name in ("tags", "auto_describe", "skip_duplicates", "storage_target")},
    "intent": {"type": "string", "enum": list(INTENTS), "default": INTENTS[0]},
    "verification_level": {"type": "string", "enum": list(LEVELS), "default": LEVELS[0]},
}
_DOCUMENT: dict[str, Any] = {
    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["files"], "properties": _PROPERTIES}}
        },
    },
}


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["files"], responses=ERRORS)

    @router.post(PATH, response_model=BatchResponse, openapi_extra=_DOCUMENT)
    @scope("files.write")
    @streaming
    async def stream_batch(request: Request) -> Response:
        """Upload many files; a bad one is told of and takes no other along."""
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        async with received_files(
            request, lambda: library.batches.stage(TERMS), library.batches.max_files, TERMS.max_bytes
        ) as form:
            return await in_thread(_submit, library, actor, form, key, request.state.request_id)

    return router


def channel_of(session_id: UUID) -> str:
    return f"batch.{session_id}"


def _submit(library: Library, actor: Actor, form: Files, key: str | None, request_id: str) -> Response:
    wishes = replace(
        wishes_in({name: value for name, value in form.fields.items() if name not in {"title", "folder_id"}}),
        intent=Intent(choice(form.fields, "intent", INTENTS)),
        level=_level(choice(form.fields, "verification_level", LEVELS)),
    )
    hashes = [(it.filename, it.staged.sha256 if it.staged else "") for it in form.files]
    return once(
        library,
        actor,
        key,
        (f"POST {PATH}", json.dumps(hashes), repr(sorted(form.fields.items()))),
        lambda remembering: library.batches.submit(actor, TERMS, wishes, form.files, remembering=remembering),
        status=200,
        render=lambda made: _shape(made, target_of(wishes)).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )


def _level(word: str) -> Level:
    return Level.STANDARD if word == LEVELS[0] else Level(word)


def _shape(it: Session, target: str) -> BatchResponse:
    rejected = [item for item in it.items if item.is_rejected]
    results = [_result(item, target) for item in it.items] if len(it.items) <= IMMEDIATE_FILES else None
    return BatchResponse(
        session_id=it.uuid,
        total_files=len(it.items),
        accepted_files=len(it.items) - len(rejected),
        rejected_files=len(rejected),
        status=_status(it, rejected),
        immediate_results=results,
        status_url=f"/api/v2/uploads/sessions/{it.uuid}/status",
        websocket_channel=channel_of(it.uuid),
        rejections=[
            Rejection(filename=bad.filename, index=bad.index, reason=bad.error or "", retryable=bad.retryable)
            for bad in rejected
        ]
        or None,
    )


def _status(it: Session, rejected: list[Item]) -> str:
    """Of the whole answer (contract, 3.F)."""
    accepted = [item for item in it.items if not item.is_rejected]
    states = [_shown_state(item) for item in accepted]
    if not accepted:
        return "rejected"
    if "processing" in states:
        return "processing"
    if all(state == "failed" for state in states):
        return "failed"
    return "partial" if rejected or "failed" in states else "completed"


def _shown_state(it: Item) -> str:
    """On the answer to an upload a file is completed when it is recorded and safe (decisions 25)."""
    return "completed" if it.state == "processing" and it.is_stored else it.state


def _result(it: Item, target: str) -> ResultItem:
    return ResultItem(
        image_id=it.image_id,
        filename=it.filename,
        object_key=it.object_key or "",
        status=_shown_state(it),
        processing_time_ms=it.processing_time_ms,
        skipped=it.state == "skipped",
        skipped_existing_image_id=it.image_id if it.state == "skipped" else None,
        error=it.error,
        storage_target=target,
        media_type=it.kind,
        document_type=it.document_type,
        text_extraction_status=it.reading.value if it.reading else None,
    )

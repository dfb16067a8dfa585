"""`/api/v2/document-uploads`: documents to a presigned URL, confirmed by their storage key (contract, 9)."""

import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from mediatheque.core.arrivals import Wishes
from mediatheque.core.library import Library
from mediatheque.core.portraits import Portrait
from mediatheque.core.presigning import Confirmed, Promised
from mediatheque.errors import Conflict
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import render_error
from mediatheque.surfaces.files.presigned import CONFIRMING_SECONDS
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.files.terms import DOCUMENT_TERMS
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.files.wishes import target_of
from mediatheque.surfaces.http import (
    IDEMPOTENCY_KEY,
    Door,
    actor_of,
    creating,
    in_thread,
    json_response,
    once,
    polled,
    scope,
)
from mediatheque.surfaces.signed import put_url

PREFIX = "/api/v2/document-uploads"
Checksum = Annotated[str, StringConstraints(pattern="^(sha256:)?[0-9A-Fa-f]{64}$")]


class PresignRequest(BaseModel):
    filename: str = Field(min_length=1, max_length=255)
    content_type: str = Field(max_length=255)
    size_bytes: int
    storage_target: Literal["default", "custom"] = "default"
    idempotency_key: str | None = Field(None, min_length=1, max_length=255)
    """Stands for the header of that name."""


class PresignResponse(BaseModel):
    upload_url: str
    upload_method: str
    upload_fields: dict[str, str] | None
    upload_headers: dict[str, str] | None
    object_key: str
    expires_at: str
    max_size_bytes: int
    storage_target: str
    bucket_name: str | None


class ConfirmRequest(BaseModel):
    object_key: str = Field(max_length=1024)
    size_bytes: int = Field(ge=0)
    content_type: str | None = Field(None, max_length=255)
    checksum: Checksum | None = None


class ConfirmResponse(BaseModel):
    """`deduplicated`: the tenant had a file with these very bytes, and this is it."""

    document_id: UUID
    object_key: str
    filename: str
    document_type: str | None
    status: str
    confirmed: bool
    deduplicated: bool
    is_idempotent_retry: bool


class StatusResponse(BaseModel):
    document_id: UUID
    filename: str
    document_type: str | None
    text_extraction_status: str
    page_count: int | None
    chunk_count: int | None
    created_at: str
    processing_started_at: str | None
    completed_at: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=PREFIX, tags=["document uploads"], responses=ERRORS)

    @router.post(
        "/request-presigned-url", response_model=PresignResponse, openapi_extra={"parameters": [IDEMPOTENCY_KEY]}
    )
    @scope("files.write")
    async def request_document_url(request: Request, body: PresignRequest) -> Response:
        """A URL for the bytes of one document, good for an hour."""
        key = body.idempotency_key or request.headers.get("idempotency-key")
        return await in_thread(_promise, library, actor_of(request), body, key, request.state.request_id)

    @router.post("/confirm", status_code=201, response_model=ConfirmResponse)
    @scope("files.write")
    @creating()
    async def confirm_document_upload(request: Request, body: ConfirmRequest) -> Response:
        """The bytes have been sent: make them a document."""
        actor = actor_of(request)
        checksum = body.checksum.lower().removeprefix("sha256:") if body.checksum else None
        found = await polled(
            lambda: library.presigning.confirm_document(
                actor, body.object_key, body.size_bytes, media_type=body.content_type, sha256=checksum
            ),
            CONFIRMING_SECONDS,
        )
        if found is None:
            raise Conflict("The upload is being confirmed")
        return json_response(_confirmed(*found), 201)

    @router.get("/{document_id}/status", response_model=StatusResponse)
    @scope("files.read")
    async def get_document_status(request: Request, document_id: UUID) -> Response:
        """How far a document's text has been found."""
        return json_response(_status(await in_thread(library.files.document, actor_of(request), document_id)))

    return router


def _promise(library: Library, actor: Actor, body: PresignRequest, key: str | None, request_id: str) -> Response:
    wishes = Wishes(own_place=body.storage_target == "custom", skip_duplicates=True)
    return once(
        library,
        actor,
        key,
        (f"POST {PREFIX}/request-presigned-url", json.dumps(body.model_dump(mode="json", exclude={"idempotency_key"}))),
        lambda remembering: library.presigning.promise(
            actor,
            DOCUMENT_TERMS,
            wishes,
            filename=body.filename,
            media_type=body.content_type,
            size_bytes=body.size_bytes,
            remembering=remembering,
        ),
        status=200,
        render=lambda made: _promised(library, made, target_of(wishes)).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )


def _promised(library: Library, made: Promised, target: str) -> PresignResponse:
    return PresignResponse(
        upload_url=put_url(library, made),
        upload_method="PUT",
        upload_fields=None,
        upload_headers={"Content-Type": made.media_type},
        object_key=made.object_key,
        expires_at=made.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        max_size_bytes=DOCUMENT_TERMS.max_bytes,
        storage_target=target,
        bucket_name=made.bucket,
    )


def _confirmed(made: Confirmed, portrait: Portrait) -> ConfirmResponse:
    it = portrait.asset
    return ConfirmResponse(
        document_id=it.uuid,
        object_key=it.blob.key,
        filename=it.original_filename or it.filename,
        document_type=portrait.asset.blob.document_type,
        status=portrait.reading.value,
        confirmed=True,
        deduplicated=not made.is_new,
        is_idempotent_retry=made.is_repeated,
    )


def _status(portrait: Portrait) -> StatusResponse:
    it, run = portrait.asset, portrait.read_by
    return StatusResponse(
        document_id=it.uuid,
        filename=it.original_filename or it.filename,
        document_type=portrait.asset.blob.document_type,
        text_extraction_status=portrait.reading.value,
        page_count=portrait.asset.blob.details.get("page_count"),
        chunk_count=portrait.chunk_count,
        created_at=moment(it.created_at),
        processing_started_at=moment(run.started_at) if run and run.started_at else None,
        completed_at=moment(run.finished_at) if run and run.finished_at else None,
    )

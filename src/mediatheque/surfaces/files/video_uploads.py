"""`/api/v2/video-uploads`: videos of up to 4 GiB in chunks, each with a signed URL (contract, 9)."""

import json
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from mediatheque.core.arrivals import Wishes
from mediatheque.core.library import Library
from mediatheque.errors import Conflict, UnsupportedEncoding
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import render_error
from mediatheque.surfaces.files.presigned import BYTES, CONFIRMING_SECONDS
from mediatheque.surfaces.files.terms import VIDEO_TERMS
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.files.video_shapes import (
    PREFIX,
    Aborted,
    ChunkConfirmed,
    ChunkObject,
    CompleteRequest,
    CompleteResponse,
    ConfirmRequest,
    InitiateRequest,
    InitiateResponse,
    Progress,
    RetryRequest,
    UploadRequest,
    chunk_object,
    completed,
    confirmed,
    initiated,
    progress,
)
from mediatheque.surfaces.forms import staged_body
from mediatheque.surfaces.http import (
    IDEMPOTENCY_KEY,
    OPEN,
    Door,
    Porch,
    actor_of,
    creating,
    in_thread,
    json_response,
    once,
    polled,
    scope,
    streaming,
)
from mediatheque.surfaces.signed import SIGNED, signature_in


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    router.include_router(_behind_the_door(library))
    router.include_router(_open(library))
    return router


def _behind_the_door(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=PREFIX, tags=["video uploads"], responses=ERRORS)

    @router.post(
        "/initiate",
        status_code=201,
        response_model=InitiateResponse,
        openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
    )
    @scope("files.write")
    async def initiate_video_upload(request: Request, body: InitiateRequest) -> Response:
        """A URL for each chunk of a video, good for a day."""
        key = request.headers.get("idempotency-key")
        return await in_thread(_initiate, library, actor_of(request), body, key, request.state.request_id)

    @router.post("/chunks/confirm", response_model=ChunkConfirmed)
    @scope("files.write")
    async def confirm_video_chunk(request: Request, body: ConfirmRequest) -> Response:
        """A chunk has been sent: from now on its bytes stand."""
        it = await in_thread(
            library.chunking.confirm, actor_of(request), body.media_id, body.upload_id, body.chunk_number, body.etag,
            body.size_bytes,
        )  # fmt: skip
        return json_response(confirmed(it, body.chunk_number))

    @router.post("/chunks/retry", response_model=ChunkObject)
    @scope("files.write")
    async def retry_video_chunk(request: Request, body: RetryRequest) -> Response:
        """A fresh URL for a chunk that is not confirmed."""
        it, chunk = await in_thread(
            library.chunking.again, actor_of(request), body.media_id, body.upload_id, body.chunk_number
        )
        return json_response(chunk_object(library, it, chunk))

    @router.get("/progress/{media_id}", response_model=Progress)
    @scope("files.read")
    async def get_video_upload_progress(request: Request, media_id: UUID) -> Response:
        """How far an upload has come."""
        return json_response(progress(await in_thread(library.chunking.get, actor_of(request), media_id)))

    @router.post("/complete", response_model=CompleteResponse)
    @scope("files.write")
    @creating()
    async def complete_video_upload(request: Request, body: CompleteRequest) -> Response:
        """All chunks are there: make them a file. The same file again for an upload that is one."""
        complete = partial(
            library.chunking.complete, actor_of(request), body.media_id, body.upload_id, enrich=body.auto_analyze,
            told=body.model_dump(exclude={"media_id", "upload_id", "auto_analyze"}),
        )  # fmt: skip
        made = await polled(complete, CONFIRMING_SECONDS)
        if made is None:
            raise Conflict("The upload is being completed")
        return json_response(completed(library, made))

    @router.post("/abort", response_model=Aborted)
    @scope("files.write")
    async def abort_video_upload(request: Request, body: UploadRequest) -> Response:
        """Give an upload up; its chunks are removed."""
        it = await in_thread(library.chunking.abort, actor_of(request), body.media_id, body.upload_id)
        return json_response(Aborted(media_id=it.uuid, upload_id=it.upload_id, status=it.state))

    return router


def _open(library: Library) -> APIRouter:
    router = APIRouter(route_class=Porch, prefix=PREFIX, tags=["video uploads"], responses=ERRORS)

    @router.put("/{media_id}/chunks/{chunk_number}", openapi_extra=OPEN | BYTES | SIGNED)
    @streaming
    async def put_video_chunk(
        request: Request,
        media_id: UUID,
        chunk_number: Annotated[int, Path(ge=1, le=1 << 20)],
    ) -> Response:
        """The bytes of a chunk; the signature is the permission."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedEncoding
        path = f"{PREFIX}/{media_id}/chunks/{chunk_number}"
        library.signer.verify("PUT", path, signature_in(request.scope["query_string"]))
        it, chunk = await in_thread(library.chunking.awaited, media_id, chunk_number)
        async with staged_body(request, lambda: library.chunking.stage(chunk), chunk.size_bytes) as staged:
            await in_thread(library.chunking.receive, it, chunk, staged)
            return Response(status_code=200, headers={"ETag": f'"{staged.sha256}"'})

    return router


def _initiate(library: Library, actor: Actor, body: InitiateRequest, key: str | None, request_id: str) -> Response:
    return once(
        library,
        actor,
        key,
        (f"POST {PREFIX}/initiate", json.dumps(body.model_dump(mode="json"))),
        lambda remembering: library.chunking.promise(
            actor,
            VIDEO_TERMS,
            Wishes(title=body.title, tags=tuple(body.tags or ())),
            filename=body.filename,
            media_type=body.content_type,
            size_bytes=body.size_bytes,
            told=body.metadata or {},
            remembering=remembering,
        ),
        status=201,
        render=lambda made: initiated(library, made).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )

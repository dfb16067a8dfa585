"""`/api/v2/uploads`: how batches fare, and what may be asked before one is sent (contract, 3.4)."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mediatheque.core.batches import Item
from mediatheque.core.library import Library
from mediatheque.model import Actor
from mediatheque.surfaces.files.session_shapes import (
    PREFIX,
    DuplicateEntry,
    DuplicatesResponse,
    FileStatusResponse,
    HashesRequest,
    QuotaResponse,
    ResultsResponse,
    SessionList,
    Status,
    StatusResponse,
    listed,
    moment,
    results_of,
    status_of,
)
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.http import MAX_WAITING, Door, actor_of, in_thread, json_response, scope

STUCK_SECONDS = 3600


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=PREFIX, tags=["upload sessions"], responses=ERRORS)

    @router.get("/sessions", response_model=SessionList)
    @scope("files.read")
    async def list_sessions(
        request: Request,
        status: Status | None = None,
        upload_method: Literal["presigned", "streaming"] | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
    ) -> Response:
        """Batches that were sent, newest first."""
        found, total = await in_thread(
            library.batches.page, actor_of(request), state=status, method=upload_method, limit=limit, offset=offset
        )
        sessions, has_more = [listed(it) for it in found], offset + len(found) < total
        return json_response(
            SessionList(sessions=sessions, total_count=total, offset=offset, limit=limit, has_more=has_more)
        )

    @router.get("/sessions/{session_id}/status", response_model=StatusResponse)
    @scope("files.read")
    async def get_session_status(request: Request, session_id: UUID) -> Response:
        """How far a batch has come."""
        return json_response(status_of(await in_thread(library.batches.get, actor_of(request), session_id)))

    @router.get("/sessions/{session_id}/results", response_model=ResultsResponse)
    @scope("files.read")
    async def get_session_results(
        request: Request,
        session_id: UUID,
        include_failed: bool = True,
        offset: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """What became of each file of a batch."""
        session = await in_thread(library.batches.get, actor_of(request), session_id)
        return json_response(results_of(library, session, include_failed, offset, limit))

    @router.post("/sessions/{session_id}/cancel", response_model=StatusResponse)
    @scope("files.write")
    async def cancel_session(request: Request, session_id: UUID) -> Response:
        """Take in no more files of a batch; those that have come stay."""
        return json_response(status_of(await in_thread(library.batches.cancel, actor_of(request), session_id)))

    @router.get("/quota-check", response_model=QuotaResponse)
    @scope("files.read")
    async def check_quota(request: Request, file_count: Annotated[int, Query(ge=1, le=1 << 31)]) -> Response:
        """Whether a batch of so many files would be taken now."""
        return json_response(await in_thread(_quota, library, actor_of(request), file_count))

    @router.post("/check-duplicates", response_model=DuplicatesResponse)
    @scope("files.read")
    async def check_duplicates(request: Request, body: HashesRequest) -> Response:
        """Which of these SHA-256 the tenant has."""
        asked = list(dict.fromkeys(it.lower() for it in body.hashes))
        known = await in_thread(library.batches.known, actor_of(request), asked)
        duplicates = [DuplicateEntry(hash=it, image_id=known[it]) for it in asked if it in known]
        return json_response(DuplicatesResponse(duplicates=duplicates, unique=[it for it in asked if it not in known]))

    @router.get("/status/{file_id}", response_model=FileStatusResponse)
    @scope("files.read")
    async def get_file_status(request: Request, file_id: UUID) -> Response:
        """How far one file has come."""
        actor = actor_of(request)
        return json_response(_file_status(actor, file_id, await in_thread(library.batches.item, actor, file_id)))

    return router


def _quota(library: Library, actor: Actor, requested: int) -> QuotaResponse:
    room, files = library.batches.room(actor)
    most = library.batches.max_files
    available = most if room is None or room > 0 else 0
    message = "OK" if requested <= available else f"At most {most} files at once" if available else "Storage is used up"
    return QuotaResponse(
        can_proceed=requested <= available,
        requested=requested,
        available=available,
        monthly_limit=None,
        current_usage=files,
        prepaid_credits=0,
        max_batch_size=most,
        max_concurrent_uploads=MAX_WAITING,
        message=message,
    )


def _file_status(actor: Actor, image_id: UUID, it: Item) -> FileStatusResponse:
    unified = it.state if it.is_stored or it.state != "processing" else "uploading"
    components = {"upload": "completed" if it.is_stored else "pending", "processing": it.state}
    age = (datetime.now(UTC) - it.created_at).total_seconds()
    return FileStatusResponse(
        image_id=image_id,
        tenant_id=actor.tenant_uuid,
        batch_id=it.batch_uuid,
        unified_status=unified,
        component_statuses=components,
        error_message=it.error,
        created_at=moment(it.created_at) or "",
        last_updated_at=moment(it.ended_at or it.created_at) or "",
        completed_at=moment(it.ended_at) if it.state == "completed" else None,
        retry_count=it.retries,
        is_stuck=it.state == "processing" and it.is_stored and age > STUCK_SECONDS,
        is_terminal=it.state != "processing",
    )

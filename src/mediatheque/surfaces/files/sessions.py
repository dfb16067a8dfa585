"""`/api/v2/uploads`: how batches fare, and what may be asked before one is sent (contract, 3.4)."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mediatheque.core.batches import Progress
from mediatheque.core.library import Library
from mediatheque.model import Actor
from mediatheque.surfaces.files.session_shapes import (
    PREFIX,
    ComponentStatuses,
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
        limit: Annotated[int, Query(gt=0, le=500)] = 100,
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
        duplicates, unique = [it for it in asked if it in known], [it for it in asked if it not in known]
        return json_response(DuplicatesResponse(duplicates=duplicates, unique=unique, image_ids=known))

    @router.get("/status/{file_id}", response_model=FileStatusResponse)
    @scope("files.read")
    async def get_file_status(request: Request, file_id: UUID) -> Response:
        """How far one file has come."""
        actor = actor_of(request)
        return json_response(_file_status(actor, file_id, await in_thread(library.batches.progress, actor, file_id)))

    return router


def _quota(library: Library, actor: Actor, requested: int) -> QuotaResponse:
    room, files = library.batches.room(actor)
    most = library.batches.max_files
    available = most if room is None or room > 0 else 0
    problem = f"At most {most} files at once" if available else "Storage is used up"
    can_proceed = requested <= available
    return QuotaResponse(
        can_proceed=can_proceed,
        requested=requested,
        available=available,
        monthly_limit=None,
        current_usage=files,
        prepaid_credits=0,
        max_batch_size=most,
        max_concurrent_uploads=MAX_WAITING,
        message=None if can_proceed else problem,
    )


def _file_status(actor: Actor, image_id: UUID, found: Progress) -> FileStatusResponse:
    it, now = found.item, datetime.now(UTC)
    is_terminal = it.state != "processing"
    told = "completed" if it.state == "skipped" else it.state
    age = ((it.ended_at if is_terminal and it.ended_at else now) - it.created_at).total_seconds()
    return FileStatusResponse(
        image_id=image_id,
        tenant_id=actor.tenant_uuid,
        batch_id=it.batch_uuid,
        unified_status=told if it.is_stored or is_terminal else "uploading",
        component_statuses=_components(found),
        task_intent_ids=[str(uuid) for uuid in found.runs],
        error_message=it.error,
        last_error_at=moment(it.ended_at) if it.state == "failed" else None,
        created_at=moment(it.created_at) or "",
        last_updated_at=moment(it.ended_at or it.created_at) or "",
        completed_at=moment(it.ended_at) if it.state == "completed" else None,
        retry_count=it.retries,
        processing_duration_seconds=round(age, 3),
        is_stuck=not is_terminal and it.is_stored and age > STUCK_SECONDS,
        is_terminal=is_terminal,
    )


def _components(found: Progress) -> ComponentStatuses:
    it, portrait = found.item, found.portrait
    has_come = it.is_stored or it.state == "skipped"
    came = "completed" if has_come else "failed" if it.state == "failed" else "pending"
    return ComponentStatuses(
        upload_status=came,
        variant_status=portrait.sizing.value if portrait and portrait.sizing else None,
        description_status=portrait.describing.value if portrait else None,
        upload_intent_status=came,
        task_intent_status=it.state,
    )

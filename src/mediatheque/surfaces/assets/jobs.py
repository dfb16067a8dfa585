"""`/api/v1/system/jobs` (ours): what is still to be done about the tenant's files, what has failed, another try."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mediatheque.core.jobs import Job
from mediatheque.core.library import Library
from mediatheque.model import RunState
from mediatheque.surfaces.assets.shapes import Envelope, ErrorEnvelope, Shape, enveloped, moment, to_uuid
from mediatheque.surfaces.assets.system import MAX_PAGE, MAX_PAGE_SIZE, PAGE_SIZE
from mediatheque.surfaces.http import Door, actor_of, in_thread, scope

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 409, 429, 503)
}


class JobItem(Shape):
    id: str
    asset_id: str
    asset_name: str
    skill_name: str
    state: RunState
    attempts: int
    error_message: str | None
    can_retry: bool
    created_at_utc: str
    started_at_utc: str | None
    finished_at_utc: str | None


class JobList(Shape):
    """`unfinished` holds the first hundred; `failures` is the page that was asked for, newest first. `paused_at_utc`:
    since when what waits is let wait."""

    waiting: int
    running: int
    failed: int
    unfinished: list[JobItem]
    failures: list[JobItem]
    page: int
    page_size: int
    paused_at_utc: str | None


class Pause(Shape):
    """`paused_at_utc` null: the work goes on."""

    paused_at_utc: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v1/system/jobs", tags=["system"], responses=_ERRORS)

    @router.get("", response_model=Envelope[JobList])
    @scope("assets.read")
    async def list_jobs(
        request: Request, page: int = 1, page_size: Annotated[int, Query(alias="pageSize")] = PAGE_SIZE
    ) -> Response:
        """How deep the tenant's queue is, and what has failed and was not tried again."""
        page = min(max(page, 1), MAX_PAGE)
        page_size = min(page_size, MAX_PAGE_SIZE) if page_size > 0 else PAGE_SIZE
        it = await in_thread(library.jobs.look, actor_of(request), page=page, page_size=page_size)
        return enveloped(
            JobList(
                waiting=it.waiting, running=it.running, failed=it.failed,
                unfinished=[_item(one) for one in it.unfinished], failures=[_item(one) for one in it.failures],
                page=page, page_size=page_size, paused_at_utc=moment(it.paused_at) if it.paused_at else None,
            )
        )  # fmt: skip

    @router.post("/pause", response_model=Envelope[Pause])
    @scope("settings.update")
    async def pause_jobs(request: Request) -> Response:
        """Let the tenant's jobs wait. Uploads become ready all the same, and skills run that somebody runs by hand."""
        return enveloped(_pause(await in_thread(library.jobs.pause, actor_of(request))))

    @router.post("/resume", response_model=Envelope[Pause])
    @scope("settings.update")
    async def resume_jobs(request: Request) -> Response:
        """Let them go on."""
        return enveloped(_pause(await in_thread(library.jobs.resume, actor_of(request))))

    @router.post("/{job_id}/retry", response_model=Envelope[JobItem])
    @scope("assets.update")
    async def retry_failed_job(request: Request, job_id: str) -> Response:
        """Run a failed job again, with all its attempts."""
        return enveloped(_item(await in_thread(library.jobs.retry, actor_of(request), _uuid(job_id))))

    return router


def _pause(paused_at: datetime | None) -> Pause:
    return Pause(paused_at_utc=moment(paused_at) if paused_at else None)


def _item(it: Job) -> JobItem:
    return JobItem(
        id=str(it.uuid),
        asset_id=str(it.asset_uuid),
        asset_name=it.asset_name,
        skill_name=it.skill,
        state=it.state,
        attempts=it.attempts,
        error_message=it.error,
        can_retry=it.can_retry,
        created_at_utc=moment(it.created_at),
        started_at_utc=moment(it.started_at) if it.started_at else None,
        finished_at_utc=moment(it.finished_at) if it.finished_at else None,
    )


def _uuid(job_id: str) -> UUID:
    return to_uuid(job_id, "Job not found", "job")

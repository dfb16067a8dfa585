"""What NekoHub's console asks for beside the reference, at the pages of upload and of one asset (contract, 7).

Whoever may use assets sees here what there is to choose from, without a look at how it is configured.
"""

from fastapi import APIRouter, Request, Response

from mediatheque.core.library import Library
from mediatheque.model import Execution, RunState
from mediatheque.surfaces.assets.documents import CONTENT_ANSWERS, ERRORS
from mediatheque.surfaces.assets.shapes import Envelope, Shape, enveloped, moment, to_uuid
from mediatheque.surfaces.delivery import Streamed
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, scope

STATES = {
    RunState.QUEUED: "pending",
    RunState.RUNNING: "running",
    RunState.SUCCEEDED: "succeeded",
    RunState.SKIPPED: "succeeded",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "failed",
}


class WorkflowOption(Shape):
    id: str
    name: str
    description: str | None
    is_auto_run: bool


class StorageTarget(Shape):
    """`id` null: the server's own storage."""

    id: str | None
    name: str
    display_name: str | None
    provider_type: str
    is_default: bool


class JobShape(Shape):
    id: str
    asset_id: str
    status: str
    attempts: int
    created_at_utc: str
    updated_at_utc: str
    error_message: str | None


def routes(library: Library) -> APIRouter:
    """To be included before the routes of single assets, whose ids the fixed paths must not be taken for."""
    router = APIRouter(route_class=Door, prefix="/api/v1/assets", tags=["assets"], responses=ERRORS)

    @router.get("/workflows", response_model=Envelope[list[WorkflowOption]])
    @scope("assets.update")
    async def list_workflow_options(request: Request) -> Response:
        """The workflows that can be run on an asset: the one that runs on every upload first, then by name."""
        found = await in_thread(library.workflows.all, actor_of(request))
        return enveloped(
            [
                WorkflowOption(id=str(it.uuid), name=it.name, description=it.description, is_auto_run=it.is_auto_run)
                for it in found
            ]
        )

    @router.get("/storage-targets", response_model=Envelope[list[StorageTarget]])
    @scope("assets.create")
    async def list_storage_targets(request: Request) -> Response:
        """Where an upload can go: the storage profiles that take one, and the server's own without a default."""
        found, own = await in_thread(library.profiles.targets, actor_of(request))
        targets = [
            StorageTarget(
                id=str(it.uuid), name=it.name, display_name=it.display_name, provider_type=it.provider_type,
                is_default=it.is_default,
            )
            for it in found
        ]  # fmt: skip
        if own is not None:
            servers = StorageTarget(id=None, name=own, display_name=None, provider_type=own, is_default=True)
            targets.insert(0, servers)
        return enveloped(targets)

    @router.get("/{asset_id}/jobs", response_model=Envelope[list[JobShape]])
    @scope("assets.read")
    async def list_jobs(request: Request, asset_id: str) -> Response:
        """What was run on an asset and is waiting to be run, newest first."""
        uuid = to_uuid(asset_id)
        found = await in_thread(library.skills.history, actor_of(request), uuid)
        return enveloped([_job(str(uuid), it) for it in found])

    @router.post("/{asset_id}/jobs/{job_id}/retry", status_code=204, response_class=Response)
    @scope("assets.update")
    @creating()
    async def retry_asset_job(request: Request, asset_id: str, job_id: str) -> Response:
        """Run again what failed."""
        uuid, job = to_uuid(asset_id), to_uuid(job_id)
        await in_thread(library.skills.retry, actor_of(request), uuid, job)
        return Response(status_code=204)

    @router.get("/{asset_id}/derivatives/{kind}/content", response_class=Response, responses=CONTENT_ANSWERS)
    @scope("assets.read")
    async def get_derivative_content(request: Request, asset_id: str, kind: str) -> Response:
        """The bytes of a derivative, of a private asset, too."""
        served = await in_thread(library.media.derivative, actor_of(request), to_uuid(asset_id), kind)
        return Streamed(library, served)

    return router


def _job(asset_id: str, it: Execution) -> JobShape:
    state = RunState.RUNNING if it.is_held and it.state is RunState.QUEUED else it.state
    return JobShape(
        id=str(it.uuid),
        asset_id=asset_id,
        status=STATES[state],
        attempts=it.attempts,
        created_at_utc=moment(it.created_at),
        updated_at_utc=moment(it.finished_at or it.started_at or it.created_at),
        error_message=it.error,
    )

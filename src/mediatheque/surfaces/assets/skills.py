"""`/api/v1/assets/skills`, and skills and workflows run on an asset (contract, 2.4, 2.5 and 8)."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response

from mediatheque.core.library import Library
from mediatheque.core.skills import WAIT_SECONDS, Ended
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.objects import AssetObject, asset_object
from mediatheque.surfaces.assets.shapes import TERMS, Envelope, Shape, enveloped, to_uuid
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, polled, scope


class SkillShape(Shape):
    skill_name: str
    description: str
    steps: list[str]


class SkillRun(Shape):
    """The body of a run; may be `{}`, `null` or absent."""

    parameters: dict[str, Any] | None = None


class StepShape(Shape):
    name: str
    succeeded: bool
    error_message: str | None


class SkillRunResult(Shape):
    succeeded: bool
    skill_name: str
    steps: list[StepShape]
    asset: AssetObject


class WorkflowRun(Shape):
    asset_id: str
    workflow_id: str
    skill_ids: list[str]


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v1/assets", tags=["skills"], responses=ERRORS)

    @router.get("/skills", response_model=Envelope[list[SkillShape]])
    @scope("assets.read")
    async def list_skills() -> Response:
        """The skills that can be run on an asset."""
        listed = library.skills.listed()
        return enveloped(
            [SkillShape(skill_name=it.name, description=it.description, steps=list(it.steps)) for it in listed]
        )

    @router.post("/{asset_id}/skills/{skill_name}/run", response_model=Envelope[SkillRunResult])
    @scope("assets.update")
    @creating()
    async def run_skill(
        request: Request, asset_id: str, skill_name: str, body: Annotated[SkillRun | None, Body()] = None
    ) -> Response:
        """Run a skill and wait for it, at most a minute; a step that fails is told in the answer."""
        actor, uuid = actor_of(request), to_uuid(asset_id)
        parameters = (body.parameters if body else None) or {}
        started = await in_thread(library.skills.start, actor, uuid, skill_name, parameters)
        ended = await polled(partial(library.skills.ended, actor, started), WAIT_SECONDS)
        if ended is None:
            ended = await in_thread(library.skills.give_up, actor, started)
        detail = await in_thread(library.catalogue.detail, actor, TERMS, uuid)
        return enveloped(_result(ended, asset_object(library, detail)))

    @router.post("/{asset_id}/workflows/{workflow_id}/run", status_code=202, response_model=Envelope[WorkflowRun])
    @scope("assets.update")
    @creating()
    async def run_workflow(
        request: Request,
        asset_id: str,
        workflow_id: str,
        body: Annotated[Any, Body()] = None,  # noqa: ARG001
    ) -> Response:
        """Queue a workflow's skills, one after another in the order of its edges."""
        uuid, workflow = to_uuid(asset_id), to_workflow_uuid(workflow_id)
        names = await in_thread(library.skills.run_workflow, actor_of(request), uuid, workflow)
        return enveloped(WorkflowRun(asset_id=str(uuid), workflow_id=str(workflow), skill_ids=names), 202)

    return router


def to_workflow_uuid(text: str) -> UUID:
    return to_uuid(text, "Workflow not found", "workflow")


def _result(ended: Ended, asset: AssetObject) -> SkillRunResult:
    steps = [StepShape(name=it.name, succeeded=it.error is None, error_message=it.error) for it in ended.steps]
    return SkillRunResult(succeeded=ended.succeeded, skill_name=ended.skill, steps=steps, asset=asset)

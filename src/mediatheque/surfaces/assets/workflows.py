"""`/api/v1/system/workflows` (contract, 8)."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from mediatheque.core.library import Library
from mediatheque.model import Workflow
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.shapes import Envelope, Shape, below, enveloped, moment
from mediatheque.surfaces.assets.skills import to_workflow_uuid
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, scope

ROOT = "/api/v1/system/workflows"


class WorkflowShape(Shape):
    """`graph_json` is a string that holds the editor's JSON."""

    id: str
    name: str
    description: str | None
    is_auto_run: bool
    graph_json: str
    created_at_utc: str
    updated_at_utc: str


class WorkflowBody(Shape):
    name: str | None = None
    description: str | None = None
    is_auto_run: bool = False
    graph_json: str | None = None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=ROOT, tags=["workflows"], responses=ERRORS)

    @router.get("", response_model=Envelope[list[WorkflowShape]])
    @scope("settings.read")
    async def list_workflows(request: Request) -> Response:
        """The tenant's workflows: the one that runs on every upload first, then by name."""
        return enveloped([_shape(it) for it in await in_thread(library.workflows.all, actor_of(request))])

    @router.get("/{workflow_id}", response_model=Envelope[WorkflowShape])
    @scope("settings.read")
    async def get_workflow(request: Request, workflow_id: str) -> Response:
        """One workflow."""
        return enveloped(
            _shape(await in_thread(library.workflows.get, actor_of(request), to_workflow_uuid(workflow_id)))
        )

    @router.post("", status_code=201, response_model=Envelope[WorkflowShape])
    @scope("settings.update")
    @creating(below(ROOT))
    async def create_workflow(request: Request, body: WorkflowBody) -> Response:
        """Keep a workflow; with `isAutoRun` no other one runs on uploads any more."""
        made = await in_thread(
            library.workflows.create, actor_of(request), body.name, description=body.description,
            graph=body.graph_json, is_auto_run=body.is_auto_run,
        )  # fmt: skip
        return enveloped(_shape(made), 201)

    @router.put("/{workflow_id}", response_model=Envelope[WorkflowShape])
    @scope("settings.update")
    async def replace_workflow(request: Request, workflow_id: str, body: WorkflowBody) -> Response:
        """Set everything of a workflow."""
        made = await in_thread(
            library.workflows.replace, actor_of(request), to_workflow_uuid(workflow_id), body.name,
            description=body.description, graph=body.graph_json, is_auto_run=body.is_auto_run,
        )  # fmt: skip
        return enveloped(_shape(made))

    @router.patch("/{workflow_id}/autorun", response_model=Envelope[WorkflowShape])
    @scope("settings.update")
    async def set_auto_run(
        request: Request,
        workflow_id: str,
        body: Annotated[Any, Body()] = None,  # noqa: ARG001
    ) -> Response:
        """This workflow, and no other, runs on every upload."""
        it = await in_thread(library.workflows.set_auto_run, actor_of(request), to_workflow_uuid(workflow_id))
        return enveloped(_shape(it))

    @router.delete("/{workflow_id}", status_code=204, response_class=Response)
    @scope("settings.update")
    async def delete_workflow(request: Request, workflow_id: str) -> Response:
        """Forget a workflow."""
        await in_thread(library.workflows.delete, actor_of(request), to_workflow_uuid(workflow_id))
        return Response(status_code=204)

    return router


def _shape(it: Workflow) -> WorkflowShape:
    return WorkflowShape(
        id=str(it.uuid),
        name=it.name,
        description=it.description,
        is_auto_run=it.is_auto_run,
        graph_json=it.graph,
        created_at_utc=moment(it.created_at),
        updated_at_utc=moment(it.updated_at),
    )

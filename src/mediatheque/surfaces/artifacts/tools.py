"""The tools that an AI calls in a room: `create_artifact`, `update_artifact` (running.md; contract, 4.3)."""

from fastapi import APIRouter, Request, Response

from mediatheque.authoring import Artifact
from mediatheque.core.library import Library
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import (
    BODY_LIMIT_BYTES,
    CreateArtifact,
    UpdateArtifact,
    asked_in,
    described,
    expected_in,
    room_uuid,
    uuid_in,
)
from mediatheque.surfaces.artifacts.errors import ERRORS, render_error
from mediatheque.surfaces.artifacts.shapes import One, ToolResult
from mediatheque.surfaces.http import Door, actor_of, bodies_up_to, creating, in_thread, json_response, once, scope


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/v1/rooms/{room_id}/tools", tags=["artifacts"], responses=ERRORS)
    artifacts = library.authoring.artifacts

    @router.post(
        "/create_artifact",
        status_code=201,
        response_model=One[ToolResult],
        openapi_extra=described(CreateArtifact, creates=True),
    )
    @scope("artifacts.write")
    @bodies_up_to(BODY_LIMIT_BYTES)
    async def create_artifact(request: Request, room_id: str) -> Response:
        """A new document in the room."""
        actor, key, identity = actor_of(request), request.headers.get("idempotency-key"), request.state.request_id
        asked, digest = await asked_in(request, CreateArtifact, CreateArtifact.asked)

        def make() -> Response:
            return once(
                library, actor, key, (f"POST {request.url.path}", digest),
                lambda remembering: artifacts.create(actor, room_uuid(room_id), asked, remembering=remembering),
                status=201, render=_rendered, render_error=render_error, request_id=identity,
            )  # fmt: skip

        return await in_thread(make)

    @router.post("/update_artifact", response_model=One[ToolResult], openapi_extra=described(UpdateArtifact))
    @scope("artifacts.write")
    @bodies_up_to(BODY_LIMIT_BYTES)
    @creating()
    async def update_artifact(request: Request, room_id: str) -> Response:
        """A new version of a document."""
        asked, _ = await asked_in(request, UpdateArtifact, lambda it: (uuid_in(it.artifact_id), it.asked()))
        it = await in_thread(artifacts.update, actor_of(request), room_uuid(room_id), asked, expected_in(request))
        return json_response(One(data=shapes.tool_result(it.artifact)))

    return router


def _rendered(it: Artifact) -> str:
    return One(data=shapes.tool_result(it)).model_dump_json()

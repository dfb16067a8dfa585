"""`/v1/rooms/{room_id}/artifacts`: the seven endpoints, edits, and what was deleted (contract, 4.2)."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from mediatheque.core.artifacts import Reading
from mediatheque.core.library import Library
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import (
    BODY_LIMIT_BYTES,
    PatchArtifact,
    PutArtifact,
    RevertArtifact,
    asked_in,
    described,
    expected_in,
    room_uuid,
    uuid_in,
)
from mediatheque.surfaces.artifacts.errors import ERRORS
from mediatheque.surfaces.artifacts.rooms import USUAL_LIMIT, Limit, Offset
from mediatheque.surfaces.artifacts.shapes import ArtifactItem, ArtifactObject, Deleted, Many, One, Viewers, many
from mediatheque.surfaces.http import Door, actor_of, bodies_up_to, creating, in_thread, json_response, scope

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The version that is changed, as `ETag` told it; 412 when it is not the newest.",
}


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/v1/rooms/{room_id}/artifacts", tags=["artifacts"], responses=ERRORS)
    _reading(router, library)
    _writing(router, library)
    return router


def _reading(router: APIRouter, library: Library) -> None:
    artifacts = library.authoring.artifacts

    @router.get("", response_model=Many[ArtifactItem])
    @scope("artifacts.read")
    async def list_artifacts(
        request: Request, room_id: str, limit: Limit = USUAL_LIMIT, offset: Offset = 0, deleted: bool = False
    ) -> Response:
        """The most recently updated first; with `deleted=true` those that can be restored."""
        page = await in_thread(
            artifacts.page, actor_of(request), room_uuid(room_id), skip=offset, limit=limit, is_deleted=deleted
        )
        return json_response(many([shapes.item(it) for it in page.artifacts], page.total, limit, offset))

    @router.get("/{artifact_id}", response_model=One[ArtifactObject])
    @scope("artifacts.read")
    async def read_artifact(request: Request, room_id: str, artifact_id: str, resolve: bool = False) -> Response:
        """The newest version; with `resolve=true` its `asset:` links are signed URLs."""
        it = await in_thread(artifacts.read, actor_of(request), room_uuid(room_id), uuid_in(artifact_id))
        if not it.references.assets and _tag(it) in request.headers.get("if-none-match", "").split(", "):
            return Response(status_code=304, headers={"ETag": _tag(it)})
        return _whole(library, it, is_resolved=resolve)

    @router.get("/{artifact_id}/viewers", response_model=One[Viewers])
    @scope("artifacts.read")
    async def list_viewers(request: Request, room_id: str, artifact_id: str) -> Response:
        """Users who look at it just now, as they said on `/v1/stream`."""
        stream = library.authoring.stream
        found = await in_thread(stream.viewers, actor_of(request), room_uuid(room_id), uuid_in(artifact_id))
        return json_response(One(data=Viewers(viewers=[str(uuid) for uuid in found])))


def _writing(router: APIRouter, library: Library) -> None:
    artifacts = library.authoring.artifacts

    @router.put(
        "/{artifact_id}", response_model=One[ArtifactObject], openapi_extra=_conditional(described(PutArtifact))
    )
    @scope("artifacts.write")
    @bodies_up_to(BODY_LIMIT_BYTES)
    async def put_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """A new version with this title and content."""
        asked, _ = await asked_in(request, PutArtifact, PutArtifact.asked)
        return await _written(library, artifacts.put, request, room_id, artifact_id, asked)

    @router.patch(
        "/{artifact_id}", response_model=One[ArtifactObject], openapi_extra=_conditional(described(PatchArtifact))
    )
    @scope("artifacts.write")
    @bodies_up_to(BODY_LIMIT_BYTES)
    async def patch_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """A new version after edits: all of them, or none (409)."""
        asked, _ = await asked_in(request, PatchArtifact, PatchArtifact.asked)
        return await _written(library, artifacts.edit, request, room_id, artifact_id, asked)

    @router.post(
        "/{artifact_id}/revert",
        response_model=One[ArtifactObject],
        openapi_extra=_conditional(described(RevertArtifact)),
    )
    @scope("artifacts.write")
    @creating()
    async def revert_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """A new version that says what an earlier one said; nothing leaves the history."""
        asked, _ = await asked_in(request, RevertArtifact, RevertArtifact.asked)
        return await _written(library, artifacts.revert, request, room_id, artifact_id, asked)

    @router.delete("/{artifact_id}", response_model=One[Deleted], openapi_extra=_conditional({}))
    @scope("artifacts.write")
    async def delete_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """Hidden at once; it can be restored for 30 days (MEDIATHEQUE_TRASH_DAYS)."""
        uuid = uuid_in(artifact_id)
        await in_thread(artifacts.delete, actor_of(request), room_uuid(room_id), uuid, expected_in(request))
        return json_response(One(data=Deleted(id=str(uuid))))

    @router.post("/{artifact_id}/restore", response_model=One[ArtifactObject])
    @scope("artifacts.write")
    async def restore_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """Bring a deleted artifact back as it was; 404 for one that is not deleted."""
        it = await in_thread(artifacts.restore, actor_of(request), room_uuid(room_id), uuid_in(artifact_id))
        return _whole(library, it)


async def _written(
    library: Library, write: Callable[..., Reading], request: Request, room_id: str, artifact_id: str, asked: Any
) -> Response:
    it = await in_thread(
        write, actor_of(request), room_uuid(room_id), uuid_in(artifact_id), asked, expected_in(request)
    )
    return _whole(library, it)


def _whole(library: Library, it: Reading, *, is_resolved: bool = False) -> Response:
    answer = json_response(One(data=shapes.whole(library, it, is_resolved=is_resolved)))
    answer.headers["ETag"] = _tag(it)
    return answer


def _tag(it: Reading) -> str:
    return f'"{it.artifact.version}"'


def _conditional(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"parameters": [*document.get("parameters", ()), IF_MATCH]}

"""Artifacts across rooms: `/v1/artifacts/search`, and `/v1/artifacts` by the file that they refer to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mediatheque.core.library import Library
from mediatheque.core.retrieval import Asking
from mediatheque.filing import SearchBy
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import room_uuid
from mediatheque.surfaces.artifacts.errors import ERRORS
from mediatheque.surfaces.artifacts.rooms import Offset
from mediatheque.surfaces.artifacts.shapes import ArtifactItem, FoundMany, FoundMeta, Many, many
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

Limit = Annotated[int, Query(ge=1, le=100)]


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/v1/artifacts", tags=["artifacts"], responses=ERRORS)
    retrieval = library.authoring.retrieval

    @router.get("/search", response_model=FoundMany)
    @scope("artifacts.read")
    async def search_artifacts(
        request: Request,
        query: Annotated[str, Query(max_length=1000)],
        room_id: str | None = None,
        mode: SearchBy = SearchBy.WORDS,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> Response:
        """Artifacts that hold every word, or one that begins with it, those that have them in the title first.

        `semantic`: those that mean the same; `hybrid`: both, the best first. Without a model the search goes by words,
        and `meta` says so.
        """
        room = None if room_id is None else room_uuid(room_id)
        asked = Asking(query, mode, room, room_id is not None, offset, limit)
        found = await in_thread(retrieval.search, actor_of(request), asked)
        hits = [shapes.found(hit) for hit in found.hits]
        meta = FoundMeta(total=found.total, limit=limit, offset=offset, mode=found.by, note=found.note)
        return json_response(FoundMany(data=hits, meta=meta))

    @router.get("", response_model=Many[ArtifactItem])
    @scope("artifacts.read")
    async def list_artifacts_using(request: Request, asset_id: UUID, limit: Limit = 20, offset: Offset = 0) -> Response:
        """Where a file is used: artifacts whose newest content refers to it, the most recently updated first."""
        page = await in_thread(retrieval.using, actor_of(request), asset_id, skip=offset, limit=limit)
        return json_response(many([shapes.item(it) for it in page.artifacts], page.total, limit, offset))

    return router

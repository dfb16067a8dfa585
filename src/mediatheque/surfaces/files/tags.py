"""`GET /api/v2/tags` (ours): which tags the files of the tenant wear."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.library import Library
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope


class TagObject(BaseModel):
    """`file_count` leaves out what lies in the trash."""

    name: str
    file_count: int


class TagList(BaseModel):
    tags: list[TagObject]


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/tags", tags=["files"], responses=ERRORS)

    @router.get("", response_model=TagList)
    @scope("files.read")
    async def list_tags(request: Request) -> Response:
        """The tags of the tenant's files, the most worn first; at most a thousand."""
        found = await in_thread(library.files.tags, actor_of(request))
        return json_response(TagList(tags=[TagObject(name=name, file_count=files) for name, files in found]))

    return router

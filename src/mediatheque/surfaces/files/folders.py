"""`/api/v2/folders`: the tree that files lie in (contract, 3.10)."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.library import Library
from mediatheque.core.tree import Counted, Emptying, Opened
from mediatheque.filing import Folder
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import ERRORS, render_error
from mediatheque.surfaces.files.listing import MAX_OFFSET
from mediatheque.surfaces.files.shapes import UserFile, moment, user_file
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, once, scope

MAX_MOVED = 100


class FolderObject(BaseModel):
    """`file_count` and `subfolder_count` are of what lies directly in it."""

    id: str
    name: str
    parent_id: str | None
    depth: int
    file_count: int
    subfolder_count: int
    created_at: str
    updated_at: str


class FolderList(BaseModel):
    folders: list[FolderObject]


class Crumb(BaseModel):
    id: str
    name: str
    depth: int


class Crumbs(BaseModel):
    breadcrumbs: list[Crumb]


class OpenedFolder(BaseModel):
    folder: FolderObject
    breadcrumbs: list[Crumb]
    subfolders: list[FolderObject]
    files: list[UserFile]
    total_files: int
    has_more_files: bool


class NewFolder(BaseModel):
    name: str
    parent_id: UUID | None = None


class NewName(BaseModel):
    name: str


class NewParent(BaseModel):
    new_parent_id: UUID | None = None


class RemovedFolder(BaseModel):
    id: str
    files_affected: int
    subfolders_affected: int
    mode: Emptying


class MovedFiles(BaseModel):
    file_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_MOVED)]
    folder_id: UUID | None = None


class Moved(BaseModel):
    moved: int
    total_requested: int


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/folders", tags=["folders"], responses=ERRORS)

    @router.get("", response_model=FolderList, operation_id="list_file_folders")
    @scope("files.read")
    async def list_folders(request: Request) -> Response:
        """Every folder of the tree."""
        found = await in_thread(library.tree.all, actor_of(request))
        return json_response(FolderList(folders=[_shape(it) for it in found]))

    @router.post("", status_code=201, response_model=FolderObject)
    @scope("files.write")
    async def create_folder(request: Request, body: NewFolder) -> Response:
        """A new folder."""
        key = request.headers.get("idempotency-key")
        return await in_thread(_create, library, actor_of(request), body, key, request.state.request_id)

    @router.post("/move-files", response_model=Moved)
    @scope("files.write")
    async def move_files(request: Request, body: MovedFiles) -> Response:
        """Put files into a folder, or out of any."""
        moved = await in_thread(library.tree.move_files, actor_of(request), body.file_ids, body.folder_id)
        return json_response(Moved(moved=moved, total_requested=len(body.file_ids)))

    @router.get("/{folder_id}", response_model=OpenedFolder)
    @scope("files.read")
    async def open_folder(
        request: Request,
        folder_id: UUID,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    ) -> Response:
        """A folder, the way to it, and a page of what lies in it."""
        opened = await in_thread(library.tree.open, actor_of(request), folder_id, skip=offset, limit=limit)
        return json_response(_opened(library, opened, offset))

    @router.patch("/{folder_id}", response_model=FolderObject)
    @scope("files.write")
    async def rename_folder(request: Request, folder_id: UUID, body: NewName) -> Response:
        """Give a folder another name."""
        return json_response(_shape(await in_thread(library.tree.rename, actor_of(request), folder_id, body.name)))

    @router.post("/{folder_id}/move", response_model=FolderObject)
    @scope("files.write")
    async def move_folder(request: Request, folder_id: UUID, body: NewParent) -> Response:
        """Put a folder with all that is in it elsewhere in the tree."""
        moved = await in_thread(library.tree.move, actor_of(request), folder_id, body.new_parent_id)
        return json_response(_shape(moved))

    @router.delete("/{folder_id}", response_model=RemovedFolder)
    @scope("files.write")
    async def delete_folder(request: Request, folder_id: UUID, mode: Emptying = Emptying.MOVE_TO_PARENT) -> Response:
        """Remove a folder; what lies in it goes one level up, or into the trash."""
        removed = await in_thread(library.tree.remove, actor_of(request), folder_id, mode)
        return json_response(
            RemovedFolder(
                id=str(folder_id), files_affected=removed.files, subfolders_affected=removed.subfolders, mode=mode
            )
        )

    @router.get("/{folder_id}/breadcrumbs", response_model=Crumbs)
    @scope("files.read")
    async def get_breadcrumbs(request: Request, folder_id: UUID) -> Response:
        """The folders from the root down to this one."""
        way = await in_thread(library.tree.way, actor_of(request), folder_id)
        return json_response(Crumbs(breadcrumbs=[_crumb(it) for it in way]))

    return router


def _create(library: Library, actor: Actor, body: NewFolder, key: str | None, request_id: str) -> Response:
    return once(
        library,
        actor,
        key,
        ("POST /api/v2/folders", body.name, str(body.parent_id)),
        lambda remembering: library.tree.make(actor, body.name, body.parent_id, remembering=remembering),
        status=201,
        render=_rendered,
        render_error=render_error,
        request_id=request_id,
    )


def _rendered(it: Counted) -> str:
    return _shape(it).model_dump_json()


def _shape(it: Counted) -> FolderObject:
    folder = it.folder
    return FolderObject(
        id=str(folder.uuid),
        name=folder.name,
        parent_id=str(folder.parent_uuid) if folder.parent_uuid else None,
        depth=folder.depth,
        file_count=it.files,
        subfolder_count=it.subfolders,
        created_at=moment(folder.created_at),
        updated_at=moment(folder.updated_at),
    )


def _opened(library: Library, opened: Opened, offset: int) -> OpenedFolder:
    files = list(map(partial(user_file, library), opened.files.files))
    return OpenedFolder(
        folder=_shape(opened.it),
        breadcrumbs=[_crumb(it) for it in opened.way],
        subfolders=[_shape(it) for it in opened.subfolders],
        files=files,
        total_files=opened.files.total,
        has_more_files=offset + len(files) < opened.files.total,
    )


def _crumb(it: Folder) -> Crumb:
    return Crumb(id=str(it.uuid), name=it.name, depth=it.depth)

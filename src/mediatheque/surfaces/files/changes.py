"""Files changed, deleted and brought back (contract, 3.8 and 7)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from mediatheque.core.library import Library
from mediatheque.core.trash import Discarded
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import FileDetail, file_detail, moment
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

MAX_BATCH = 100
NOT_FOUND = "File not found"
ARRIVING = "File is still being uploaded"


def _different(values: list[UUID]) -> list[UUID]:
    if len(set(values)) < len(values):
        raise ValueError("Items should be unique")
    return values


class FileChange(BaseModel):
    """Omitted: unchanged. A title of null is cleared, tags of null are left as they are."""

    title: str | None = None
    tags: list[str] | None = None


class Changed(BaseModel):
    id: str
    title: str | None
    tags: list[str]
    updated_at: str


class Deleted(BaseModel):
    id: str
    deleted_at: str
    message: str


class BatchDeletion(BaseModel):
    file_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_BATCH), AfterValidator(_different)]


class BatchItem(BaseModel):
    id: str
    status: str
    message: str | None
    deleted_at: str | None


class BatchSummary(BaseModel):
    total: int
    deleted: int
    skipped: int
    failed: int


class BatchDeleted(BaseModel):
    deleted: list[BatchItem]
    skipped: list[BatchItem]
    failed: list[BatchItem]
    summary: BatchSummary


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/user-files", tags=["files"], responses=ERRORS)

    @router.patch("/{file_id}", response_model=Changed)
    @scope("files.write")
    async def change_file(request: Request, file_id: UUID, change: FileChange) -> Response:
        """Change the title or the whole list of tags."""
        changes = change.model_dump(exclude_unset=True)
        if change.tags is None:
            changes.pop("tags", None)
        it = await in_thread(library.files.change, actor_of(request), TERMS, file_id, changes)
        return json_response(
            Changed(id=str(it.uuid), title=it.title, tags=list(it.tags), updated_at=moment(it.updated_at))
        )

    @router.delete("/{file_id}", response_model=Deleted)
    @scope("files.write")
    async def delete_file(request: Request, file_id: UUID) -> Response:
        """Put a file into the trash, from where it can be restored for 30 days."""
        deleted_at = await in_thread(library.trash.discard, actor_of(request), file_id)
        message = "File deleted successfully"
        return json_response(Deleted(id=str(file_id), deleted_at=moment(deleted_at), message=message))

    @router.post("/batch-delete", response_model=BatchDeleted)
    @scope("files.write")
    async def delete_files(request: Request, body: BatchDeletion) -> Response:
        """Put several files into the trash; those that are not there, or not yet, are named, not refused."""
        found = await in_thread(library.trash.discard_all, actor_of(request), body.file_ids)
        return json_response(_batch(found))

    @router.post("/{file_id}/restore", response_model=FileDetail)
    @scope("files.write")
    async def restore_file(request: Request, file_id: UUID) -> Response:
        """Bring a file back from the trash."""
        portrait = await in_thread(library.files.restore, actor_of(request), file_id)
        return json_response(file_detail(library, portrait))

    return router


def _batch(found: list[Discarded]) -> BatchDeleted:
    buckets: dict[str, list[BatchItem]] = {"deleted": [], "skipped": [], "failed": []}
    for one in found:
        item = _batch_item(one)
        buckets[item.status].append(item)
    counts = {status: len(items) for status, items in buckets.items()}
    return BatchDeleted(**buckets, summary=BatchSummary(total=len(found), **counts))


def _batch_item(one: Discarded) -> BatchItem:
    if one.deleted_at is not None:
        return BatchItem(id=str(one.uuid), status="deleted", message=None, deleted_at=moment(one.deleted_at))
    if one.is_arriving:
        return BatchItem(id=str(one.uuid), status="skipped", message=ARRIVING, deleted_at=None)
    return BatchItem(id=str(one.uuid), status="failed", message=NOT_FOUND, deleted_at=None)

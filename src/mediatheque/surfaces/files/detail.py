"""One file: its detail, and the ways to its bytes (contract, 3.6 and 3.7)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.library import Library
from mediatheque.errors import NotFound
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import VARIANTS, FileDetail, file_detail
from mediatheque.surfaces.http import Door, actor_of, in_reader, in_thread, json_response, scope
from mediatheque.surfaces.signed import download_url, signed_url

TO_BYTES: dict[int | str, dict[str, Any]] = {
    302: {"description": "To a URL that is good for an hour and needs no credential"}
}


class Triggered(BaseModel):
    success: bool
    message: str
    task_id: str
    current_status: str
    image_id: str


class AlreadyTriggered(Triggered):
    skipped_duplicate: bool


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/user-files", tags=["files"], responses=ERRORS)

    @router.get("/{file_id}", response_model=FileDetail)
    @scope("files.read")
    async def get_file(request: Request, file_id: str) -> Response:
        """A file, by its id or the first eight characters of it."""
        return json_response(await in_reader(_detail, library, actor_of(request), file_id))

    @router.get("/{file_id}/variant/{variant_type}", response_class=Response, status_code=302, responses=TO_BYTES)
    @scope("files.read")
    async def get_variant(request: Request, file_id: UUID, variant_type: str) -> Response:
        """To the bytes of a picture or of one of its sizes."""
        if variant_type not in VARIANTS:
            raise NotFound("Image or variant not found")
        it = await in_thread(library.files.variant, actor_of(request), file_id, variant_type)
        return _elsewhere(signed_url(library, it, variant_type))

    @router.get("/{file_id}/download", response_class=Response, status_code=302, responses=TO_BYTES)
    @scope("files.read")
    async def download_file(request: Request, file_id: UUID) -> Response:
        """To the file's own bytes, as an attachment with its original name."""
        return _elsewhere(download_url(library, await in_thread(library.files.whole, actor_of(request), file_id)))

    @router.post("/{file_id}/trigger-variants", response_model=AlreadyTriggered | Triggered)
    @scope("files.write")
    async def trigger_variants(request: Request, file_id: UUID) -> Response:
        """Have a picture's sizes made again."""
        making = await in_thread(library.files.make_variants, actor_of(request), file_id)
        common: dict[str, Any] = {
            "success": True,
            "task_id": str(making.run_uuid),
            "current_status": "processing" if making.is_held else "queued",
            "image_id": str(file_id),
        }
        if making.was_under_way:
            message = "Variant generation already in progress"
            return json_response(AlreadyTriggered(message=message, skipped_duplicate=True, **common))
        return json_response(Triggered(message="Variant generation triggered", **common))

    return router


def _detail(library: Library, actor: Actor, reference: str) -> FileDetail:
    return file_detail(library, library.files.detail(actor, reference))


def _elsewhere(url: str) -> Response:
    return Response(status_code=302, headers={"Location": url, "Cache-Control": "no-store"})

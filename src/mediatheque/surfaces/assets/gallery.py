"""`/api/v1/public/assets`: the public assets of one tenant, open to everybody (contract, 2.4)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mediatheque.core.library import Library
from mediatheque.model import Filter
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.library import DEFAULT_PAGE_SIZE, clamped, text_of
from mediatheque.surfaces.assets.objects import GalleryItem, GalleryObject, gallery_item, gallery_object
from mediatheque.surfaces.assets.shapes import TERMS, Envelope, Shape, enveloped, to_uuid
from mediatheque.surfaces.http import OPEN, Porch, in_thread


class GalleryList(Shape):
    items: list[GalleryItem]
    page: int
    page_size: int
    total: int


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Porch, prefix="/api/v1/public/assets", tags=["gallery"], responses=ERRORS)

    @router.get("", response_model=Envelope[GalleryList], openapi_extra=OPEN)
    async def list_gallery(
        page: int = 1,
        page_size: Annotated[int, Query(alias="pageSize")] = DEFAULT_PAGE_SIZE,
        query: str = "",
        content_type: Annotated[str, Query(alias="contentType")] = "",
    ) -> Response:
        """A page of public, ready assets, newest first."""
        page, page_size = clamped(page, page_size)
        narrow = Filter(text_of(query), text_of(content_type).lower())
        found = await in_thread(library.catalogue.gallery, TERMS, narrow, page=page, page_size=page_size)
        items = [gallery_item(library, it) for it in found.assets]
        return enveloped(GalleryList(items=items, page=page, page_size=page_size, total=found.total))

    @router.get("/{asset_id}", response_model=Envelope[GalleryObject], openapi_extra=OPEN)
    async def get_gallery_asset(asset_id: str) -> Response:
        """A public, ready asset with its derivatives."""
        detail = await in_thread(library.catalogue.gallery_detail, to_uuid(asset_id))
        return enveloped(gallery_object(library, detail))

    return router

"""`/v3/images`: the tenant's public image library (contract, 1.3)."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from mediatheque.core.intake import Upload
from mediatheque.core.library import Library
from mediatheque.model import Actor
from mediatheque.surfaces.forms import Form, received
from mediatheque.surfaces.http import Door, actor_of, in_reader, in_thread, json_response, once, scope, streaming
from mediatheque.surfaces.images.documents import ERRORS, UPLOAD_BODY
from mediatheque.surfaces.images.shapes import (
    TERMS,
    FolderList,
    ImageChange,
    ImageList,
    ImageResponse,
    render_error,
    shape,
    to_uuid,
)

MAX_PAGE = 1 << 31


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["images"])

    @scope("images.read")
    async def list_images(
        request: Request,
        folder: str | None = None,
        search: Annotated[str | None, Query(max_length=TERMS.max_text_chars)] = None,
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=100)] = 25,
    ) -> Response:
        """The tenant's images, newest first."""
        found = await in_thread(
            library.assets.page, actor_of(request), TERMS, folder=folder or None, search_text=search or None,
            page=page, page_size=page_size,
        )  # fmt: skip
        shown = [shape(library, it) for it in found.assets]
        return json_response(ImageList(result=shown, total=found.total, page=page, page_size=page_size))

    @scope("images.write")
    @streaming
    async def upload_image(request: Request) -> Response:
        """Upload an image: JPEG, PNG, GIF or WebP of at most 10 MB."""
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        async with received(request, partial(library.intake.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key, request.state.request_id)

    @scope("images.read")
    async def list_folders(request: Request) -> Response:
        """Names of the folders in use."""
        return json_response(FolderList(folders=await in_thread(library.assets.folders, actor_of(request), TERMS)))

    @scope("images.read")
    async def get_image(request: Request, image_id: str) -> Response:
        """One image."""
        it = await in_reader(library.assets.get, actor_of(request), TERMS, to_uuid(image_id))
        return json_response(shape(library, it))

    @scope("images.write")
    async def change_image(request: Request, image_id: str, change: ImageChange) -> Response:
        """Change the alt text or the folder."""
        changes = change.model_dump(exclude_unset=True)
        it = await in_thread(library.assets.change, actor_of(request), TERMS, to_uuid(image_id), changes)
        return json_response(shape(library, it))

    @scope("images.write")
    async def delete_image(request: Request, image_id: str) -> Response:
        """Delete an image for good; its public URL answers 410 from then on."""
        await in_thread(library.assets.erase, actor_of(request), TERMS, to_uuid(image_id))
        return Response(status_code=204)

    for slash in ("", "/"):
        add = partial(_add, router, slash)
        add("/v3/images", list_images, "GET", ImageList)
        add("/v3/images", upload_image, "POST", ImageResponse, status_code=201, openapi_extra=UPLOAD_BODY)
        add("/v3/images/folders", list_folders, "GET", FolderList)
        add("/v3/images/{image_id}", get_image, "GET", ImageResponse)
        add("/v3/images/{image_id}", change_image, "PATCH", ImageResponse)
        add("/v3/images/{image_id}", delete_image, "DELETE", None, status_code=204)
    return router


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str) -> Response:
    upload = Upload(form.filename, form.fields.get("alt_text"), form.fields.get("folder"))
    request = ("POST /v3/images", form.staged.sha256, form.filename, json.dumps(form.fields, sort_keys=True))
    return once(
        library,
        actor,
        key,
        request,
        lambda remembering: library.intake.upload(actor, TERMS, form.staged, upload, remembering=remembering),
        status=201,
        render=lambda it: shape(library, it).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )


def _add(
    router: APIRouter,
    slash: str,
    path: str,
    endpoint: Callable[..., Awaitable[Response]],
    method: str,
    model: type[BaseModel] | None,
    **options: Any,
) -> None:
    name = endpoint.__name__ + ("_slash" if slash else "")
    router.add_api_route(
        path + slash, endpoint, methods=[method], response_model=model, name=name, responses=ERRORS, **options
    )

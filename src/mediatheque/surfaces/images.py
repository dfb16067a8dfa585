"""ScaiSend's "Images": the tenant's public image library under `/v3/images` and its proxy `/i/{id}` (contract, 1)."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from ulid import ULID

from mediatheque.core.assets import Upload
from mediatheque.core.library import Library
from mediatheque.core.media import ORIGINAL, VARIANTS
from mediatheque.errors import (
    BadRequest,
    Invalid,
    LibraryError,
    MethodNotAllowed,
    NotFound,
    RangeNotSatisfiable,
    Unauthorized,
)
from mediatheque.model import Actor, Asset, Terms
from mediatheque.surfaces.delivery import Delivery, Entry
from mediatheque.surfaces.forms import Form, received
from mediatheque.surfaces.headers import MEDIA, request_id
from mediatheque.surfaces.http import (
    AsgiApp,
    Door,
    Receive,
    Send,
    Surface,
    actor_of,
    in_thread,
    json_response,
    once,
    scope,
    streaming,
)

TERMS = Terms(
    surface="images",
    media_types=frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
    max_bytes=10 * 1024 * 1024,
    is_public=True,
)
MAX_PAGE = 1 << 31
IMMUTABLE = b"public, max-age=31536000, immutable"
VARIANT_WAIT_SECONDS = 2.0
VARIANT_LOOK_SECONDS = 0.05

_PREFIX = "img_"


class ImageResponse(BaseModel):
    """Exactly the thirteen keys of the reference, nulls included."""

    id: str
    filename: str
    original_filename: str
    content_type: str
    size: int
    width: int
    height: int
    url: str
    thumbnail_url: str
    alt_text: str | None
    folder: str | None
    created_at: str
    updated_at: str


class ImageList(BaseModel):
    result: list[ImageResponse]
    total: int
    page: int
    page_size: int


class FolderList(BaseModel):
    folders: list[str]


class ImageChange(BaseModel):
    """Omitted: unchanged; null: cleared."""

    alt_text: str | None = None
    folder: str | None = None


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
        async with received(request, partial(library.assets.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key)

    @scope("images.read")
    async def list_folders(request: Request) -> Response:
        """Names of the folders in use."""
        return json_response(FolderList(folders=await in_thread(library.assets.folders, actor_of(request), TERMS)))

    @scope("images.read")
    async def get_image(request: Request, image_id: str) -> Response:
        """One image."""
        it = await in_thread(library.assets.get, actor_of(request), TERMS, to_uuid(image_id))
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
        add("/v3/images", upload_image, "POST", ImageResponse, status_code=201, openapi_extra=_UPLOAD_BODY)
        add("/v3/images/folders", list_folders, "GET", FolderList)
        add("/v3/images/{image_id}", get_image, "GET", ImageResponse)
        add("/v3/images/{image_id}", change_image, "PATCH", ImageResponse)
        add("/v3/images/{image_id}", delete_image, "DELETE", None, status_code=204)
    return router


def proxy(library: Library) -> AsgiApp:
    """`/i/{id}`: the bytes of a public image, open to everybody."""
    delivery = Delivery(library.media, library.generations, IMMUTABLE)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001
        key = scope["path"], scope["query_string"]
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            entry = delivery.hot(key) or await _look(library, delivery, key)
            await delivery.answer(entry, scope, send)
        except LibraryError as error:
            await _refuse(error, scope["method"], send)

    return serve


def shape(library: Library, it: Asset) -> ImageResponse:
    public_id = from_uuid(it.uuid)
    url = f"{library.base_url}/i/{public_id}"
    return ImageResponse(
        id=public_id,
        filename=it.filename,
        original_filename=it.original_filename,
        content_type=it.blob.media_type,
        size=it.blob.size_bytes,
        width=it.blob.width or 0,
        height=it.blob.height or 0,
        url=url,
        thumbnail_url=f"{url}?variant=thumbnail",
        alt_text=it.alt_text,
        folder=it.folder,
        created_at=_moment(it.created_at),
        updated_at=_moment(it.updated_at),
    )


def render_error(error: LibraryError, request_id: str) -> Response:  # noqa: ARG001
    """`{"detail": text}`; of an invalid value the list of FastAPI's kind."""
    detail: Any = error.message
    if isinstance(error, Unauthorized):
        detail = _UNAUTHORIZED[error.reason]
    elif isinstance(error, Invalid):
        detail = [{"loc": list(error.field), "msg": error.message, "type": error.kind}]
    return Response(json.dumps({"detail": detail}), error.status, media_type="application/json")


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:  # noqa: ARG001
    return Response(json.dumps({"detail": problems}), 422, media_type="application/json")


def to_uuid(image_id: str) -> UUID:
    """The UUID behind an `img_` id; raises `NotFound` for anything that we did not make."""
    try:
        uuid = ULID.from_str(image_id.removeprefix(_PREFIX)).to_uuid()
    except ValueError:
        raise NotFound from None
    if from_uuid(uuid) != image_id:
        raise NotFound
    return uuid


def from_uuid(uuid: UUID) -> str:
    """`img_` and the UUID as 26 characters of Crockford's base 32."""
    return f"{_PREFIX}{ULID.from_uuid(uuid)}"


def _upload(library: Library, actor: Actor, form: Form, key: str | None) -> Response:
    upload = Upload(form.filename, form.fields.get("alt_text"), form.fields.get("folder"))
    request = ("POST /v3/images", form.staged.sha256, form.filename, json.dumps(form.fields, sort_keys=True))
    return once(
        library,
        actor,
        key,
        request,
        lambda remembering: library.assets.upload(actor, TERMS, form.staged, upload, remembering=remembering),
        status=201,
        render=lambda it: shape(library, it).model_dump_json(),
        render_error=render_error,
    )


async def _look(library: Library, delivery: Delivery, key: tuple[str, bytes]) -> Entry:
    """Find the object; wait up to two seconds for a variant that is still being made (decisions 7)."""
    path, query = key
    uuid = to_uuid(path.removeprefix("/i/"))
    find = partial(library.media.public, uuid, _variant(query))
    deadline = time.monotonic() + VARIANT_WAIT_SECONDS
    while True:
        entry = await delivery.look(key, uuid, find)
        if entry.served.is_final or time.monotonic() > deadline:
            return entry
        await asyncio.sleep(VARIANT_LOOK_SECONDS)


def _variant(query: bytes) -> str:
    names = [value for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if name == "variant"]
    if not names:
        return ORIGINAL
    if len(names) > 1 or names[0] not in VARIANTS:
        raise BadRequest("Unknown variant")
    return names[0]


async def _refuse(error: LibraryError, method: str, send: Send) -> None:
    body = bytes(render_error(error, "").body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id()),
        *MEDIA,
    ]
    if isinstance(error, RangeNotSatisfiable):
        headers.append((b"content-range", f"bytes */{error.size_bytes}".encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", b"GET, HEAD"))
    if error.retry_after_seconds:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


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
        path + slash, endpoint, methods=[method], response_model=model, name=name, responses=_ERRORS, **options
    )


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


_UNAUTHORIZED = {
    Unauthorized.MISSING: "Missing Authorization header",
    Unauthorized.INVALID_KEY: "Invalid API key",
    Unauthorized.EXPIRED_KEY: "Invalid API key",
    Unauthorized.EXPIRED_TOKEN: "JWT expired",
    Unauthorized.INVALID_TOKEN: "JWT signature invalid",
}
_DETAIL = {"application/json": {"schema": {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": _DETAIL}
    for status, description in {
        400: "Unsupported MIME type, malformed image or request",
        401: "No credential, or one that does not count",
        403: "The credential lacks the scope",
        404: "Not found",
        405: "Method not allowed",
        409: "The first request with this Idempotency-Key is still running",
        413: "File exceeds 10 MB, or the storage quota is used up",
        415: "The body carries a Content-Encoding",
        422: "Invalid value",
        429: "Rate limit exceeded",
        503: "Service unavailable",
        507: "Storage is full",
    }.items()
}
_UPLOAD_BODY = {
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 255}}
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                        "alt_text": {"type": "string", "maxLength": TERMS.max_text_chars},
                        "folder": {"type": "string"},
                    },
                }
            }
        },
    },
}
_PROXY_PARAMETERS = [
    {"name": "image_id", "in": "path", "required": True, "schema": {"type": "string"}},
    {"name": "variant", "in": "query", "schema": {"type": "string", "enum": sorted(VARIANTS)}},
]
_PROXY_ANSWERS = {
    "200": {"description": "The image", "content": {media_type: {} for media_type in sorted(TERMS.media_types)}},
    "206": {"description": "A byte range of it"},
    "304": {"description": "Not modified"},
    **{
        status: {"description": description, "content": _DETAIL}
        for status, description in {
            "400": "Unknown variant", "404": "Never existed, or not public", "410": "Deleted",
            "416": "Range beyond the end", "503": "Service unavailable",
        }.items()
    },
}  # fmt: skip

SURFACE = Surface(
    name="images",
    prefixes=("/v3/", "/i/"),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
    hot={"/i/": proxy},
    hot_paths={
        "/i/{image_id}": {
            method: {
                "tags": ["images"],
                "operationId": f"{method}_image_bytes",
                "summary": "The bytes of a public image",
                "parameters": _PROXY_PARAMETERS,
                "responses": _PROXY_ANSWERS,
                "security": [],
            }
            for method in ("get", "head")
        }
    },  # fmt: skip
)

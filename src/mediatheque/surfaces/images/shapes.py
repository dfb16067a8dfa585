"""ScaiSend's words: its limits, its image object, its ids and the shape of its errors (contract, 1.1 and 1.2)."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel

from mediatheque.core.ids import from_ulid, to_ulid
from mediatheque.core.library import Library
from mediatheque.errors import Invalid, LibraryError, NotFound, Unauthorized
from mediatheque.model import Asset, Terms

TERMS = Terms(
    surface="images",
    media_types=frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
    max_bytes=10 * 1024 * 1024,
    is_public=True,
    shows_private=False,
    enriches_unasked=True,
)

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


def shape(library: Library, it: Asset) -> ImageResponse:
    public_id = from_uuid(it.uuid)
    url = f"{library.base_url}/i/{public_id}"
    return ImageResponse(
        id=public_id,
        filename=it.filename,
        original_filename=it.original_filename or it.filename,
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
        detail = _UNAUTHORIZED.get(error.reason, _UNAUTHORIZED[Unauthorized.INVALID_TOKEN])
    elif isinstance(error, Invalid):
        detail = [{"loc": list(error.field), "msg": error.message, "type": error.kind}]
    return Response(json.dumps({"detail": detail}), error.status, media_type="application/json")


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:  # noqa: ARG001
    return Response(json.dumps({"detail": problems}), 422, media_type="application/json")


def to_uuid(image_id: str) -> UUID:
    """The UUID behind an `img_` id; raises `NotFound` for anything that we did not make."""
    if not image_id.startswith(_PREFIX):
        raise NotFound
    return from_ulid(image_id.removeprefix(_PREFIX))


def from_uuid(uuid: UUID) -> str:
    """`img_` and the UUID as 26 characters of Crockford's base 32."""
    return _PREFIX + to_ulid(uuid)


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


_UNAUTHORIZED = {
    Unauthorized.MISSING: "Missing Authorization header",
    Unauthorized.INVALID_KEY: "Invalid API key",
    Unauthorized.EXPIRED_KEY: "Invalid API key",
    Unauthorized.EXPIRED_TOKEN: "JWT expired",
    Unauthorized.INVALID_TOKEN: "JWT signature invalid",
}

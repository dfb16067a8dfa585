"""Figur's "Upload an input image": `POST /v1/uploads` (contract, 5)."""

import json
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.assets import Upload, upload_key
from mediatheque.core.library import Library
from mediatheque.errors import Forbidden, Invalid, LibraryError, Malformed, Unauthorized, Unsupported
from mediatheque.model import Actor, Asset, Terms
from mediatheque.surfaces.forms import Form, form_document, received
from mediatheque.surfaces.http import Door, Surface, actor_of, in_thread, once, scope, streaming
from mediatheque.surfaces.signed import signed_url

TERMS = Terms(
    surface="uploads",
    media_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
    max_bytes=25 * 1024 * 1024,
    is_public=False,
)


class UploadResponse(BaseModel):
    """The durable handle, and a preview URL that is good for an hour and is no handle."""

    upload_key: str
    image_url: str


class Problem(BaseModel):
    code: str
    message: str
    request_id: str


class ErrorResponse(BaseModel):
    """Every refusal; a 422 has FastAPI's `detail` beside it."""

    error: Problem


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["uploads"])

    @router.post(
        "/v1/uploads",
        response_model=UploadResponse,
        responses={
            status: {"model": ErrorResponse} for status in (400, 401, 403, 405, 409, 413, 415, 422, 429, 503, 507)
        },
        openapi_extra=form_document({}),
    )
    @scope("uploads.create")
    @streaming
    async def upload_input_image(request: Request) -> Response:
        """Store an input image: JPEG, PNG or WebP of at most 25 MB."""
        actor, key = actor_of(request), request.headers.get("idempotency-key")
        async with received(request, partial(library.assets.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key, request.state.request_id)

    return router


def render_error(error: LibraryError, request_id: str) -> Response:
    if isinstance(error, (Unsupported, Malformed)):
        return _refusal(422, "VALIDATION_ERROR", error.message, request_id, [_detail(("body", "file"), error)])
    if isinstance(error, Invalid):
        return _refusal(422, "VALIDATION_ERROR", error.message, request_id, [_detail(error.field, error)])
    message = "Missing or invalid credential" if isinstance(error, Unauthorized) else error.message
    return _refusal(error.status, _CODES.get(error.code, error.code.upper()), message, request_id, None)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:
    return _refusal(422, "VALIDATION_ERROR", "Invalid request", request_id, problems)


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str) -> Response:
    return once(
        library,
        actor,
        key,
        ("POST /v1/uploads", form.staged.sha256, form.filename),
        lambda remembering: library.assets.upload(
            actor, TERMS, form.staged, Upload(form.filename), remembering=remembering
        ),
        status=200,
        render=partial(_shape, library),
        render_error=render_error,
        request_id=request_id,
    )


def _shape(library: Library, it: Asset) -> str:
    return UploadResponse(upload_key=upload_key(it), image_url=signed_url(library, it)).model_dump_json()


def _detail(place: tuple[str, ...], error: LibraryError) -> dict[str, Any]:
    return {"loc": list(place), "msg": error.message, "type": getattr(error, "kind", error.code)}


def _refusal(status: int, code: str, message: str, request_id: str, detail: list[dict[str, Any]] | None) -> Response:
    body: dict[str, Any] = {"error": {"code": code, "message": message, "request_id": request_id}}
    if detail is not None:
        body["detail"] = detail
    return Response(json.dumps(body), status, media_type="application/json")


_CODES = {
    "unauthorized": "UNAUTHORIZED",
    Forbidden.code: "FORBIDDEN",
    "not_found": "RESOURCE_NOT_FOUND",
    "too_large": "PAYLOAD_TOO_LARGE",
    "quota_exceeded": "PAYLOAD_TOO_LARGE",
    "rate_limited": "RATE_LIMITED",
    "unavailable": "SERVICE_UNAVAILABLE",
    "storage_full": "STORAGE_FULL",
    "internal": "INTERNAL_ERROR",
}

SURFACE = Surface(
    name="uploads",
    prefixes=("/v1/uploads",),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

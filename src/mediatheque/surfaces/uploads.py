"""Figur's "Upload an input image": `POST /v1/uploads` (contract, 5)."""

from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.intake import Upload, upload_key
from mediatheque.core.library import Library
from mediatheque.model import Actor, Asset, Terms
from mediatheque.surfaces.figur import ErrorResponse, render_error, render_invalid
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
        async with received(request, partial(library.intake.stage, TERMS), TERMS.max_bytes) as form:
            return await in_thread(_upload, library, actor, form, key, request.state.request_id)

    return router


def _upload(library: Library, actor: Actor, form: Form, key: str | None, request_id: str) -> Response:
    return once(
        library,
        actor,
        key,
        ("POST /v1/uploads", form.staged.sha256, form.filename),
        lambda remembering: library.intake.upload(
            actor, TERMS, form.staged, Upload(form.filename), remembering=remembering
        ),
        status=200,
        render=partial(_shape, library),
        render_error=render_error,
        request_id=request_id,
    )


def _shape(library: Library, it: Asset) -> str:
    return UploadResponse(upload_key=upload_key(it), image_url=signed_url(library, it)).model_dump_json()


SURFACE = Surface(
    name="uploads",
    prefixes=("/v1/uploads",),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

"""`upload/initiate`, the signed PUT, and `upload/confirm` (contract, 3.2 and 10)."""

import re
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.library import Library
from mediatheque.core.presigning import Confirmed, Promised
from mediatheque.core.promises import spelled
from mediatheque.errors import Conflict, Forbidden, Invalid, UnsupportedEncoding
from mediatheque.model import Actor
from mediatheque.surfaces.files.errors import render_error
from mediatheque.surfaces.files.terms import PRESIGNED_TERMS
from mediatheque.surfaces.files.uploads import ERRORS
from mediatheque.surfaces.files.wishes import FIELDS, wishes_in
from mediatheque.surfaces.forms import fields_of, staged_body
from mediatheque.surfaces.http import (
    OPEN,
    Door,
    Porch,
    actor_of,
    creating,
    in_thread,
    json_response,
    once,
    polled,
    scope,
    streaming,
)
from mediatheque.surfaces.signed import SIGNED, UPLOADS, bound_to, put_url, signature_in

PATH = "/api/v2/user-files/upload"
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
CONFIRMING_SECONDS = 60
"""How long a confirmation waits for another one of the same upload: longer than a dead one's lease."""


class InitiateResponse(BaseModel):
    upload_url: str
    upload_method: str
    upload_fields: dict[str, str] | None
    upload_headers: dict[str, str] | None
    object_key: str
    image_id: UUID
    expires_at: str
    max_size_bytes: int
    thumbnail_url: None
    variant_urls: None


class ConfirmRequest(BaseModel):
    object_key: str = Field(max_length=1024)
    size_bytes: int = Field(ge=0)
    image_id: UUID


class ConfirmResponse(BaseModel):
    image_id: UUID
    description_status: str
    title: str | None
    tags: list[str]


_FORM = {
    "type": "object",
    "required": ["filename", "content_type", "size_bytes"],
    "properties": {
        "filename": {"type": "string", "maxLength": 255},
        "content_type": {"type": "string", "enum": [*sorted(PRESIGNED_TERMS.media_types), "image/jpg"]},
        "size_bytes": {"type": "integer", "minimum": 1, "maximum": PRESIGNED_TERMS.max_bytes},
        **{name: FIELDS[name] for name in ("title", "tags", "auto_describe")},
    },
}
_KEY_HEADER = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
_INITIATE = {
    "parameters": [_KEY_HEADER],
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": _FORM} for kind in ("multipart/form-data", "application/x-www-form-urlencoded")},
    },
}
BYTES = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    router.include_router(_behind_the_door(library))
    router.include_router(_open(library))
    return router


def _behind_the_door(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=PATH, tags=["files"], responses=ERRORS)

    @router.post("/initiate", response_model=InitiateResponse, openapi_extra=_INITIATE)
    @scope("files.write")
    async def initiate_upload(request: Request) -> Response:
        """A URL for the bytes of one image, good for an hour."""
        fields, key = await fields_of(request), request.headers.get("idempotency-key")
        return await in_thread(_initiate, library, actor_of(request), fields, key, request.state.request_id)

    @router.post("/confirm", response_model=ConfirmResponse)
    @scope("files.write")
    @creating()
    async def confirm_upload(request: Request, body: ConfirmRequest) -> Response:
        """The bytes have been sent: make them a file. The same answer again for one that was confirmed."""
        actor = actor_of(request)
        made = await polled(
            lambda: library.presigning.confirm(actor, body.image_id, body.object_key, body.size_bytes),
            CONFIRMING_SECONDS,
        )
        if made is None:
            raise Conflict("The upload is being confirmed")
        return json_response(_confirmed(made))

    return router


def _open(library: Library) -> APIRouter:
    router = APIRouter(route_class=Porch, prefix=PATH, tags=["files"], responses=ERRORS)

    @router.put("/bytes/{upload_id}", openapi_extra=OPEN | BYTES | SIGNED)
    @streaming
    async def put_bytes(request: Request, upload_id: UUID) -> Response:
        """The bytes of an initiated upload; the signature is the permission."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedEncoding
        signature = signature_in(request.scope["query_string"])
        it = await in_thread(library.presigning.awaited, upload_id)
        bound = bound_to(it.media_type, it.size_bytes)
        library.signer.verify("PUT", f"{UPLOADS}/{upload_id}", signature, content_type=bound)
        if spelled(request.headers.get("content-type", it.media_type)) != it.media_type:
            raise Forbidden("Another Content-Type than was signed")
        async with staged_body(request, lambda: library.presigning.stage(it), it.size_bytes) as staged:
            await in_thread(library.presigning.receive, it, staged)
            return Response(status_code=200, headers={"ETag": f'"{staged.sha256}"'})

    return router


def _initiate(library: Library, actor: Actor, fields: dict[str, str], key: str | None, request_id: str) -> Response:
    for name in ("filename", "content_type", "size_bytes"):
        if not fields.get(name, "").strip():
            raise Invalid("Field required", field=("body", name), kind="missing")
    if not _INTEGER.fullmatch(fields["size_bytes"].strip()):
        raise Invalid("Input should be a valid integer", field=("body", "size_bytes"), kind="int_parsing")
    wishes = wishes_in({name: fields[name] for name in ("title", "tags", "auto_describe") if name in fields})
    return once(
        library,
        actor,
        key,
        (f"POST {PATH}/initiate", repr(sorted(fields.items()))),
        lambda remembering: library.presigning.promise(
            actor,
            PRESIGNED_TERMS,
            wishes,
            filename=fields["filename"],
            media_type=fields["content_type"],
            size_bytes=int(fields["size_bytes"]),
            remembering=remembering,
        ),
        status=200,
        render=lambda made: _promised(library, made).model_dump_json(),
        render_error=render_error,
        request_id=request_id,
    )


def _promised(library: Library, made: Promised) -> InitiateResponse:
    return InitiateResponse(
        upload_url=put_url(library, made),
        upload_method="PUT",
        upload_fields=None,
        upload_headers={"Content-Type": made.media_type},
        object_key=made.object_key,
        image_id=made.uuid,
        expires_at=made.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        max_size_bytes=PRESIGNED_TERMS.max_bytes,
        thumbnail_url=None,
        variant_urls=None,
    )


def _confirmed(made: Confirmed) -> ConfirmResponse:
    wishes = made.wishes
    return ConfirmResponse(
        image_id=made.uuid,
        description_status="pending" if wishes.auto_describe else "skipped",
        title=wishes.title,
        tags=list(wishes.tags),
    )

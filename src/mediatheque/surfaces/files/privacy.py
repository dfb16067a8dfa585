"""What a tenant decides about metadata, erasing with a signed record, and provenance (our own; docs/privacy.md)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.erasing import MAX_REASON_CHARS, Recorded
from mediatheque.core.library import Library
from mediatheque.privacy import MetadataPolicy
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

MAX_PAGE = 1 << 31


class Privacy(BaseModel):
    metadata_policy: MetadataPolicy


class Wish(BaseModel):
    """`reason` stays on record and is signed: no place for personal data."""

    reason: Annotated[str | None, Field(max_length=MAX_REASON_CHARS)] = None


class ErasureObject(BaseModel):
    """`signature`: Ed25519 in base64, by the key `key_id`, over `signed`, UTF-8. `is_complete` false: a store does not
    answer and still has bytes, which a worker removes. `is_genuine` null: signed with a secret that is not there any
    more. `sha256` and `size_bytes` are null of a file that had been deleted before; `erased_by` of the operator."""

    id: UUID
    file_id: UUID
    kind: str
    sha256: str | None
    size_bytes: int | None
    derived_from: UUID | None
    erased_at: str
    erased_by: UUID | None
    reason: str | None
    is_complete: bool
    is_genuine: bool | None
    key_id: str
    signature: str
    signed: str


class Erased(BaseModel):
    """The file's own record, and those of files that workflows had made of it."""

    erasure: ErasureObject
    derived: list[ErasureObject]


class ErasureList(BaseModel):
    """Newest first. `public_keys`: by key id, the 32 bytes in base64."""

    erasures: list[ErasureObject]
    total: int
    page: int
    page_size: int
    public_keys: dict[str, str]


class ProvenanceObject(BaseModel):
    """What the C2PA manifest in the file's own bytes says. `is_present` null: that cannot be told of this type without
    the extra `provenance`; `is_read` false: it is not installed, or the manifest cannot be read.

    `state` is `Valid`, `Trusted` or `Invalid`: whether signature and hashes hold; `problems` are C2PA's codes for what
    does not. Nothing is asked for over the network, and no authority is trusted by itself.
    """

    file_id: UUID
    media_type: str
    sha256: str
    is_present: bool | None
    is_read: bool
    state: str | None
    problems: list[str]
    claim_generator: str | None
    title: str | None
    signed_by: str | None
    signed_at: str | None
    actions: list[str]
    source_types: list[str]
    ingredients: list[str]
    manifest_store: dict[str, Any] | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2", tags=["privacy"], responses=ERRORS)

    @router.get("/privacy", response_model=Privacy)
    @scope("settings.read")
    async def get_privacy(request: Request) -> Response:
        """What becomes of the metadata in pictures and videos that come in."""
        return json_response(Privacy(metadata_policy=await in_thread(library.policies.own, actor_of(request))))

    @router.put("/privacy", response_model=Privacy)
    @scope("settings.update")
    async def set_privacy(request: Request, body: Privacy) -> Response:
        """Decide it for what comes in from now on."""
        policy = await in_thread(library.policies.decide, actor_of(request), body.metadata_policy)
        return json_response(Privacy(metadata_policy=policy))

    @router.post("/user-files/{file_id}/erase", response_model=Erased)
    @scope("assets.delete")
    async def erase_file(request: Request, file_id: UUID, body: Wish | None = None) -> Response:
        """Erase a file for good, also out of the trash, with all that was made of it; a signed record stays."""
        reason = body.reason if body else None
        found = await in_thread(library.erasing.erase, actor_of(request), file_id, reason=reason)
        first, *others = map(_shape, found)
        return json_response(Erased(erasure=first, derived=others))

    @router.get("/erasures", response_model=ErasureList)
    @scope("settings.read")
    async def list_erasures(
        request: Request,
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
        page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Response:
        """What is on record of files that were erased."""
        found, total = await in_thread(library.erasing.page, actor_of(request), page=page, page_size=page_size)
        return json_response(
            ErasureList(
                erasures=[_shape(it) for it in found],
                total=total,
                page=page,
                page_size=page_size,
                public_keys=dict(library.erasing.notary.public_keys),
            )
        )

    @router.get("/user-files/{file_id}/provenance", response_model=ProvenanceObject)
    @scope("files.read")
    async def get_provenance(request: Request, file_id: UUID) -> Response:
        """Where a file says it comes from: its C2PA manifest, read and validated now."""
        found = await in_thread(library.provenance.of, actor_of(request), file_id)
        return json_response(ProvenanceObject(file_id=file_id, **found))

    return router


def _shape(it: Recorded) -> ErasureObject:
    made = it.erasure
    return ErasureObject(
        id=made.id,
        file_id=made.asset_id,
        kind=made.kind,
        sha256=made.sha256,
        size_bytes=made.size_bytes,
        derived_from=made.derived_from,
        erased_at=moment(made.erased_at),
        erased_by=made.erased_by,
        reason=made.reason,
        is_complete=it.is_complete,
        is_genuine=it.is_genuine,
        key_id=it.key_id,
        signature=it.signature,
        signed=made.signed_bytes().decode(),
    )

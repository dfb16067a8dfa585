"""Links by which anybody can read an artifact for a while: made, listed, taken back, and `/v1/shared/{share_id}`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mediatheque.authoring import Share
from mediatheque.core.library import Library
from mediatheque.core.signing import Signature
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import NewShareBody, asked_in, described, room_uuid, uuid_in
from mediatheque.surfaces.artifacts.errors import ERRORS, render_error
from mediatheque.surfaces.artifacts.shapes import Deleted, Many, One, ShareObject, VersionObject, many
from mediatheque.surfaces.http import OPEN, Door, Porch, actor_of, in_thread, json_response, once, scope

PATH = "/v1/shared"


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    router.include_router(_behind_the_door(library))
    router.include_router(_open(library))
    return router


def _behind_the_door(library: Library) -> APIRouter:
    prefix = "/v1/rooms/{room_id}/artifacts/{artifact_id}/shares"
    router = APIRouter(route_class=Door, prefix=prefix, tags=["artifacts"], responses=ERRORS)
    shares = library.authoring.shares

    @router.post(
        "", status_code=201, response_model=One[ShareObject], openapi_extra=described(NewShareBody, creates=True)
    )
    @scope("artifacts.write")
    async def share_artifact(request: Request, room_id: str, artifact_id: str) -> Response:
        """A link that shows the artifact to anybody who has it, until it expires."""
        actor, key, identity = actor_of(request), request.headers.get("idempotency-key"), request.state.request_id
        asked, digest = await asked_in(request, NewShareBody, NewShareBody.asked)
        room, artifact = room_uuid(room_id), uuid_in(artifact_id)

        def make() -> Response:
            return once(
                library, actor, key, (f"POST {request.url.path}", digest),
                lambda remembering: shares.make(actor, room, artifact, asked, remembering=remembering),
                status=201, render=lambda it: One(data=_shape(library, it)).model_dump_json(),
                render_error=render_error, request_id=identity,
            )  # fmt: skip

        return await in_thread(make)

    @router.get("", response_model=Many[ShareObject])
    @scope("artifacts.write")
    async def list_shares(request: Request, room_id: str, artifact_id: str) -> Response:
        """Links that are still good, newest first."""
        found = await in_thread(shares.all, actor_of(request), room_uuid(room_id), uuid_in(artifact_id))
        return json_response(many([_shape(library, it) for it in found], len(found), max(len(found), 1), 0))

    @router.delete("/{share_id}", response_model=One[Deleted])
    @scope("artifacts.write")
    async def revoke_share(request: Request, room_id: str, artifact_id: str, share_id: str) -> Response:
        """Take a link back; it ends at once."""
        await in_thread(shares.revoke, actor_of(request), room_uuid(room_id), uuid_in(artifact_id), uuid_in(share_id))
        return json_response(One(data=Deleted(id=share_id)))

    return router


def _open(library: Library) -> APIRouter:
    router = APIRouter(route_class=Porch, prefix=PATH, tags=["artifacts"], responses=ERRORS)

    @router.get("/{share_id}", response_model=One[VersionObject], openapi_extra=OPEN)
    async def open_share(
        share_id: str,
        expires: Annotated[int, Query()] = 0,
        key: Annotated[str, Query()] = "",
        signature: Annotated[str, Query()] = "",
    ) -> Response:
        """What a link shows; the signature is the permission. Files that the text refers to come as signed URLs."""
        library.signer.verify("GET", f"{PATH}/{share_id}", Signature(expires, key, signature))
        it = await in_thread(library.authoring.shares.open, UUID(share_id))
        answer = json_response(One(data=shapes.version(library, it, is_resolved=True)))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return router


def _shape(library: Library, it: Share) -> ShareObject:
    path = f"{PATH}/{it.uuid}"
    signature = library.signer.sign_until(it.expires_at, "GET", path)
    return shapes.share(it, f"{library.base_url}{path}?{signature.query()}")

"""`/v1/rooms` and who is in them (running.md, "Rooms and the AI's tools")."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mediatheque.authoring import Room
from mediatheque.core.library import Library
from mediatheque.surfaces.artifacts import shapes
from mediatheque.surfaces.artifacts.bodies import (
    MemberBody,
    NewRoom,
    RoomChanges,
    asked_in,
    described,
    room_uuid,
    uuid_in,
)
from mediatheque.surfaces.artifacts.errors import ERRORS, render_error
from mediatheque.surfaces.artifacts.shapes import Many, MemberObject, One, Removed, RoomObject, many
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, once, scope

MAX_LIMIT, USUAL_LIMIT, MAX_OFFSET = 1000, 200, 10_000_000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/v1/rooms", tags=["rooms"], responses=ERRORS)
    rooms = library.authoring.rooms

    @router.post("", status_code=201, response_model=One[RoomObject], openapi_extra=described(NewRoom, creates=True))
    @scope("artifacts.write")
    async def create_room(request: Request) -> Response:
        """A new room, of which the caller is a member with power 100."""
        actor, key, identity = actor_of(request), request.headers.get("idempotency-key"), request.state.request_id
        asked, digest = await asked_in(request, NewRoom, lambda it: it.name)

        def make() -> Response:
            return once(
                library, actor, key, ("POST /v1/rooms", digest),
                lambda remembering: rooms.make(actor, asked, remembering=remembering),
                status=201, render=_rendered, render_error=render_error, request_id=identity,
            )  # fmt: skip

        return await in_thread(make)

    @router.get("", response_model=Many[RoomObject])
    @scope("artifacts.read")
    async def list_rooms(request: Request, limit: Limit = USUAL_LIMIT, offset: Offset = 0) -> Response:
        """Rooms of the caller, newest first; an administrator sees all of the tenant."""
        page = await in_thread(rooms.page, actor_of(request), skip=offset, limit=limit)
        return json_response(many([shapes.room(it) for it in page.rooms], page.total, limit, offset))

    @router.get("/{room_id}", response_model=One[RoomObject])
    @scope("artifacts.read")
    async def get_room(request: Request, room_id: str) -> Response:
        """For its members, and for administrators."""
        it = await in_thread(rooms.get, actor_of(request), room_uuid(room_id))
        return json_response(One(data=shapes.room(it)))

    @router.patch("/{room_id}", response_model=One[RoomObject], openapi_extra=described(RoomChanges))
    @scope("artifacts.write")
    async def change_room(request: Request, room_id: str) -> Response:
        """Name, state and powers; needs power 100. `closed` is for ever."""
        asked, _ = await asked_in(request, RoomChanges, RoomChanges.changes)
        it = await in_thread(rooms.change, actor_of(request), room_uuid(room_id), asked)
        return json_response(One(data=shapes.room(it)))

    @router.get("/{room_id}/members", response_model=Many[MemberObject])
    @scope("artifacts.read")
    async def list_members(request: Request, room_id: str, limit: Limit = USUAL_LIMIT, offset: Offset = 0) -> Response:
        """The strongest first."""
        page = await in_thread(rooms.members, actor_of(request), room_uuid(room_id), skip=offset, limit=limit)
        return json_response(many([shapes.member(it) for it in page.members], page.total, limit, offset))

    @router.put("/{room_id}/members/{user_id}", response_model=One[MemberObject], openapi_extra=described(MemberBody))
    @scope("artifacts.write")
    async def put_member(request: Request, room_id: str, user_id: str) -> Response:
        """Add a user of the tenant, or change the level; needs power 100, or role `admin`."""
        asked, _ = await asked_in(request, MemberBody, lambda it: it.power_level)
        found = await in_thread(rooms.put_member, actor_of(request), room_uuid(room_id), uuid_in(user_id), asked)
        return json_response(One(data=shapes.member(found)))

    @router.delete("/{room_id}/members/{user_id}", response_model=One[Removed])
    @scope("artifacts.write")
    async def remove_member(request: Request, room_id: str, user_id: str) -> Response:
        """Needs power 100, or role `admin`; oneself, anybody."""
        await in_thread(rooms.remove_member, actor_of(request), room_uuid(room_id), uuid_in(user_id))
        return json_response(One(data=Removed(user_id=user_id)))

    return router


def _rendered(it: Room) -> str:
    return One(data=shapes.room(it)).model_dump_json()

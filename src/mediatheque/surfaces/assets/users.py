"""`/api/v1/users`: the tenant's users (contract, 2.1 and 8)."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from mediatheque.core.library import Library
from mediatheque.model import Rank, User
from mediatheque.surfaces.assets.shapes import Envelope, ErrorEnvelope, Shape, below, enveloped, moment, to_uuid
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, scope

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}


class RoleName(StrEnum):
    SUPER_ADMIN = "superAdmin"
    ADMIN = "admin"
    USER = "user"


ROLES = {Rank.OPERATOR: RoleName.SUPER_ADMIN, Rank.ADMIN: RoleName.ADMIN, Rank.USER: RoleName.USER}
_RANKS = {name: rank for rank, name in ROLES.items()}


class UserItem(Shape):
    id: str
    username: str
    role: RoleName
    is_active: bool
    permissions: list[str]
    created_at_utc: str
    updated_at_utc: str


class UserObject(UserItem):
    last_login_at_utc: str | None


class NewUser(Shape):
    """Without `permissions`: those of the role."""

    username: str
    password: str
    role: RoleName = RoleName.USER
    is_active: bool = True
    permissions: list[str] | None = None


class UserChange(Shape):
    """Omitted or null: unchanged."""

    username: str | None = None
    role: RoleName | None = None
    is_active: bool | None = None


class Grants(Shape):
    permissions: list[str]


class NewPassword(Shape):
    new_password: str


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v1/users", tags=["users"], responses=_ERRORS)

    @router.get("", response_model=Envelope[list[UserItem]])
    @scope("users.read")
    async def list_users(request: Request) -> Response:
        """The tenant's users, newest first."""
        found = await in_thread(library.users.all, actor_of(request))
        return enveloped([_item(it) for it in found])

    @router.get("/{user_id}", response_model=Envelope[UserObject])
    @scope("users.read")
    async def get_user(request: Request, user_id: str) -> Response:
        """One user."""
        return enveloped(_object(await in_thread(library.users.get, actor_of(request), _uuid(user_id))))

    @router.post("", response_model=Envelope[UserObject], status_code=201)
    @scope("users.create")
    @creating(below("/api/v1/users"))
    async def create_user(request: Request, body: NewUser) -> Response:
        """A new user who can log in at once."""
        made = await in_thread(
            library.users.create, actor_of(request), body.username, body.password, _RANKS[body.role],
            is_active=body.is_active, permissions=body.permissions,
        )  # fmt: skip
        return enveloped(_object(made), 201)

    @router.patch("/{user_id}", response_model=Envelope[UserObject])
    async def change_user(request: Request, user_id: str, body: UserChange) -> Response:
        """Rename, promote or demote (`users.update`), disable or enable (`users.disable`)."""
        rank = _RANKS[body.role] if body.role else None
        changed = await in_thread(
            library.users.change, actor_of(request), _uuid(user_id), name=body.username, rank=rank,
            is_active=body.is_active,
        )  # fmt: skip
        return enveloped(_object(changed))

    @router.patch("/{user_id}/permissions", response_model=Envelope[UserObject])
    @scope("users.managePermissions")
    async def change_permissions(request: Request, user_id: str, body: Grants) -> Response:
        """Grant exactly these permissions."""
        return enveloped(
            _object(await in_thread(library.users.permit, actor_of(request), _uuid(user_id), body.permissions))
        )

    @router.post("/{user_id}/reset-password", response_model=Envelope[UserObject])
    @scope("users.update")
    async def reset_password(request: Request, user_id: str, body: NewPassword) -> Response:
        """Set another password; the user's sessions end."""
        return enveloped(
            _object(await in_thread(library.users.reset_password, actor_of(request), _uuid(user_id), body.new_password))
        )

    return router


def _item(user: User) -> UserItem:
    return UserItem(
        id=str(user.uuid),
        username=user.name,
        role=ROLES[user.rank],
        is_active=user.is_active,
        permissions=list(user.permissions),
        created_at_utc=moment(user.created_at),
        updated_at_utc=moment(user.updated_at),
    )


def _object(user: User) -> UserObject:
    last = moment(user.last_login_at) if user.last_login_at else None
    return UserObject(**_item(user).model_dump(), last_login_at_utc=last)


def _uuid(user_id: str) -> UUID:
    return to_uuid(user_id, "User not found", "user")

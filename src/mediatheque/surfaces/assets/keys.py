"""`/api/v1/keys` (ours): API keys of one's own, and for whoever manages users those of the tenant."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from mediatheque.core.keys import Key
from mediatheque.core.library import Library
from mediatheque.model import Role
from mediatheque.surfaces.assets.shapes import Envelope, ErrorEnvelope, Shape, enveloped, moment, to_uuid
from mediatheque.surfaces.http import Door, actor_of, in_thread

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 413, 429, 503)
}


class KeyItem(Shape):
    """`lastUsedAtUtc` is true to within five minutes; `isCurrent`: the request came with it."""

    id: str
    name: str | None
    prefix: str
    role: Role
    scopes: list[str]
    user_id: str
    username: str
    created_at_utc: str
    expires_at_utc: str | None
    last_used_at_utc: str | None
    revoked_at_utc: str | None
    is_current: bool


class MadeKey(KeyItem):
    """`key` is the secret, told this once."""

    key: str


class NewKey(Shape):
    """Without `scopes` all of `role`, without that all that the caller holds; without `expiresInDays` for ever."""

    name: str | None = None
    role: Role | None = None
    scopes: list[str] | None = None
    expires_in_days: int | None = None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v1/keys", tags=["keys"], responses=_ERRORS)

    @router.get("", response_model=Envelope[list[KeyItem]])
    async def list_keys(request: Request, everybody: bool = False) -> Response:
        """The caller's keys, newest first; with `everybody` the tenant's, which needs `users.read`."""
        actor = actor_of(request)
        found = await in_thread(library.keys.all, actor, of_everybody=everybody)
        return enveloped([KeyItem(**_item(it, actor.credential)) for it in found])

    @router.post("", response_model=Envelope[MadeKey], status_code=201)
    async def create_key(request: Request, body: NewKey) -> Response:
        """A key of the caller's own, who has logged in or holds `users.update`. Its secret is told this once."""
        actor = actor_of(request)
        secret, made = await in_thread(
            library.keys.create, actor, name=body.name, role=body.role, scopes=body.scopes, days=body.expires_in_days
        )
        headers = {"Location": f"/api/v1/keys/{made.uuid}", "Cache-Control": "no-store"}
        return enveloped(MadeKey(**_item(made, actor.credential), key=secret), 201, headers=headers)

    @router.delete("/{key_id}", status_code=204)
    async def revoke_key(request: Request, key_id: str) -> Response:
        """Refused from now on. Other people's keys need `users.update`."""
        await in_thread(library.keys.revoke, actor_of(request), _uuid(key_id))
        return Response(status_code=204)

    return router


def _item(it: Key, credential: str) -> dict[str, Any]:
    return {
        "id": str(it.uuid),
        "name": it.name,
        "prefix": it.prefix,
        "role": it.role,
        "scopes": list(it.scopes),
        "user_id": str(it.user_uuid),
        "username": it.user_name,
        "created_at_utc": moment(it.created_at),
        "expires_at_utc": moment(it.expires_at) if it.expires_at else None,
        "last_used_at_utc": moment(it.last_used_at) if it.last_used_at else None,
        "revoked_at_utc": moment(it.revoked_at) if it.revoked_at else None,
        "is_current": credential == f"key:{it.uuid}",
    }


def _uuid(key_id: str) -> UUID:
    return to_uuid(key_id, "Key not found", "key")

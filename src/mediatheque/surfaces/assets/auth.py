"""`/api/v1/auth`: login, refresh, logout and who am I (contract, 2.8)."""

from typing import Any

from fastapi import APIRouter, Request, Response

from mediatheque.core.library import Library
from mediatheque.core.sessions import Session
from mediatheque.model import User
from mediatheque.surfaces.assets.shapes import Envelope, ErrorEnvelope, Shape, enveloped, moment
from mediatheque.surfaces.assets.users import ROLES
from mediatheque.surfaces.http import OPEN, Door, Porch, actor_of, address_of, in_thread

_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorEnvelope} for status in (400, 401, 413, 429, 503)}


class Login(Shape):
    """`username` is `name` in tenant `default`, `tenant/name` elsewhere."""

    username: str
    password: str


class Refresh(Shape):
    refresh_token: str


class Account(Shape):
    """Who is logged in, with what they may do."""

    id: str
    username: str
    role: str
    is_active: bool
    permissions: list[str]


class Tokens(Shape):
    access_token: str
    refresh_token: str
    access_token_expires_at_utc: str
    refresh_token_expires_at_utc: str
    user: Account


def routes(library: Library) -> APIRouter:
    common: dict[str, Any] = {"prefix": "/api/v1/auth", "tags": ["auth"], "responses": _ERRORS}
    open_routes = APIRouter(route_class=Porch, **common)
    own_routes = APIRouter(route_class=Door, **common)

    @open_routes.post("/login", response_model=Envelope[Tokens], openapi_extra=OPEN)
    async def login(request: Request, body: Login) -> Response:
        """Begin a session."""
        address = address_of(request)
        return _tokens(await in_thread(library.sessions.login, body.username, body.password, address))

    @open_routes.post("/refresh", response_model=Envelope[Tokens], openapi_extra=OPEN)
    async def refresh(request: Request, body: Refresh) -> Response:
        """The next access token and the next refresh token; this one is spent."""
        return _tokens(await in_thread(library.sessions.refresh, body.refresh_token, address_of(request)))

    @open_routes.post("/logout", status_code=204, openapi_extra=OPEN)
    async def logout(body: Refresh) -> Response:
        """End the session of a refresh token."""
        await in_thread(library.sessions.logout, body.refresh_token)
        return Response(status_code=204)

    @own_routes.get("/me", response_model=Envelope[Account])
    async def me(request: Request) -> Response:
        """The user of the credential."""
        return enveloped(_account(await in_thread(library.sessions.me, actor_of(request))))

    router = APIRouter()
    router.include_router(open_routes)
    router.include_router(own_routes)
    return router


def _tokens(session: Session) -> Response:
    answer = Tokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        access_token_expires_at_utc=moment(session.access_expires_at),
        refresh_token_expires_at_utc=moment(session.refresh_expires_at),
        user=_account(session.user),
    )
    return enveloped(answer, headers={"Cache-Control": "no-store"})


def _account(user: User) -> Account:
    return Account(
        id=str(user.uuid), username=user.name, role=ROLES[user.rank], is_active=user.is_active,
        permissions=list(user.permissions),
    )  # fmt: skip

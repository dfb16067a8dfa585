"""The toolbox of the HTTP surfaces: credentials before anything else, one core call, errors in the dialect's shape."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from mediatheque.core.access import require
from mediatheque.core.library import Library
from mediatheque.core.limiter import Allowance
from mediatheque.errors import LibraryError, TooLarge
from mediatheque.model import Actor, Terms

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Receive, Send], Awaitable[None]]

THREADS = 32
BODY_LIMIT_BYTES = 1 << 20
"""Of a request that is no upload."""

BEARER = {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token."}}

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="request")


class RenderError(Protocol):
    def __call__(self, error: LibraryError, request_id: str) -> Response: ...


@dataclass(frozen=True, slots=True)
class Surface:
    """One dialect: where it lives, its routes, its limits and the shape of its errors.

    `hot` are bare ASGI applications by path prefix, served in front of the framework; `hot_paths` describes them
    for the OpenAPI document.
    """

    name: str
    prefixes: tuple[str, ...]
    terms: Terms
    routes: Callable[[Library], APIRouter]
    render_error: RenderError
    render_invalid: Callable[[list[dict[str, Any]], str], Response]
    hot: Mapping[str, Callable[[Library], AsgiApp]] = field(default_factory=dict)
    hot_paths: Mapping[str, Any] = field(default_factory=dict)


async def in_thread(act: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
    """Run a synchronous call in the bounded pool of request threads."""
    return await asyncio.get_running_loop().run_in_executor(_pool, partial(act, *args, **named))


def scope(name: str) -> Callable[[Endpoint], Endpoint]:
    """Declare the scope that a route needs; a route without one is for any good credential."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__scope__ = name  # type: ignore[attr-defined]
        return endpoint

    return declare


class Door(APIRoute):
    """A route that looks at the credential before it reads anything else, and counts it against its rate limit."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        handle = super().get_route_handler()
        needed: str | None = getattr(self.endpoint, "__scope__", None)

        async def enter(request: Request) -> Response:
            library: Library = request.app.state.library
            headers = request.headers.getlist("authorization")
            address = request.client.host if request.client else ""
            actor, allowance = await in_thread(library.access.enter, headers, address)
            request.state.actor = actor
            request.state.allowance = allowance
            if needed:
                require(actor, needed)
            return with_allowance(await handle(request), allowance)

        return enter


def with_allowance(response: Response, allowance: Allowance | None) -> Response:
    if allowance is not None:
        response.headers.update(allowance.headers())
    return response


def actor_of(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def json_response(model: BaseModel, status: int = 200) -> Response:
    return Response(model.model_dump_json(), status, media_type="application/json")


async def small_body(request: Request, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """The whole body of a request that is no upload; raises `TooLarge`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit_bytes:
            raise TooLarge
    return bytes(body)

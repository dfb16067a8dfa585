"""`/mcp`: the library and its rooms as tools for models (Model Context Protocol, streamable HTTP; contract, 10).

The credential is looked at before anything else; the SDK is imported when the first request comes, since most
servers never see one.
"""

import asyncio
import importlib
import json
from typing import Any

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.core.limiter import Allowance, Exceeded
from mediatheque.errors import LibraryError, MethodNotAllowed, NotFound, Unauthorized
from mediatheque.model import Terms
from mediatheque.surfaces.http import AsgiApp, Receive, Send, Surface, in_thread, plain_error, plain_invalid

PATH = "/mcp"
SERVER = "mediatheque.surfaces.mcp.server"


def door(library: Library) -> AsgiApp:
    """What answers at `/mcp`."""
    from mediatheque.surfaces.front import patient, with_headers  # it counts, and only an API process may

    behind = _Behind(library)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        send = with_headers(scope, send)
        try:
            if scope["path"].rstrip("/") != PATH:
                raise NotFound
            headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
            address = scope["client"][0] if scope.get("client") else ""
            actor, allowance = await in_thread(library.access.enter, headers, address)
            scope["state"]["actor"] = actor
            scope["state"]["headers"] = _headers(allowance)
            if scope["method"] != "POST":  # we open no stream of our own, and keep no session that could be ended
                raise MethodNotAllowed
            app = await behind.app()
            await app({**scope, "path": PATH}, patient(receive), send)
        except LibraryError as error:
            if isinstance(error, Exceeded):
                scope["state"]["headers"] = _headers(error.allowance)
            await _refuse(error, send)

    return serve


def _headers(allowance: Allowance | None) -> list[tuple[bytes, bytes]]:
    told = allowance.headers() if allowance else {}
    return [(name.lower().encode(), value.encode()) for name, value in told.items()]


class _Behind:
    """The protocol's server, started by the first request and running until the process ends."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._starting = asyncio.Lock()
        self._app: AsgiApp | None = None
        self._running: asyncio.Task[None] | None = None

    async def app(self) -> AsgiApp:
        async with self._starting:
            if self._app is None:
                module = await asyncio.to_thread(importlib.import_module, SERVER)
                started: asyncio.Future[AsgiApp] = asyncio.get_running_loop().create_future()
                self._running = asyncio.create_task(module.run(self._library, started))
                either: set[asyncio.Future[Any]] = {self._running, started}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not started.done():
                    self._running.result()  # what it failed with
                self._app = started.result()
            return self._app


async def _refuse(error: LibraryError, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", b"POST"))
    if error.retry_after_seconds:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    body = json.dumps({"detail": error.message}).encode()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_OPERATION = {
    "tags": ["mcp"],
    "operationId": "mcp",
    "summary": "Model Context Protocol, streamable HTTP: one JSON-RPC message, answered in JSON",
    "security": [{"bearer": []}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        status: {"description": description}
        for status, description in {
            "200": "The answer", "202": "Taken, nothing to answer", "400": "No message of the protocol",
            "401": "No credential, or none that counts", "404": "No such path", "405": "Only POST",
            "406": "Accept must name application/json", "413": "Too large", "429": "Rate limit", "503": "Unavailable",
        }.items()
    },
}  # fmt: skip

SURFACE = Surface(
    name="mcp",
    prefixes=(PATH,),
    terms=Terms(surface="mcp", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=lambda library: APIRouter(),  # noqa: ARG005
    render_error=plain_error,
    render_invalid=plain_invalid,
    hot={PATH: door},
    hot_paths={PATH: {"post": _OPERATION}},
    is_for_any_origin=False,
)

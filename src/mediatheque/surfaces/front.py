"""The outermost door: hot routes straight to their applications, everything else to the framework, slow clients out."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from mediatheque import tracing
from mediatheque.errors import ClientTooSlow
from mediatheque.surfaces.headers import API, request_id
from mediatheque.surfaces.http import AsgiApp, Receive, Send
from mediatheque.surfaces.metrics import ERRORS, REQUESTS, SECONDS

log = structlog.get_logger()

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SILENCE_SECONDS = 60
WINDOW_SECONDS = 60.0
WINDOW_BYTES = 1024


class Front:
    """The ASGI application that the server runs."""

    def __init__(
        self,
        framework: AsgiApp,
        hot: Mapping[str, AsgiApp],
        *,
        answers_preflights: bool = False,
        on_end: Callable[[], None],
        logs: bool = False,
    ) -> None:
        """`logs`: a line for every request that goes to the framework."""
        self._logs = logs
        self._framework = framework
        self.end = on_end
        """To be called when the server is told to stop: answers without an end of their own end then."""
        self._answers_preflights = answers_preflights
        self._hot = tuple((prefix, app, REQUESTS.labels(prefix)) for prefix, app in hot.items())
        self._requests = REQUESTS.labels("other")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, app, requests in self._hot:
                if path.startswith(prefix) and not self._is_preflight(scope):
                    requests.inc()
                    await app(scope, receive, send)
                    return
            self._requests.inc()
            started = time.perf_counter()
            with tracing.span("request", parent=_traceparent(scope)) as traced:
                await self._framework(scope, patient(receive), with_headers(scope, send))
                told = _told(scope)
                traced.update(told, name=told["route"])
            seconds = time.perf_counter() - started
            SECONDS.labels(scope["method"] if scope["method"] in METHODS else "other").observe(seconds)
            if self._logs:
                log.info("request", **told, seconds=round(seconds, 4))
        else:
            await self._framework(scope, receive, send)

    def _is_preflight(self, scope: dict[str, Any]) -> bool:
        """Whether a browser asks if a page of another origin may come here with a credential: the framework knows."""
        asks = self._answers_preflights and scope["method"] == "OPTIONS"
        return asks and any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _traceparent(scope: dict[str, Any]) -> str | None:
    """What the client is doing this for, where it says so (W3C Trace Context)."""
    if not tracing.is_on():
        return None
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)


def _told(scope: dict[str, Any]) -> dict[str, Any]:
    """What logs and traces say of a request: its route rather than its path, which may hold what opens a door."""
    route = getattr(scope.get("route"), "path", "none")
    state = scope.get("state", {})
    method = scope["method"] if scope["method"] in METHODS else "other"
    return {"route": f"{method} {route}", "status": state.get("status", 0), "request_id": state.get("request_id", "")}


def patient(receive: Receive) -> Receive:
    """Raise `ClientTooSlow` for a body that pauses for a minute or brings less than 1 KB in one (running.md)."""
    started, received, complete = time.monotonic(), 0, False

    async def receive_in_time() -> Any:
        nonlocal started, received, complete
        if complete:  # we wait for nothing but the end of the connection now
            return await receive()
        try:
            async with asyncio.timeout(SILENCE_SECONDS):  # wait_for would make a task of every piece
                message = await receive()
        except TimeoutError:
            raise ClientTooSlow from None
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        now = time.monotonic()
        if not complete and now - started > WINDOW_SECONDS:
            if received < WINDOW_BYTES:
                raise ClientTooSlow
            started, received = now, 0
        return message

    return receive_in_time


def with_headers(scope: dict[str, Any], send: Send) -> Send:
    """Add the headers that every answer carries, unless the answer has its own."""
    identity = request_id()
    scope.setdefault("state", {})["request_id"] = identity.decode()

    async def send_with_headers(message: Any) -> None:
        if message["type"] == "http.response.start":
            scope["state"]["status"] = message["status"]
            if message["status"] >= 500:
                ERRORS.labels(str(message["status"])).inc()
            present = {name for name, _ in message["headers"]}
            own = scope["state"].get("headers", ())
            added = [header for header in (*API, *own, (b"x-request-id", identity)) if header[0] not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return send_with_headers

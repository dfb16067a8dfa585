"""The toolbox of the HTTP surfaces: credentials before anything else, one core call, errors in the dialect's shape."""

import asyncio
import contextvars
import hashlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from mediatheque import tracing
from mediatheque.core.access import require
from mediatheque.core.idempotency import Made, Remembering
from mediatheque.core.library import Library
from mediatheque.core.limiter import Allowance
from mediatheque.errors import LibraryError, TooLarge, Unavailable, UnsupportedEncoding
from mediatheque.model import Actor, Terms
from mediatheque.surfaces.routing import Documented

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Thing = TypeVar("Thing")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handle = Callable[[Request], Coroutine[Any, Any, Response]]
Locate = Callable[[Any], str]
"""From the JSON of an answer to the `Location` of what was made."""
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Receive, Send], Awaitable[None]]

THREADS = 32
READERS = 3
"""Threads for looks at one object. Many that run Python at a time wait for the interpreter more than they work: three
answer half as many again as thirty-two (`make bench`, objects by id)."""
LOOK_SECONDS = 10
MAX_WAITING = 1000
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.02, 0.25
BODY_LIMIT_BYTES = 1 << 20
"""Of a request that is no upload."""

BEARER = {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token."}}

IDEMPOTENCY_KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}

OPEN: dict[str, Any] = {"security": []}
"""What the OpenAPI document says of a route that asks for no credential."""

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
_readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")


class RenderError(Protocol):
    def __call__(self, error: LibraryError, request_id: str) -> Response: ...


@dataclass(frozen=True, slots=True)
class Surface:
    """One dialect: where it lives, its routes, its limits and the shape of its errors.

    `hot` are bare ASGI applications by path prefix, served in front of the framework; `hot_paths` describes them
    for the OpenAPI document; `is_for_any_origin`: they tell browsers themselves that every page may read them.
    """

    name: str
    prefixes: tuple[str, ...]
    terms: Terms
    routes: Callable[[Library], APIRouter]
    render_error: RenderError
    render_invalid: Callable[[list[dict[str, Any]], str], Response]
    hot: Mapping[str, Callable[[Library], AsgiApp]] = field(default_factory=dict)
    hot_paths: Mapping[str, Any] = field(default_factory=dict)
    is_for_any_origin: bool = True


async def in_thread(act: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
    """Run a synchronous call in the bounded pool of request threads; raises `Unavailable` when too many wait."""
    return await _run(_pool, partial(act, *args, **named))


async def in_reader(act: Callable[Parameters, Result], *args: Parameters.args, **named: Parameters.kwargs) -> Result:
    """The same for a look at one object in the database, which takes it no time to speak of.

    `Unavailable`, too, when it does take its time: behind a database that hangs nobody waits in a row of many.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await _run(_readers, partial(act, *args, **named))
    except TimeoutError:
        raise Unavailable(retry_after_seconds=1) from None


async def _run(pool: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    if pool._work_queue.qsize() > MAX_WAITING:  # the pool has no public word for it
        raise Unavailable(retry_after_seconds=1)
    if tracing.is_on():
        call = partial(contextvars.copy_context().run, call)
    return await asyncio.get_running_loop().run_in_executor(pool, call)


async def polled(look: Callable[[], Result | None], seconds: float) -> Result | None:
    """What `look` finds in the end, looking ever more slowly; None when the time is up. Holds no thread meanwhile."""
    until, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while True:
        found = await in_thread(look)
        if found is not None or time.monotonic() >= until:
            return found
        await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
        pause = min(pause * 1.5, LAST_PAUSE_SECONDS)


def scope(name: str) -> Callable[[Endpoint], Endpoint]:
    """Declare the scope that a route needs; a route without one is for any good credential."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__scope__ = name  # type: ignore[attr-defined]
        return endpoint

    return declare


def creating(locate: Locate | None = None) -> Callable[[Endpoint], Endpoint]:
    """Declare that a route makes something of a JSON body, so that it takes an `Idempotency-Key` (contract, 10).

    `locate`: where what a 201 tells of can be found from then on.
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__creates__ = True  # type: ignore[attr-defined]
        endpoint.__locate__ = locate  # type: ignore[attr-defined]
        return endpoint

    return declare


def _is_simple(route: APIRoute) -> bool:
    """Whether an endpoint takes the request and texts of its path alone, and makes the answer itself."""
    known, signature = route.dependant, inspect.signature(route.endpoint)
    texts = {it.name for it in known.path_params if it.field_info.annotation is str and not it.field_info.metadata}
    takes_no_more = signature.parameters.keys() == {"request", *texts} and not known.dependencies
    return takes_no_more and signature.return_annotation is Response


def _simple(endpoint: Callable[..., Awaitable[Response]]) -> Handle:
    """What the framework would do for such an endpoint, without what it does for others: a tenth of a look's time."""

    async def handle(request: Request) -> Response:
        return await endpoint(request=request, **request.path_params)

    return handle


class Door(Documented):
    """A route that looks at the credential before it reads anything else, and counts it against its rate limit.

    No request body may carry a `Content-Encoding`. A route that is declared as `creating` answers a request whose
    `Idempotency-Key` has its answer with that answer.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if getattr(endpoint, "__creates__", False):
            extra = options.get("openapi_extra") or {}
            options["openapi_extra"] = {**extra, "parameters": [*extra.get("parameters", ()), IDEMPOTENCY_KEY]}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handle:
        handle = _simple(self.endpoint) if _is_simple(self) else super().get_route_handler()
        if getattr(self.endpoint, "__creates__", False):
            handle = _remembered(handle, getattr(self.endpoint, "__locate__", None))
        needed: str | None = getattr(self.endpoint, "__scope__", None)
        streams: bool = getattr(self.endpoint, "__streams__", False)
        limit_bytes: int = getattr(self.endpoint, "__body_limit__", BODY_LIMIT_BYTES)

        async def enter(request: Request) -> Response:
            library: Library = request.app.state.library
            headers, access = request.headers.getlist("authorization"), library.access
            known = access.recall(headers)
            if known is None:
                look = in_reader if access.asks_the_database_alone(headers) else in_thread
                known = await look(access.enter, headers, address_of(request))
            actor, allowance = known
            request.state.actor = actor
            request.state.allowance = allowance
            if needed:
                require(actor, needed)
            if request.headers.get("content-encoding", "identity").lower() != "identity":
                raise UnsupportedEncoding
            if not streams:
                request = Request(request.scope, _limited(request.receive, limit_bytes))
            return with_allowance(await handle(request), allowance)

        return enter


class Porch(Documented):
    """A route for everybody: no credential is looked at; the body has the limit that it has behind a `Door`."""

    def get_route_handler(self) -> Handle:
        handle = super().get_route_handler()
        streams: bool = getattr(self.endpoint, "__streams__", False)

        async def enter(request: Request) -> Response:
            return await handle(request if streams else Request(request.scope, _limited(request.receive)))

        return enter


def with_allowance(response: Response, allowance: Allowance | None) -> Response:
    if allowance is not None:
        response.headers.update(allowance.headers())
    return response


def plain_error(error: LibraryError, request_id: str) -> Response:  # noqa: ARG001
    """The shape of errors outside the dialects."""
    return JSONResponse({"detail": error.message}, error.status)


def plain_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:  # noqa: ARG001
    return JSONResponse({"detail": problems}, 422)


def actor_of(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def address_of(request: Request) -> str:
    """Where the request comes from, for what is counted per address."""
    return request.client.host if request.client else ""


def json_response(model: BaseModel, status: int = 200) -> Response:
    return Response(model.model_dump_json(), status, media_type="application/json")


def once(
    library: Library,
    actor: Actor,
    key: str | None,
    request: Iterable[str],
    make: Callable[[Remembering[Made] | None], Made],
    *,
    status: int,
    render: Callable[[Made], str],
    render_error: RenderError,
    request_id: str,
) -> Response:
    """Answer a request that makes a thing; one with an `Idempotency-Key` that was answered before gets that answer."""
    if key is None:
        return _json(render(make(None)), status)
    known = library.idempotency.begin(actor, key, request)
    if known is not None:
        return _json(known.body, known.status)
    try:
        remembering = Remembering(actor.tenant_id, key, status, render)
        made = make(remembering)
        return _json(remembering.body or render(made), status)
    except LibraryError as error:
        answer = render_error(error, request_id)
        library.idempotency.settle(actor, key, error.status, bytes(answer.body).decode())
        raise
    except BaseException:
        library.idempotency.release(actor, key)
        raise


def bodies_up_to(limit_bytes: int) -> Callable[[Endpoint], Endpoint]:
    """Declare that a route takes larger bodies than is usual; they are still read as a whole."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__body_limit__ = limit_bytes  # type: ignore[attr-defined]
        return endpoint

    return declare


def streaming(endpoint: Endpoint) -> Endpoint:
    """Declare that a route reads its body itself, in pieces, with limits of its own."""
    endpoint.__streams__ = True  # type: ignore[attr-defined]
    return endpoint


def _remembered(handle: Handle, locate: Locate | None) -> Handle:
    """The handler of a route that makes something, with the first answer to an `Idempotency-Key` kept."""

    async def answer(request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        given = await handle(request) if key is None else await _once_for(key, handle, request)
        if locate is not None and given.status_code == 201:
            given.headers["Location"] = locate(json.loads(bytes(given.body)))
        return given

    return answer


async def _once_for(key: str, handle: Handle, request: Request) -> Response:
    actor, idempotency = actor_of(request), request.app.state.library.idempotency
    body = hashlib.sha256(await request.body()).hexdigest()
    asked = (f"{request.method} {request.url.path}", request.url.query, body)
    known = await in_thread(idempotency.begin, actor, key, asked)
    if known is not None:
        return _json(known.body, known.status)
    try:
        answer = await handle(request)
    except (LibraryError, RequestValidationError, HTTPException) as error:
        answer = request.app.state.answer_to(request, error)
    except BaseException:
        await in_thread(idempotency.release, actor, key)
        raise
    await in_thread(idempotency.settle, actor, key, answer.status_code, bytes(answer.body).decode())
    return answer


def _json(body: str, status: int) -> Response:
    headers = {"Cache-Control": "no-store"} if status >= 400 else None
    return Response(body, status, headers, media_type="application/json")


def _limited(receive: Receive, limit_bytes: int = BODY_LIMIT_BYTES) -> Receive:
    """The body of a request that is no upload, up to its limit; raises `TooLarge` beyond."""
    received = 0

    async def receive_some() -> Any:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit_bytes:
            raise TooLarge
        return message

    return receive_some

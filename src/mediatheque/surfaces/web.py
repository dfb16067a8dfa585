"""The web application: the surfaces' routes under one framework, errors by path prefix, one OpenAPI document."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from mediatheque import __version__
from mediatheque.core.library import Library
from mediatheque.core.limiter import Exceeded
from mediatheque.errors import (
    BadRequest,
    ClientTooSlow,
    LibraryError,
    MethodNotAllowed,
    NotFound,
    RangeNotSatisfiable,
    Unauthorized,
)
from mediatheque.surfaces import operations
from mediatheque.surfaces.front import METHODS, Front
from mediatheque.surfaces.http import BEARER, Surface, plain_error, plain_invalid, with_allowance
from mediatheque.surfaces.routing import RouteIndex, flat

log = structlog.get_logger()

CONDITIONS = ["if-match", "if-none-match"]
TUS_REQUEST = ["tus-resumable", "upload-length", "upload-offset", "upload-metadata", "upload-checksum", "upload-concat"]
MCP_REQUEST = ["mcp-protocol-version", "mcp-session-id", "last-event-id"]
ALLOWANCE = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
TUS_ANSWER = ["tus-resumable", "upload-length", "upload-offset", "upload-expires", "upload-concat", "upload-asset"]


def web_application(
    library: Library,
    surfaces: Sequence[Surface],
    cors_origins: Sequence[str],
    on_stop: Callable[[], None],
    *,
    logs: bool = False,
) -> Front:
    """The whole of HTTP, ready to be served; `on_stop` runs when the server has sent its last answer.

    `logs`: a line for every request.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        on_stop()

    app = FastAPI(
        title="Mediatheque", version=__version__, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, summary="One media library, six API dialects.",
    )  # fmt: skip
    app.state.library = library
    routers = [operations.routes(library, app), *(surface.routes(library) for surface in surfaces)]
    routes = [route for router in routers for route in flat(router)]
    app.router.routes += [RouteIndex(routes), *routes]
    _render_errors(app, surfaces)
    _complete_openapi(app, surfaces)
    hot = {prefix: make(library) for surface in surfaces for prefix, make in surface.hot.items()}
    if cors_origins:
        terms = _cors(cors_origins)
        app.add_middleware(CORSMiddleware, **terms)
        narrow = [prefix for surface in surfaces if not surface.is_for_any_origin for prefix in surface.hot]
        hot |= {prefix: CORSMiddleware(hot[prefix], **terms) for prefix in narrow}
    return Front(app, hot, answers_preflights=bool(cors_origins), on_end=library.news.end, logs=logs)


def _cors(origins: Sequence[str]) -> dict[str, Any]:
    """What pages of other origins may send, and read of the answers."""
    return {
        "allow_origins": list(origins),
        "allow_methods": ["*"],
        "allow_headers": ["authorization", "content-type", "idempotency-key", "range",
                          *CONDITIONS, *TUS_REQUEST, *MCP_REQUEST],
        "expose_headers": ["x-request-id", "retry-after", "location", "etag", *ALLOWANCE, *TUS_ANSWER],
    }  # fmt: skip


def _render_errors(app: FastAPI, surfaces: Sequence[Surface]) -> None:
    answer_to = _answers(surfaces)

    async def refused(request: Request, error: Exception) -> Response:
        return answer_to(request, error)

    async def gone(request: Request, error: Exception) -> Response:  # noqa: ARG001
        return Response(status_code=400)  # nobody is there to read it

    async def bug(request: Request, error: Exception) -> Response:
        log.error("unhandled error", request_id=request.state.request_id, path=request.url.path, exc_info=error)
        return answer_to(request, LibraryError())

    app.state.answer_to = answer_to
    for kind in (LibraryError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, bug)


def _answers(surfaces: Sequence[Surface]) -> Callable[[Request, Exception], Response]:
    """What a refusal, the library's or the framework's, is answered with in the dialect of the request's path."""

    def dialect(request: Request) -> Surface | None:
        path = request.url.path
        return next((it for it in surfaces if path.startswith(it.prefixes)), None)

    def render(request: Request, error: LibraryError) -> Response:
        surface = dialect(request)
        shape = surface.render_error if surface else plain_error
        return _finished(shape(error, request.state.request_id), request, error)

    def invalid(request: Request, error: RequestValidationError) -> Response:
        problems = [{"loc": list(it["loc"]), "msg": it["msg"], "type": it["type"]} for it in error.errors()]
        surface = dialect(request)
        answer = (surface.render_invalid if surface else plain_invalid)(problems, request.state.request_id)
        return _finished(answer, request)

    def framework(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, LibraryError):  # ours, raised while the framework read the body
            return render(request, error.__cause__)
        meanings: dict[int, LibraryError] = {404: NotFound(), 405: MethodNotAllowed()}
        answer = render(request, meanings.get(error.status_code, BadRequest()))
        answer.headers.update(error.headers or {})
        if error.status_code == MethodNotAllowed.status:
            answer.headers["Allow"] = ", ".join(sorted(_methods_at(request)))
        return answer

    def answer_to(request: Request, error: Exception) -> Response:
        if isinstance(error, LibraryError):
            return render(request, error)
        if isinstance(error, RequestValidationError):
            return invalid(request, error)
        assert isinstance(error, HTTPException)
        return framework(request, error)

    return answer_to


def _methods_at(request: Request) -> set[str]:
    """What can be done at the path: the framework knows only of the first route that fits it."""
    asked = {method: {**request.scope, "method": method} for method in METHODS}
    return {it for it in METHODS if any(route.matches(asked[it])[0] is Match.FULL for route in request.app.routes)}


def _finished(answer: Response, request: Request, error: LibraryError | None = None) -> Response:
    """The headers that an error carries in every dialect."""
    answer.headers["Cache-Control"] = "no-store"
    if isinstance(error, Unauthorized):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if error is not None and error.retry_after_seconds:
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, RangeNotSatisfiable):
        answer.headers["Content-Range"] = f"bytes */{error.size_bytes}"
    if isinstance(error, ClientTooSlow):
        answer.headers["Connection"] = "close"
    allowance = error.allowance if isinstance(error, Exceeded) else getattr(request.state, "allowance", None)
    return with_allowance(answer, allowance)


def _complete_openapi(app: FastAPI, surfaces: Sequence[Surface]) -> None:
    """Add what is served outside the framework, and the credential."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            for surface in surfaces:
                document["paths"].update(surface.hot_paths)
            document.setdefault("components", {})["securitySchemes"] = BEARER
            for path, operations_ in document["paths"].items():
                for operation in operations_.values():
                    if "operations" not in operation.get("tags", ()) and path not in _hot_paths(surfaces):
                        operation.setdefault("security", [{"bearer": []}])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _hot_paths(surfaces: Sequence[Surface]) -> set[str]:
    return {path for surface in surfaces for path in surface.hot_paths}

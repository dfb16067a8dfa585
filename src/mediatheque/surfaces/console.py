"""The web console: one page and its hashed files, as the build has left them in the package."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

import mediatheque
from mediatheque.core.library import Library
from mediatheque.errors import NotFound
from mediatheque.model import Terms
from mediatheque.surfaces.headers import COMMON
from mediatheque.surfaces.http import OPEN, Porch, Surface, plain_error, plain_invalid

BUILT = Path(mediatheque.__file__).parent / "console"
"""Where the build puts the console (`make console`); no part of the repository, but of the wheel."""
ROOT = "/console"
FILES = "assets/"
"""Below it names hold a hash of what is in the file."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    *COMMON,
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", POLICY.encode()),
)
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {name: {} for name in ("text/html", "text/javascript", "text/css", "image/svg+xml")}},
    404: {"description": "No such file", "content": {"application/json": {}}},
}
_UNBUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mediatheque</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>Mediatheque is running</h1>
<p>The web console has not been built in this checkout. Run <code>make console</code> and load this page again.</p>
<p>Every API works without it: <a href="/docs">read and try them</a>.</p></body></html>
"""


def routes(library: Library) -> APIRouter:  # noqa: ARG001
    router = APIRouter()
    router.include_router(_open())
    return router


def _open() -> APIRouter:
    router = APIRouter(route_class=Porch, tags=["console"])

    @router.get("/", response_class=Response, responses=_PAGE, openapi_extra=OPEN)
    @router.get(ROOT, response_class=Response, responses=_PAGE, openapi_extra=OPEN)
    async def open_console(request: Request) -> Response:
        """The web console."""
        return _page(request)

    @router.get(f"{ROOT}/{{screen:path}}", response_class=Response, responses=_ANSWERS, openapi_extra=OPEN)
    async def console_file(request: Request, screen: str) -> Response:
        """A file of the console; the page itself for every screen's address."""
        return _asset(request, screen) if screen.startswith(FILES) else _page(request)

    return router


def _page(request: Request) -> Response:
    page = _files().get("index.html", _UNBUILT)
    return _finished(request, page, "text/html", "no-store")


def _asset(request: Request, path: str) -> Response:
    body = _files().get(path)
    if body is None:
        raise NotFound
    return _finished(request, body, MEDIA_TYPES[Path(path).suffix], "public, max-age=31536000, immutable")


def _finished(request: Request, body: bytes, media_type: str, caching: str) -> Response:
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers = _packed(body), headers | {"Content-Encoding": "gzip"}
    answer = Response(body, headers=headers, media_type=media_type)
    answer.raw_headers.extend(HEADERS)
    return answer


@cache
def _files() -> dict[str, bytes]:
    """Every file of the build by its path in it, held in memory: some hundred kilobytes."""
    found = (file for file in BUILT.rglob("*") if file.suffix in MEDIA_TYPES)
    return {file.relative_to(BUILT).as_posix(): file.read_bytes() for file in found}


@cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


SURFACE = Surface(
    name="console",
    prefixes=(ROOT,),
    terms=Terms(surface="console", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=routes,
    render_error=plain_error,
    render_invalid=plain_invalid,
)

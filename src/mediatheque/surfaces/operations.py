"""What operators call: health, metrics, the OpenAPI document and its page. No credential is asked for."""

import json
from pathlib import Path
from typing import Any

import swagger_ui_bundle
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from mediatheque.core.library import Library
from mediatheque.errors import NotFound
from mediatheque.surfaces import metrics
from mediatheque.surfaces.headers import PAGE
from mediatheque.surfaces.http import in_thread

_SWAGGER = Path(swagger_ui_bundle.swagger_ui_path)
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon-32x32.png": "image/png"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mediatheque API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'


class Liveness(BaseModel):
    status: str


class Readiness(BaseModel):
    """`ready` or `unavailable`, and for each part `ok` or what is wrong."""

    status: str
    parts: dict[str, str]


def routes(library: Library, app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", response_model=Liveness)
    async def live() -> Response:
        """200 as soon as the process answers."""
        return _json({"status": "live"})

    @router.get("/health/ready", response_model=Readiness, responses={503: {"model": Readiness}})
    async def ready() -> Response:
        """200 when database, storage and queue answer."""
        parts = await in_thread(library.health.parts)
        is_ready = all(state == "ok" for state in parts.values())
        return _json({"status": "ready" if is_ready else "unavailable", "parts": parts}, 200 if is_ready else 503)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def show_metrics() -> Response:
        """Counts in Prometheus' text format."""
        body, media_type = await in_thread(metrics.exposition, library)
        return Response(body, media_type=media_type)

    @router.get("/openapi.json")
    async def openapi() -> Response:
        """This document."""
        return _json(app.openapi())

    @router.get("/docs", response_class=Response, responses={200: {"content": {"text/html": {}}}})
    async def docs() -> Response:
        """The API, to read and to try."""
        return _page(Response(_PAGE, media_type="text/html"))

    @router.get("/docs/{name}", response_class=Response, responses={404: {"description": "No such file"}})
    async def docs_file(name: str) -> Response:
        """A file of that page."""
        if name == "start.js":
            return _page(Response(_START, media_type="text/javascript"))
        if name not in _ASSETS:
            raise NotFound
        return _page(FileResponse(_SWAGGER / name, media_type=_ASSETS[name]))

    return router


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def _page(response: Response) -> Response:
    response.raw_headers.extend(PAGE)
    return response

"""ScaiWave's "Artifacts API": rooms, artifacts, links, live events (contract, section 4): one file for each family."""

from collections.abc import Callable

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.model import Terms
from mediatheque.surfaces.artifacts import documents, finding, live, rooms, shares, tools, versions
from mediatheque.surfaces.artifacts.errors import render_error, render_invalid
from mediatheque.surfaces.http import Surface

FAMILIES: tuple[Callable[[Library], APIRouter], ...] = (
    rooms.routes,
    tools.routes,
    documents.routes,
    versions.routes,
    shares.routes,
    finding.routes,
    live.routes,
)


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    for family in FAMILIES:
        router.include_router(family(library))
    return router


SURFACE = Surface(
    name="artifacts",
    prefixes=("/v1/rooms", "/v1/artifacts", "/v1/shared", "/v1/stream"),
    terms=Terms(surface="artifacts", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

"""NekoHub's "Assets" and all that surrounds it (contract, 2): one file for each family of routes."""

from collections.abc import Callable

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.surfaces.assets import auth, storage, system, users
from mediatheque.surfaces.assets.shapes import TERMS, render_error, render_invalid
from mediatheque.surfaces.http import Surface

FAMILIES: tuple[Callable[[Library], APIRouter], ...] = (
    auth.routes,
    users.routes,
    system.routes,
    storage.routes,
)


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    for family in FAMILIES:
        router.include_router(family(library))
    return router


SURFACE = Surface(
    name="assets",
    prefixes=("/api/v1/", "/content/"),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

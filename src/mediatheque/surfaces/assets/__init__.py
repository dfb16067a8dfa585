"""NekoHub's "Assets" and all that surrounds it (contract, 2): one file for each family of routes."""

from collections.abc import Callable

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.surfaces.assets import (
    auth,
    bulk,
    gallery,
    jobs,
    keys,
    library,
    operations,
    providers,
    skills,
    storage,
    system,
    users,
    workflows,
)
from mediatheque.surfaces.assets.content import content
from mediatheque.surfaces.assets.documents import CONTENT_PATHS
from mediatheque.surfaces.assets.objects import CONTENT
from mediatheque.surfaces.assets.shapes import TERMS, render_error, render_invalid
from mediatheque.surfaces.http import Surface

FAMILIES: tuple[Callable[[Library], APIRouter], ...] = (
    bulk.routes,
    skills.routes,
    operations.routes,
    library.routes,
    gallery.routes,
    auth.routes,
    users.routes,
    keys.routes,
    jobs.routes,
    system.routes,
    storage.routes,
    providers.routes,
    workflows.routes,
)


def routes(opened: Library) -> APIRouter:
    router = APIRouter()
    for family in FAMILIES:
        router.include_router(family(opened))
    return router


SURFACE = Surface(
    name="assets",
    prefixes=("/api/v1/", "/content/"),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
    hot={CONTENT: content},
    hot_paths=CONTENT_PATHS,
)

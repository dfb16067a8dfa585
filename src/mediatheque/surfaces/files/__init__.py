"""Aionvision's "Files" and all that surrounds them (contract, 3): one file for each family of routes."""

from collections.abc import Callable

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.surfaces.files import batches, live, presigned, sessions, tus, uploads
from mediatheque.surfaces.files.errors import render_error, render_invalid
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.http import Surface

FAMILIES: tuple[Callable[[Library], APIRouter], ...] = (
    uploads.routes,
    batches.routes,
    presigned.routes,
    sessions.routes,
    tus.routes,
    live.routes,
)


def routes(opened: Library) -> APIRouter:
    router = APIRouter()
    for family in FAMILIES:
        router.include_router(family(opened))
    return router


SURFACE = Surface(
    name="files",
    prefixes=("/api/v2/",),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

"""Aionvision's "Files API", its uploads and its folders (contract, 3): one file for each family of routes."""

from collections.abc import Callable

from fastapi import APIRouter

from mediatheque.core.library import Library
from mediatheque.surfaces.files import (
    analysis,
    batches,
    changes,
    detail,
    document_uploads,
    documents,
    events,
    finding,
    findings,
    folders,
    links,
    listing,
    live,
    presigned,
    privacy,
    sessions,
    tags,
    tus,
    uploads,
    video_uploads,
    webhooks,
)
from mediatheque.surfaces.files.errors import render_error, render_invalid
from mediatheque.surfaces.files.terms import TERMS
from mediatheque.surfaces.http import Surface

FAMILIES: tuple[Callable[[Library], APIRouter], ...] = (
    uploads.routes,
    batches.routes,
    presigned.routes,
    sessions.routes,
    tus.routes,
    video_uploads.routes,
    document_uploads.routes,
    live.routes,
    links.routes,
    listing.routes,
    finding.routes,
    documents.routes,
    analysis.routes,
    changes.routes,
    detail.routes,
    findings.routes,
    privacy.routes,
    folders.routes,
    tags.routes,
    webhooks.routes,
    events.routes,
)


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    for family in FAMILIES:
        router.include_router(family(library))
    return router


SURFACE = Surface(
    name="files",
    prefixes=("/api/v2/",),
    terms=TERMS,
    routes=routes,
    render_error=render_error,
    render_invalid=render_invalid,
)

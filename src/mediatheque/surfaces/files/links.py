"""Saved links, their crawls, and what crawls have kept (contract, 3.9; snapshots and pictures are ours)."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.library import Library
from mediatheque.core.links import Difference, Saved
from mediatheque.filing import Snapshot
from mediatheque.model import Actor, Asset
from mediatheque.surfaces.files.detail import TO_BYTES
from mediatheque.surfaces.files.errors import ERRORS, render_error
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.files.terms import LINK_TERMS
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, once, scope
from mediatheque.surfaces.signed import signed_url

MAX_URL_CHARS = 2048


class NewLink(BaseModel):
    url: Annotated[str, Field(max_length=MAX_URL_CHARS)]
    title: str | None = None
    tags: list[str] | None = None
    folder_id: UUID | None = None
    auto_crawl: bool = True


class SavedLink(BaseModel):
    id: str
    source_url: str
    title: str | None
    domain: str
    crawl_status: str
    is_duplicate: bool
    created_at: str


class Recrawled(BaseModel):
    status: str
    link_id: str


class SnapshotObject(BaseModel):
    """What a crawl kept. The two URLs are good for an hour and need no credential."""

    id: str
    url: str
    title: str | None
    text_chars: int
    size_bytes: int
    text_hash: str
    page_url: str
    text_url: str
    created_at: str


class SnapshotList(BaseModel):
    snapshots: list[SnapshotObject]
    total_count: int


class SnapshotDiff(BaseModel):
    """What has changed in the text; `from_id` is null for the first snapshot."""

    from_id: str | None
    to_id: str
    added_lines: int
    removed_lines: int
    diff: str
    is_cut: bool


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/user-files", tags=["links"], responses=ERRORS)

    @router.post("/links", status_code=201, response_model=SavedLink)
    @scope("files.write")
    async def save_link(request: Request, body: NewLink) -> Response:
        """Save a link; unless told otherwise it is crawled then."""
        key = request.headers.get("idempotency-key")
        return await in_thread(_save, library, actor_of(request), body, key, request.state.request_id)

    @router.post("/{link_id}/recrawl", response_model=Recrawled)
    @scope("files.write")
    async def recrawl_link(request: Request, link_id: UUID) -> Response:
        """Crawl a link again, once an hour at most."""
        await in_thread(library.links.recrawl, actor_of(request), link_id)
        return json_response(Recrawled(status="queued", link_id=str(link_id)))

    @router.get("/{link_id}/snapshots", response_model=SnapshotList)
    @scope("files.read")
    async def list_snapshots(request: Request, link_id: UUID) -> Response:
        """What the crawls of a link have kept of its page, the newest first."""
        it, kept = await in_thread(library.links.snapshots, actor_of(request), link_id)
        return json_response(
            SnapshotList(snapshots=[_snapshot(library, it, one) for one in kept], total_count=len(kept))
        )

    @router.get("/{link_id}/snapshots/{snapshot_id}/diff", response_model=SnapshotDiff)
    @scope("files.read")
    async def compare_snapshots(
        request: Request, link_id: UUID, snapshot_id: UUID, against: UUID | None = None
    ) -> Response:
        """What has changed in the page's text since the snapshot before, or since the one named `against`."""
        found = await in_thread(library.links.compare, actor_of(request), link_id, snapshot_id, against)
        return json_response(_difference(found))

    @router.get("/{link_id}/images/{picture_id}", response_class=Response, status_code=302, responses=TO_BYTES)
    @scope("files.read")
    async def get_page_image(request: Request, link_id: UUID, picture_id: UUID) -> Response:
        """To our copy of a picture of the page."""
        it, name = await in_thread(library.links.picture, actor_of(request), link_id, picture_id)
        return Response(
            status_code=302, headers={"Location": signed_url(library, it, name), "Cache-Control": "no-store"}
        )

    return router


def _save(library: Library, actor: Actor, body: NewLink, key: str | None, request_id: str) -> Response:
    return once(
        library,
        actor,
        key,
        ("POST /api/v2/user-files/links", json.dumps(body.model_dump(mode="json"))),
        lambda remembering: library.links.save(
            actor,
            LINK_TERMS,
            body.url,
            title=body.title,
            tags=body.tags or (),
            folder_id=body.folder_id,
            crawl=body.auto_crawl,
            remembering=remembering,
        ),
        status=201,
        render=_rendered,
        render_error=render_error,
        request_id=request_id,
    )


def _rendered(saved: Saved) -> str:
    it = saved.asset
    return SavedLink(
        id=str(it.uuid),
        source_url=saved.link.url,
        title=it.title,
        domain=saved.link.domain,
        crawl_status="queued" if saved.is_queued else "pending",
        is_duplicate=saved.is_duplicate,
        created_at=moment(it.created_at),
    ).model_dump_json()


def _snapshot(library: Library, it: Asset, one: Snapshot) -> SnapshotObject:
    return SnapshotObject(
        id=str(one.uuid),
        url=one.url,
        title=one.title,
        text_chars=one.text_chars,
        size_bytes=one.size_bytes,
        text_hash=f"sha256:{one.sha256}",
        page_url=signed_url(library, it, one.page),
        text_url=signed_url(library, it, one.text),
        created_at=moment(one.created_at),
    )


def _difference(found: Difference) -> SnapshotDiff:
    return SnapshotDiff(
        from_id=str(found.old.uuid) if found.old else None,
        to_id=str(found.new.uuid),
        added_lines=found.added,
        removed_lines=found.removed,
        diff=found.diff,
        is_cut=found.is_cut,
    )

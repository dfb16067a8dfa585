"""`POST /api/v2/search` and "more like this": hits in the order of their worth, each with the reasons for it.

Both are our own routes; the contract's list has the same search behind two more values of `search_mode`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from mediatheque.core.library import Library
from mediatheque.core.reasons import Reason
from mediatheque.core.searching import Found, Hit
from mediatheque.filing import FileFilter, SearchBy
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import UserFile, user_file
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

MAX_QUERY_CHARS = 1000
Kind = Annotated[str, StringConstraints(pattern="^(image|video|document|link|audio)$")]


class Match(BaseModel):
    """Why a file is a hit. `matched_by` is `words` or `semantic`; `similarity` is of the latter, 1 for the same."""

    matched_by: str
    field: str
    snippet: str
    chunk_index: int | None
    page_numbers: list[int]
    start_seconds: float | None
    similarity: float | None


class FoundFile(UserFile):
    """An item as lists show it, with its score among the hits of this search and the reasons, the strongest first."""

    score: float
    matches: list[Match]


class Search(BaseModel):
    """What to look for, how, and among which files: the filters of `GET /api/v2/user-files`."""

    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARS)
    mode: SearchBy = SearchBy.BOTH
    tags: list[str] = Field(default=[], max_length=40)
    media_types: list[Kind] = []
    folder_id: str | None = None
    has_description: bool | None = None
    ids: list[UUID] = Field(default=[], max_length=500)
    date_from: datetime | None = None
    date_to: datetime | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=10_000)


class SearchAnswer(BaseModel):
    """`search_mode` is what the search went by; `note` says why, where that is not what was asked for."""

    query: str
    files: list[FoundFile]
    total_count: int
    has_more: bool
    search_mode: SearchBy
    note: str | None


class SimilarAnswer(BaseModel):
    files: list[FoundFile]
    total_count: int
    note: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["files"], responses=ERRORS)

    @router.post("/api/v2/search", response_model=SearchAnswer)
    @scope("files.read")
    async def search_files(request: Request, wanted: Search) -> Response:
        """Files by what they say, by what they mean, or both fused; where meaning cannot be asked for, by words."""
        found = await in_thread(
            library.searching.search, actor_of(request), wanted.query,
            mode=wanted.mode, filters=_filter(wanted), skip=wanted.offset, limit=wanted.limit,
        )  # fmt: skip
        return json_response(
            SearchAnswer(
                query=wanted.query,
                files=found_files(library, found),
                total_count=found.total,
                has_more=wanted.offset + len(found.hits) < found.total,
                search_mode=found.by,
                note=found.note,
            )
        )

    @router.get("/api/v2/user-files/{file_id}/similar", response_model=SimilarAnswer)
    @scope("files.read")
    async def find_similar(
        request: Request, file_id: UUID, limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> Response:
        """Files whose texts are about the same, and of pictures those that look alike, the most alike first."""
        found = await in_thread(library.searching.similar, actor_of(request), file_id, limit=limit)
        files = found_files(library, found)
        return json_response(SimilarAnswer(files=files, total_count=found.total, note=found.note))

    return router


def found_files(library: Library, found: Found) -> list[FoundFile]:
    return [_file(library, hit) for hit in found.hits]


def _file(library: Library, hit: Hit) -> FoundFile:
    item: dict[str, Any] = user_file(library, hit.file).model_dump()
    return FoundFile(**item, score=round(hit.score, 6), matches=[_match(reason) for reason in hit.reasons])


def _match(reason: Reason) -> Match:
    return Match(
        matched_by=reason.by.value,
        field=reason.field,
        snippet=reason.snippet,
        chunk_index=reason.chunk,
        page_numbers=list(reason.page_numbers),
        start_seconds=reason.start_seconds,
        similarity=reason.similarity,
    )


def _filter(wanted: Search) -> FileFilter:
    return FileFilter(
        kinds=frozenset(wanted.media_types),
        tags=tuple(dict.fromkeys(wanted.tags)),
        ids=tuple(dict.fromkeys(wanted.ids)),
        folder_id=wanted.folder_id,
        has_description=wanted.has_description,
        created_from=_utc(wanted.date_from),
        created_to=_utc(wanted.date_to),
    )


def _utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

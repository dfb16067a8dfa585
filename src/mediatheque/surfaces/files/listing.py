"""`GET /api/v2/user-files`: files of every kind, by any condition, in any order (contract, 3.5)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, BeforeValidator

from mediatheque.core.files import FilePage
from mediatheque.core.library import Library
from mediatheque.core.searching import Found
from mediatheque.errors import Invalid
from mediatheque.filing import FileFilter, Order, SearchBy, SearchIn, SortBy
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.finding import FoundFile, found_files
from mediatheque.surfaces.files.shapes import UserFile, user_file
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

KINDS = ("image", "video", "document", "link", "audio")
MAX_IDS = 500
MAX_OFFSET = 1 << 31
Names = Annotated[list[str] | None, Query(description="Comma-separated, repeated, or both.")]


def _spelled(value: object) -> object:
    """A number is no date here, although it could be seconds since 1970."""
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdecimal():
        raise ValueError("Input should be a valid datetime in ISO 8601")
    return value


Date = Annotated[datetime | None, BeforeValidator(_spelled)]


class SortOrder(StrEnum):
    ASCENDING = "asc"
    DESCENDING = "desc"


class SearchMode(StrEnum):
    """The contract's three, and our own two: by meaning, and by both words and meaning."""

    ALL = "all"
    METADATA = "metadata"
    VISIBLE_TEXT = "visible_text"
    SEMANTIC = "semantic"
    HYBRID = "hybrid"


class FileList(BaseModel):
    files: list[UserFile]
    total_count: int
    has_more: bool


class FoundList(BaseModel):
    """Of the two modes that know meaning: each file says why it is there."""

    files: list[FoundFile]
    total_count: int
    has_more: bool
    search_mode: SearchBy
    note: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["files"], responses=ERRORS)

    @router.get("/api/v2/user-files", response_model=FoundList | FileList)
    @scope("files.read")
    async def list_files(
        request: Request,
        search: str | None = None,
        search_mode: SearchMode = SearchMode.ALL,
        tags: Names = None,
        media_types: Names = None,
        folder_id: str | None = None,
        has_description: bool | None = None,
        ids: Names = None,
        date_from: Date = None,
        date_to: Date = None,
        sort_by: SortBy | None = None,
        sort_order: SortOrder = SortOrder.DESCENDING,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        deleted: bool = False,
    ) -> Response:
        """A page of files; with `deleted` of those in the trash.

        A search by meaning lists the best first unless `sort_by` says otherwise.
        """
        by = _BY_MEANING.get(search_mode)
        narrow = FileFilter(
            text=search or "",
            search_in=SearchIn.ALL if by else SearchIn(search_mode.value),
            kinds=_kinds(media_types),
            tags=tuple(dict.fromkeys(listed(tags))),
            ids=_ids(ids),
            folder_id=folder_id,
            has_description=has_description,
            created_from=_utc(date_from),
            created_to=_utc(date_to),
            in_trash=deleted,
        )
        order = Order(sort_by or SortBy.CONTENT_AT, sort_order is SortOrder.ASCENDING)
        if by is not None and narrow.text:
            hits = await in_thread(
                library.searching.search, actor_of(request), narrow.text, mode=by, filters=narrow,
                order=order if sort_by else None, skip=offset, limit=limit,
            )  # fmt: skip
            return json_response(_found(library, hits, offset))
        found = await in_thread(library.files.page, actor_of(request), narrow, order, skip=offset, limit=limit)
        return json_response(_shape(library, found, offset))

    return router


def listed(values: Iterable[str] | None) -> list[str]:
    """The items of a list parameter, whichever way it was written (contract, 3.H)."""
    return [item.strip() for value in values or () for item in value.split(",") if item.strip()]


def _shape(library: Library, found: FilePage, offset: int) -> FileList:
    files = [user_file(library, portrait) for portrait in found.files]
    return FileList(files=files, total_count=found.total, has_more=offset + len(files) < found.total)


def _found(library: Library, found: Found, offset: int) -> FoundList:
    files = found_files(library, found)
    has_more = offset + len(files) < found.total
    return FoundList(files=files, total_count=found.total, has_more=has_more, search_mode=found.by, note=found.note)


def _kinds(values: list[str] | None) -> frozenset[str]:
    kinds = frozenset(listed(values))
    if not kinds <= frozenset(KINDS):
        raise Invalid(f"Input should be among {', '.join(KINDS)}", field=("query", "media_types"), kind="enum")
    return kinds


def _ids(values: list[str] | None) -> tuple[UUID, ...]:
    texts = listed(values)
    if len(texts) > MAX_IDS:
        raise Invalid(f"List should have at most {MAX_IDS} items", field=("query", "ids"), kind="too_long")
    try:
        return tuple(dict.fromkeys(UUID(text) for text in texts))
    except ValueError:
        raise Invalid("Input should be a valid UUID", field=("query", "ids"), kind="uuid_parsing") from None


def _utc(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


_BY_MEANING = {SearchMode.SEMANTIC: SearchBy.MEANING, SearchMode.HYBRID: SearchBy.BOTH}

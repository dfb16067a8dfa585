"""What documents say: their text, page by page, and the passages that it consists of (contract, 9)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from mediatheque.core.passages import CHUNKS, DOCUMENT_TEXT
from mediatheque.core.portraits import Portrait, Portraits
from mediatheque.core.searching import Searching
from mediatheque.errors import NotFound
from mediatheque.filing import FileFilter, SearchBy
from mediatheque.model import Actor, Asset
from mediatheque.records import assets, files, vectors
from mediatheque.records.engine import Database, Tx

KIND = "document"
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class DocumentText:
    """`text` None: nothing has been read, and `portrait.reading` tells how far that is; `page` None: all pages."""

    portrait: Portrait
    text: str | None
    page: int | None
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document. Pages count from 1; `similarity` to a question, where there was one."""

    id: UUID
    index: int
    content: str
    page_numbers: list[int]
    heading_hierarchy: list[str]
    token_count: int
    document: Asset
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Chunks:
    """Some of a document's; `embedded` of all of them can be found by their meaning."""

    chunks: list[Chunk]
    total: int
    embedded: int


@dataclass(frozen=True, slots=True)
class FoundChunks:
    """The best first; `by` what the search went by."""

    chunks: list[Chunk]
    by: SearchBy


class Documents:
    def __init__(self, database: Database, portraits: Portraits, searching: Searching) -> None:
        self._database = database
        self._portraits = portraits
        self._searching = searching

    def text(self, actor: Actor, uuid: UUID, page: int | None = None) -> DocumentText:
        """The text of a document, or of one of its pages. Raises `NotFound`, for a page that is not there too."""
        with self._database.read() as tx:
            it = _document(tx, actor, uuid)
            (portrait,) = self._portraits.of(tx, [it])
            found = _values(tx, it).get(DOCUMENT_TEXT)
        if found is None:
            return DocumentText(portrait, None, page, False)
        text = found["text"] if page is None else _page(found, page)
        return DocumentText(portrait, text, page, bool(found["is_cut"]))

    def chunks(self, actor: Actor, uuid: UUID, *, skip: int, limit: int) -> Chunks:
        """Passages in the order of the text. Raises `NotFound`."""
        with self._database.read() as tx:
            it = _document(tx, actor, uuid)
            found = _values(tx, it).get(CHUNKS) or []
            embedded = vectors.counted(tx, actor.tenant_id, it.id, DOCUMENT_TEXT)
        made = [_chunk(it, index, found[index]) for index in range(skip, min(len(found), skip + limit))]
        return Chunks(made, len(found), min(embedded, len(found)))

    def search(
        self, actor: Actor, query: str, *, limit: int, threshold: float | None, documents: Sequence[UUID]
    ) -> FoundChunks:
        """The passages nearest to a question, none below the threshold; where meaning cannot be asked for, those that
        hold most of its words. Raises `Invalid`."""
        narrow = FileFilter(kinds=frozenset({KIND}), ids=tuple(documents))
        found = self._searching.passages(actor, query, DOCUMENT_TEXT, filters=narrow, floor=threshold, limit=limit)
        with self._database.read() as tx:
            owners = {it.id: it for it in files.with_ids(tx, actor.tenant_id, [one.asset_id for one in found.places])}
            texts = files.texts_of(tx, [it.blob.id for it in owners.values()], (CHUNKS,))
        chunks = [
            _chunk(owners[one.asset_id], one.position, texts[owners[one.asset_id].blob.id][CHUNKS][one.position],
                   one.similarity)
            for one in found.places
            if one.asset_id in owners and _is_there(texts.get(owners[one.asset_id].blob.id), one.position)
        ]  # fmt: skip
        return FoundChunks(chunks, found.by)


def _document(tx: Tx, actor: Actor, uuid: UUID) -> Asset:
    it = assets.asset_with(tx, uuid, actor.tenant_id)
    if it is None or it.kind != KIND:
        raise NotFound("Document not found")
    return it


def _values(tx: Tx, it: Asset) -> Mapping[str, Any]:
    return files.texts_of(tx, [it.blob.id], (DOCUMENT_TEXT, CHUNKS)).get(it.blob.id, {})


def _page(found: Mapping[str, Any], page: int) -> str:
    starts = [*found.get("page_starts", ()), None]
    if not 0 < page < len(starts):
        raise NotFound("Page not found")
    text: str = found["text"][starts[page - 1] : starts[page]]
    return text.strip()


def _is_there(texts: Mapping[str, Any] | None, position: int) -> bool:
    return texts is not None and position < len(texts.get(CHUNKS) or ())


def _chunk(it: Asset, index: int, chunk: Mapping[str, Any], similarity: float | None = None) -> Chunk:
    return Chunk(
        id=uuid5(it.blob.uuid, str(index)),
        index=index,
        content=chunk["content"],
        page_numbers=list(chunk["page_numbers"]),
        heading_hierarchy=list(chunk["heading_hierarchy"]),
        token_count=len(_TOKEN.findall(chunk["content"])),
        document=it,
        similarity=similarity,
    )

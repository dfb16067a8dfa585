"""`/api/v2/documents`: what documents say, their passages, and the search among these (contract, 9)."""

import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from mediatheque.core.documents import Chunk, Chunks, DocumentText
from mediatheque.core.library import Library
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

MAX_QUERY_CHARS = 1000
MAX_CHUNKS = 1000
SEARCH_MODE = "X-Search-Mode"
"""Says `words` where the search could not go by meaning: the answer's fields are the contract's."""


class Text(BaseModel):
    """`text` is empty before anything has been read: `text_extraction_status` tells how far that is."""

    document_id: str
    filename: str
    text: str
    page_number: int | None
    page_count: int | None
    metadata: dict[str, Any] | None
    is_truncated: bool
    text_extraction_status: str


class ChunkMetadata(BaseModel):
    token_count: int
    chunk_type: str


class DocumentChunk(BaseModel):
    """`similarity_score` to the question: 1 where there was none, 0 where it was looked for by words."""

    chunk_id: str
    document_id: str
    document_filename: str
    chunk_index: int
    content: str
    page_numbers: list[int]
    heading_hierarchy: list[str]
    similarity_score: float
    metadata: ChunkMetadata


class ChunkList(BaseModel):
    """`status_counts`: how many chunks can be found by their meaning (`completed`), and how many not yet."""

    document_id: str
    chunks: list[DocumentChunk]
    total_chunks: int
    status_counts: dict[str, int]


class DocumentSearch(BaseModel):
    query: str = Field(min_length=1, max_length=MAX_QUERY_CHARS)
    limit: int = Field(20, ge=1, le=100)
    similarity_threshold: float | None = Field(None, ge=0, le=1)
    document_ids: list[UUID] | None = Field(None, max_length=500)


class DocumentResults(BaseModel):
    query: str
    results: list[DocumentChunk]
    total_count: int
    search_time_ms: int


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/documents", tags=["files"], responses=ERRORS)

    @router.get("/{document_id}/text", response_model=Text)
    @scope("files.read")
    async def get_text(
        request: Request, document_id: UUID, page: Annotated[int | None, Query(ge=1, le=100_000)] = None
    ) -> Response:
        """What a document says, or one page of it."""
        return json_response(_text(await in_thread(library.documents.text, actor_of(request), document_id, page)))

    @router.get("/{document_id}/chunks", response_model=ChunkList)
    @scope("files.read")
    async def get_chunks(
        request: Request,
        document_id: UUID,
        limit: Annotated[int, Query(gt=0, le=MAX_CHUNKS)] = MAX_CHUNKS,
        offset: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
    ) -> Response:
        """The passages of a document, in the order of its text."""
        found = await in_thread(library.documents.chunks, actor_of(request), document_id, skip=offset, limit=limit)
        return json_response(_list(document_id, found))

    @router.post("/search", response_model=DocumentResults)
    @scope("files.read")
    async def search_documents(request: Request, wanted: DocumentSearch) -> Response:
        """Passages by what they mean; `X-Search-Mode: words` where that cannot be asked for."""
        started = time.monotonic()
        found = await in_thread(
            library.documents.search, actor_of(request), wanted.query,
            limit=wanted.limit, threshold=wanted.similarity_threshold, documents=wanted.document_ids or [],
        )  # fmt: skip
        results = [_chunk(chunk, 0.0) for chunk in found.chunks]
        took_ms = round((time.monotonic() - started) * 1000)
        answer = DocumentResults(query=wanted.query, results=results, total_count=len(results), search_time_ms=took_ms)
        response = json_response(answer)
        response.headers[SEARCH_MODE] = found.by.value
        return response

    return router


def _text(found: DocumentText) -> Text:
    it = found.portrait.asset
    return Text(
        document_id=str(it.uuid),
        filename=it.original_filename or it.filename,
        text=found.text or "",
        page_number=found.page,
        page_count=it.blob.details.get("page_count"),
        metadata=dict(it.blob.details) or None,
        is_truncated=found.is_cut,
        text_extraction_status=found.portrait.reading.value,
    )


def _list(document_id: UUID, found: Chunks) -> ChunkList:
    return ChunkList(
        document_id=str(document_id),
        chunks=[_chunk(chunk, 1.0) for chunk in found.chunks],
        total_chunks=found.total,
        status_counts={"completed": found.embedded, "pending": found.total - found.embedded, "failed": 0},
    )


def _chunk(chunk: Chunk, otherwise: float) -> DocumentChunk:
    it = chunk.document
    return DocumentChunk(
        chunk_id=str(chunk.id),
        document_id=str(it.uuid),
        document_filename=it.original_filename or it.filename,
        chunk_index=chunk.index,
        content=chunk.content,
        page_numbers=chunk.page_numbers,
        heading_hierarchy=chunk.heading_hierarchy,
        similarity_score=otherwise if chunk.similarity is None else chunk.similarity,
        metadata=ChunkMetadata(token_count=chunk.token_count, chunk_type="text"),
    )

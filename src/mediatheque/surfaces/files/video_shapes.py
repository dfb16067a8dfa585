"""How uploads in chunks are asked for and told of (contract, 9)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from mediatheque.core.chunking import CHUNK_BYTES, Chunk, Chunked, Finished
from mediatheque.core.library import Library
from mediatheque.core.media import ORIGINAL
from mediatheque.surfaces.files.shapes import THUMBNAIL, moment, url_of

PREFIX = "/api/v2/video-uploads"
MAX_TAGS = 20
MAX_METADATA = 50
CONCURRENT_CHUNKS = 4
RETRIES = 3
MAX_SECONDS = 10_000_000
Tag = Annotated[str, StringConstraints(max_length=50)]
Word = Annotated[str, StringConstraints(max_length=100)]


class InitiateRequest(BaseModel):
    filename: str = Field(min_length=1, max_length=255)
    content_type: str = Field(max_length=255)
    size_bytes: int
    title: str | None = Field(None, max_length=255)
    tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)
    metadata: dict[str, Any] | None = Field(None, max_length=MAX_METADATA)


class ChunkObject(BaseModel):
    chunk_number: int
    size_bytes: int
    upload_url: str
    upload_method: str
    expires_at: str


class InitiateResponse(BaseModel):
    media_id: UUID
    upload_id: UUID
    total_chunks: int
    chunk_size_bytes: int
    storage_path: str
    chunks: list[ChunkObject]
    expires_at: str
    concurrent_upload_limit: int
    retry_attempts: int


class UploadRequest(BaseModel):
    media_id: UUID
    upload_id: UUID


class RetryRequest(UploadRequest):
    chunk_number: int


class ConfirmRequest(RetryRequest):
    etag: str = Field(min_length=1, max_length=255)
    size_bytes: int


class ChunkConfirmed(BaseModel):
    chunk_number: int
    status: str
    chunks_completed: int
    total_chunks: int
    progress_percent: float
    estimated_time_remaining: float | None


class Progress(BaseModel):
    media_id: UUID
    upload_id: UUID
    status: str
    chunks_completed: int
    total_chunks: int
    bytes_uploaded: int
    total_bytes: int
    size_bytes: int
    progress_percent: float
    estimated_time_remaining: float | None
    error: str | None
    created_at: str
    expires_at: str


class CompleteRequest(UploadRequest):
    """What is said of the duration and of how to look into the video is taken note of; the bytes say the rest."""

    duration_seconds: float = Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)
    auto_analyze: bool = True
    analysis_provider: Word | None = None
    analysis_model: Word | None = None
    analysis_type: Literal["full_vlm", "frame_sample", "scene_detection", "transcript"] | None = None
    duration_extraction_failed: bool = False


class CompleteResponse(BaseModel):
    media_id: UUID
    status: str
    processing_status: str
    metadata: dict[str, Any] | None
    video_url: str | None
    thumbnail_url: str | None
    analysis_job_id: UUID | None
    created_at: str


class Aborted(BaseModel):
    media_id: UUID
    upload_id: UUID
    status: str


def initiated(library: Library, it: Chunked) -> InitiateResponse:
    return InitiateResponse(
        media_id=it.uuid,
        upload_id=it.upload_id,
        total_chunks=it.chunk_count,
        chunk_size_bytes=CHUNK_BYTES,
        storage_path=it.object_key,
        chunks=[chunk_object(library, it, chunk) for chunk in it.chunks()],
        expires_at=moment(it.expires_at),
        concurrent_upload_limit=CONCURRENT_CHUNKS,
        retry_attempts=RETRIES,
    )


def chunk_object(library: Library, it: Chunked, chunk: Chunk) -> ChunkObject:
    path = f"{PREFIX}/{it.uuid}/chunks/{chunk.number}"
    signature = library.signer.sign_until(it.expires_at, "PUT", path)
    return ChunkObject(
        chunk_number=chunk.number,
        size_bytes=chunk.size_bytes,
        upload_url=f"{library.base_url}{path}?{signature.query()}",
        upload_method="PUT",
        expires_at=moment(it.expires_at),
    )


def confirmed(it: Chunked, number: int) -> ChunkConfirmed:
    return ChunkConfirmed(
        chunk_number=number,
        status="completed",
        chunks_completed=it.confirmed_chunks,
        total_chunks=it.chunk_count,
        progress_percent=_percent(it),
        estimated_time_remaining=it.remaining_seconds,
    )


def progress(it: Chunked) -> Progress:
    return Progress(
        media_id=it.uuid,
        upload_id=it.upload_id,
        status=it.state,
        chunks_completed=it.confirmed_chunks,
        total_chunks=it.chunk_count,
        bytes_uploaded=it.confirmed_bytes,
        total_bytes=it.size_bytes,
        size_bytes=it.size_bytes,
        progress_percent=_percent(it),
        estimated_time_remaining=it.remaining_seconds if it.state == "uploading" else None,
        error=it.error,
        created_at=moment(it.created_at),
        expires_at=moment(it.expires_at),
    )


def completed(library: Library, made: Finished) -> CompleteResponse:
    portrait = made.portrait
    return CompleteResponse(
        media_id=portrait.asset.uuid,
        status="completed",
        processing_status=made.stage,
        metadata=dict(portrait.asset.blob.details) or None,
        video_url=url_of(library, portrait, ORIGINAL),
        thumbnail_url=url_of(library, portrait, THUMBNAIL),
        analysis_job_id=made.enriching,
        created_at=moment(portrait.asset.created_at),
    )


def _percent(it: Chunked) -> float:
    return round(100 * it.confirmed_bytes / it.size_bytes, 1)

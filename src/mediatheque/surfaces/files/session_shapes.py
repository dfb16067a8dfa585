"""How batches and their files are told of (contract, 3.4)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from mediatheque.core.batches import Item, Session
from mediatheque.core.library import Library
from mediatheque.surfaces.files.batches import channel_of
from mediatheque.surfaces.signed import thumbnail_url

PREFIX = "/api/v2/uploads"
RECENT = 10
DESCRIPTION_CHARS = 100
Status = Literal["pending", "uploading", "processing", "completed", "failed", "expired", "cancelled"]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{64}$")]


class Completion(BaseModel):
    filename: str
    image_id: UUID
    status: str
    description: str | None
    processing_time_ms: float | None
    error_message: str | None


class Failure(BaseModel):
    filename: str
    index: int
    error: str
    retryable: bool


class StatusResponse(BaseModel):
    session_id: UUID
    status: str
    total_files: int
    completed_files: int
    failed_files: int
    skipped_files: int
    pending_files: int
    progress_percentage: float
    created_at: str
    started_at: str | None
    completed_at: str | None
    estimated_completion_time: str | None
    recent_completions: list[Completion]
    recent_errors: list[Failure]
    results_url: str
    websocket_channel: str


class ListedSession(BaseModel):
    session_id: UUID
    status: str
    upload_method: str
    total_files: int
    completed_files: int
    failed_files: int
    skipped_files: int
    progress_percentage: float
    created_at: str
    completed_at: str | None


class SessionList(BaseModel):
    sessions: list[ListedSession]
    total_count: int
    offset: int
    limit: int
    has_more: bool


class ResultEntry(BaseModel):
    """`object_key` is empty as long as nothing is stored."""

    image_id: UUID
    filename: str
    object_key: str
    status: str
    description: str | None
    visible_text: str | None
    tags: list[str]
    processing_time_ms: float | None
    error_message: str | None
    thumbnail_url: str | None
    created_at: str


class Summary(BaseModel):
    total_files: int
    completed: int
    failed: int
    skipped: int


class ResultsResponse(BaseModel):
    session_id: UUID
    results: list[ResultEntry]
    total_count: int
    offset: int
    limit: int
    has_more: bool
    summary: Summary


class QuotaResponse(BaseModel):
    """There is no monthly limit here and no credit: what counts is room for bytes, and the size of a batch."""

    can_proceed: bool
    requested: int
    available: int
    monthly_limit: int | None
    current_usage: int
    prepaid_credits: int
    max_batch_size: int
    max_concurrent_uploads: int
    message: str | None


class HashesRequest(BaseModel):
    hashes: list[Sha256] = Field(min_length=1, max_length=250)


class DuplicatesResponse(BaseModel):
    """`image_ids`: the file with each of the `duplicates`, by its hash."""

    duplicates: list[str]
    unique: list[str]
    image_ids: dict[str, UUID]


class ComponentStatuses(BaseModel):
    """Null: there is no such component of this file."""

    upload_status: str
    variant_status: str | None
    description_status: str | None
    upload_intent_status: str
    task_intent_status: str


class FileStatusResponse(BaseModel):
    image_id: UUID
    tenant_id: UUID
    batch_id: UUID | None
    unified_status: str
    component_statuses: ComponentStatuses
    task_intent_ids: list[str]
    error_message: str | None
    last_error_at: str | None
    created_at: str
    last_updated_at: str
    completed_at: str | None
    retry_count: int
    processing_duration_seconds: float
    is_stuck: bool
    is_terminal: bool


def status_of(it: Session) -> StatusResponse:
    """The status object, also of the events of a session."""
    ended = sorted((item for item in it.items if item.ended_at), key=lambda item: item.ended_at or it.created_at)
    return StatusResponse(
        session_id=it.uuid,
        status=it.state,
        **_counts(it),
        pending_files=it.pending,
        created_at=moment(it.created_at) or "",
        started_at=moment(it.created_at),
        completed_at=moment(it.completed_at),
        estimated_completion_time=None,
        recent_completions=[completion_of(item) for item in reversed(ended[-RECENT:])],
        recent_errors=[
            Failure(filename=item.filename, index=item.index, error=item.error or "Failed", retryable=item.retryable)
            for item in it.items
            if item.state == "failed"
        ][-RECENT:],
        results_url=f"{PREFIX}/sessions/{it.uuid}/results",
        websocket_channel=channel_of(it.uuid),
    )


def completion_of(it: Item) -> Completion:
    return Completion(
        filename=it.filename,
        image_id=it.image_id,
        status=it.state,
        description=it.description[:DESCRIPTION_CHARS] if it.description else None,
        processing_time_ms=it.processing_time_ms,
        error_message=it.error,
    )


def _counts(it: Session) -> dict[str, Any]:
    total = len(it.items)
    done = {f"{state}_files": it.count(state) for state in ("completed", "failed", "skipped")}
    return {"total_files": total, **done, "progress_percentage": round(100 * sum(done.values()) / max(total, 1), 1)}


def listed(it: Session) -> ListedSession:
    return ListedSession(
        session_id=it.uuid,
        status=it.state,
        upload_method=it.method,
        **_counts(it),
        created_at=moment(it.created_at) or "",
        completed_at=moment(it.completed_at),
    )


def results_of(library: Library, it: Session, include_failed: bool, offset: int, limit: int) -> ResultsResponse:
    wanted = [item for item in it.items if include_failed or item.state != "failed"]
    shown = wanted[offset : offset + limit]
    return ResultsResponse(
        session_id=it.uuid,
        results=[_entry(library, item) for item in shown],
        total_count=len(wanted),
        offset=offset,
        limit=limit,
        has_more=offset + len(shown) < len(wanted),
        summary=Summary(
            total_files=len(it.items),
            completed=it.count("completed"),
            failed=it.count("failed"),
            skipped=it.count("skipped"),
        ),
    )


def _entry(library: Library, it: Item) -> ResultEntry:
    has_thumbnail = it.state == "completed" and it.kind == "image"
    return ResultEntry(
        image_id=it.image_id,
        filename=it.filename,
        object_key=it.object_key or "",
        status=it.state,
        description=it.description,
        visible_text=it.visible_text,
        tags=list(it.tags),
        processing_time_ms=it.processing_time_ms,
        error_message=it.error,
        thumbnail_url=thumbnail_url(library, it.image_id) if has_thumbnail else None,
        created_at=moment(it.created_at) or "",
    )


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

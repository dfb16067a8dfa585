"""Aionvision's words: the file object of lists and of the detail (contract, 3.5 and 3.6)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from mediatheque.core.knowledge import Description
from mediatheque.core.library import Library
from mediatheque.core.media import ORIGINAL
from mediatheque.core.portraits import PAGE, PICTURES, Portrait
from mediatheque.model import Execution, RunState, Stage, State
from mediatheque.surfaces.signed import signed_url

THUMBNAIL, MEDIUM, FULL = "small_256", "medium_750", "large_1024"
VARIANTS = frozenset({ORIGINAL, "tiny_64", THUMBNAIL, MEDIUM, FULL})
STREAMING = "STREAMING"
"""`upload_method` of what came through a door that has no word for it."""


class Dimensions(BaseModel):
    width: int
    height: int


class OfKinds(BaseModel):
    """What files of one kind or another tell beside the rest; null for all others (AV-OAS, which names them all)."""

    video_metadata: dict[str, Any] | None = None
    video_analysis_status: str | None = None
    video_analysis_job_id: str | None = None
    scene_count: int | None = None
    has_audio_transcript: bool | None = None
    video_url: str | None = None
    document_type: str | None = None
    page_count: int | None = None
    text_extraction_status: str | None = None
    chunk_count: int | None = None
    document_url: str | None = None
    source_url: str | None = None
    domain: str | None = None
    og_metadata: dict[str, Any] | None = None
    favicon_url: str | None = None
    crawl_status: str | None = None
    extracted_images: list[dict[str, Any]] | None = None
    extracted_images_count: int | None = None


class UserFile(OfKinds):
    """The 27 keys of the reference's example, and what its OpenAPI document names beside them."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str | None
    filename: str | None
    thumbnail_url: str | None
    upload_description: str | None
    visible_text: str | None
    tags: list[str]
    size_bytes: int
    created_at: str
    content_created_at: str | None
    has_full_description: bool
    dimensions: Dimensions | None
    format: str | None
    variant_status: str | None
    variant_count: int | None
    variant_error: str | None
    medium_url: str | None
    full_url: str | None
    blur_hash: str | None
    description_status: str | None
    description_error: str | None
    confidence_score: float | None
    content_type: str | None
    media_type: str | None


class FullDescription(BaseModel):
    id: str
    description: str
    visible_text: str | None
    confidence_score: float | None
    providers_used: list[str]
    verification_level: str
    processing_time_ms: int
    created_at: str


class Processing(BaseModel):
    id: str
    operation_type: str
    status: str
    created_at: str
    completed_at: str | None
    error_message: str | None


class FileDetail(OfKinds):
    """The 28 keys of the detail, and what only links tell beside them.

    `dimensions`, never null here (AV-OAS), are empty for what has none.
    """

    id: str
    object_key: str
    title: str | None
    tags: list[str]
    size_bytes: int
    content_type: str
    dimensions: dict[str, int]
    format: str
    full_url: str | None
    thumbnail_url: str | None
    medium_url: str | None
    original_url: str | None
    variant_status: str | None
    variant_count: int | None
    upload_description: str | None
    visible_text: str | None
    description_generated_at: str | None
    full_descriptions: list[FullDescription]
    created_at: str
    updated_at: str
    content_created_at: str | None
    upload_method: str
    original_filename: str
    hash: str
    processing_history: list[Processing]
    blur_hash: str | None
    description_status: str
    media_type: str
    page_title: str | None = None
    crawl_error: str | None = None
    crawled_at: str | None = None


def moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def user_file(library: Library, portrait: Portrait) -> UserFile:
    """An item of a list; one of the trash has no URLs, and says since when it lies there."""
    it = portrait.asset
    values = _common(library, portrait)
    del values["original_url"]
    values |= {
        "filename": it.original_filename or it.filename,
        "has_full_description": bool(portrait.descriptions),
        "description_error": portrait.description_error,
        "confidence_score": portrait.confidence,
        "variant_error": portrait.sizing_error,
        **_more(library, portrait),
    }
    if it.deleted_at is not None:
        values["deleted_at"] = moment(it.deleted_at)
    return UserFile(**values)


def file_detail(library: Library, portrait: Portrait) -> FileDetail:
    it = portrait.asset
    text, common = portrait.visible_text, _common(library, portrait)
    size = common.pop("dimensions")
    return FileDetail(
        **common,
        dimensions=size.model_dump() if size else {},
        object_key=it.blob.key,
        description_generated_at=moment(portrait.descriptions[-1].created_at) if portrait.descriptions else None,
        full_descriptions=[_full(description, text) for description in portrait.descriptions],
        updated_at=moment(it.updated_at),
        upload_method=it.upload_method or STREAMING,
        original_filename=it.original_filename or it.filename,
        hash=f"sha256:{it.blob.sha256}",
        processing_history=[_processing(word, execution) for word, execution in portrait.history],
        **_more(library, portrait),
        **(_visited(portrait) if it.kind == "link" else {}),
    )


def _common(library: Library, portrait: Portrait) -> dict[str, Any]:
    """What lists and the detail have in common."""
    it = portrait.asset
    blur_hash = portrait.found.get("blur_hash")
    is_picture = it.kind == "image"
    return {
        "id": str(it.uuid),
        "title": it.title,
        "tags": list(it.tags),
        "size_bytes": it.blob.size_bytes,
        "content_type": it.blob.media_type,
        "dimensions": _dimensions(portrait),
        "format": it.blob.media_type.partition("/")[2] if is_picture else _format(portrait),
        "full_url": url_of(library, portrait, FULL),
        "thumbnail_url": url_of(library, portrait, THUMBNAIL),
        "medium_url": url_of(library, portrait, MEDIUM),
        "original_url": url_of(library, portrait, ORIGINAL),
        "variant_status": portrait.sizing.value if portrait.sizing else None,
        "variant_count": 1 + len(VARIANTS & portrait.variants.keys()) if portrait.sizing else None,
        "upload_description": portrait.description,
        "visible_text": portrait.visible_text,
        "created_at": moment(it.created_at),
        "content_created_at": moment(it.captured_at) if it.captured_at else None,
        "blur_hash": blur_hash.value if blur_hash else None,
        "description_status": portrait.describing.value,
        "media_type": it.kind,
    }


def url_of(library: Library, portrait: Portrait, name: str) -> str | None:
    """A signed URL of bytes that can be had now."""
    it = portrait.asset
    is_there = name == ORIGINAL or name in portrait.variants
    if not is_there or it.deleted_at is not None or it.state is State.FAILED:
        return None
    return signed_url(library, it, name)


def _dimensions(portrait: Portrait) -> Dimensions | None:
    blob = portrait.asset.blob
    return Dimensions(width=blob.width, height=blob.height) if blob.width and blob.height else None


def _format(portrait: Portrait) -> str:
    """Of what is no picture: as its name ends, or else by its type."""
    blob, (name, dot, extension) = portrait.asset.blob, portrait.asset.filename.rpartition(".")
    return extension.lower() if name and dot and extension else blob.document_type or blob.media_type.partition("/")[2]


def _full(description: Description, text: str | None) -> FullDescription:
    return FullDescription(
        id=str(description.run_uuid),
        description=description.text,
        visible_text=text,
        confidence_score=description.confidence,
        providers_used=[description.described_by] if description.described_by else [],
        verification_level=description.verification_level,
        processing_time_ms=description.took_ms,
        created_at=moment(description.created_at),
    )


def _processing(word: str | None, execution: Execution) -> Processing:
    return Processing(
        id=str(execution.uuid),
        operation_type=word or execution.skill,
        status=_STATUS[execution.state] if not execution.is_held else Stage.PROCESSING.value,
        created_at=moment(execution.created_at),
        completed_at=moment(execution.finished_at) if execution.finished_at else None,
        error_message=execution.error,
    )


def _more(library: Library, portrait: Portrait) -> dict[str, Any]:
    more = _KINDS.get(portrait.asset.kind)
    return more(library, portrait) if more else {}


def _document(library: Library, portrait: Portrait) -> dict[str, Any]:
    return {
        "document_type": portrait.asset.blob.document_type,
        "page_count": portrait.asset.blob.details.get("page_count"),
        "text_extraction_status": portrait.reading.value,
        "chunk_count": portrait.chunk_count,
        "document_url": url_of(library, portrait, ORIGINAL),
    }


def _link(library: Library, portrait: Portrait) -> dict[str, Any]:
    """What lists show of a link; the detail tells more."""
    page, pictures = portrait.found.get(PAGE), portrait.found.get(PICTURES)
    shown = pictures.value["pictures"] if pictures else []
    return {
        "source_url": portrait.link.url if portrait.link else None,
        "domain": portrait.link.domain if portrait.link else None,
        "og_metadata": page.value["og"] if page else None,
        "favicon_url": url_of(library, portrait, "favicon"),
        "crawl_status": portrait.crawling.value,
        "extracted_images": [_picture(library, portrait, it) for it in shown],
        "extracted_images_count": len(shown),
    }


def _picture(library: Library, portrait: Portrait, found: Mapping[str, Any]) -> dict[str, Any]:
    """A picture of the page (contract, 10), and where our copy of it can be fetched."""
    named = {name: found[name] for name in ("url", "alt", "width", "height", "image_id")}
    return named | {"stored_url": url_of(library, portrait, found["variant"]) if found["variant"] else None}


def _visited(portrait: Portrait) -> dict[str, Any]:
    """What only the detail of a link tells."""
    page = portrait.found.get(PAGE)
    failed = portrait.crawl if portrait.crawling is Stage.FAILED else None
    return {
        "page_title": page.value["page_title"] if page else None,
        "crawl_error": failed.error if failed else None,
        "crawled_at": moment(portrait.crawled_at) if portrait.crawled_at else None,
    }


def _video(library: Library, portrait: Portrait) -> dict[str, Any]:
    return {
        "video_metadata": dict(portrait.asset.blob.details) or None,
        "video_analysis_status": portrait.analysing.value if portrait.analysing else None,
        "video_analysis_job_id": str(portrait.analysis_uuid) if portrait.analysis_uuid else None,
        "scene_count": portrait.scene_count,
        "has_audio_transcript": portrait.has_transcript,
        "video_url": url_of(library, portrait, ORIGINAL),
    }


_KINDS: Mapping[str, Callable[[Library, Portrait], dict[str, Any]]] = {
    "document": _document,
    "video": _video,
    "link": _link,
}
"""The keys that a kind of file has beside the common ones."""

_STATUS = {
    RunState.QUEUED: "pending",
    RunState.RUNNING: "processing",
    RunState.SUCCEEDED: "completed",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
    RunState.SKIPPED: "skipped",
}

"""The documented fields of every answer of `/api/v2`: names, types, and which may be null (contract, 3 and 9)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

Holds = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def uuid(value: Any) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value


def moment(value: Any) -> bool:
    """A date-time with its zone, as RFC 3339 spells it."""
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("http")


def null(value: Any) -> bool:
    return value is None


def maybe(shape: Any) -> Any:
    """Null, or this."""
    return (null, shape)


def among(*words: str) -> Holds:
    return lambda value: value in words


def differences(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Where a value is not of this shape: keys that lack or were never heard of, and types."""
    if isinstance(shape, tuple):
        found = [differences(value, one, path) for one in shape]
        return [] if [] in found else found[-1]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        wrong = [f"{path}.{key} lacks" for key in shape.keys() - value.keys()]
        wrong += [f"{path}.{key} is not documented" for key in value.keys() - shape.keys()]
        for key in shape.keys() & value.keys():
            wrong += differences(value[key], shape[key], f"{path}.{key}")
        return wrong
    if isinstance(shape, list):
        if not isinstance(value, list) or not value:
            return [f"{path}: {value!r} is no list that holds something"]
        return [it for index, one in enumerate(value) for it in differences(one, shape[0], f"{path}[{index}]")]
    return [] if shape(value) else [f"{path}: {value!r} is no {getattr(shape, '__name__', shape)}"]


STAGE = among("pending", "processing", "completed", "failed")
DESCRIPTION_STATUS = among("pending", "queued", "processing", "completed", "failed", "skipped")
DIMENSIONS = {"width": whole, "height": whole}
VIDEO_METADATA = {
    "duration_seconds": maybe(number), "resolution": text, "width": whole, "height": whole, "frame_rate": maybe(number),
    "video_codec": text, "audio_codec": maybe(text), "bitrate_kbps": maybe(whole), "file_size_bytes": whole,
    "format_name": text,
}  # fmt: skip
DOCUMENT_TYPE = among("pdf", "docx", "txt", "md", "pptx", "xlsx", "html", "csv")
OF_DOCUMENTS = {
    "document_type": DOCUMENT_TYPE, "page_count": maybe(whole), "text_extraction_status": STAGE,
    "chunk_count": maybe(whole), "document_url": url,
}  # fmt: skip
OF_VIDEOS = {
    "video_metadata": VIDEO_METADATA, "video_analysis_status": maybe(STAGE), "video_analysis_job_id": maybe(uuid),
    "scene_count": maybe(whole), "has_audio_transcript": flag, "video_url": url,
}  # fmt: skip
OF_LINKS = (
    "source_url", "domain", "og_metadata", "favicon_url", "crawl_status", "extracted_images", "extracted_images_count"
)  # fmt: skip
OF_OTHER_KINDS = dict.fromkeys([*OF_DOCUMENTS, *OF_VIDEOS, *OF_LINKS], null)
"""What the published OpenAPI document names on every file, whatever its kind."""
USER_FILE = {
    **OF_OTHER_KINDS,
    "id": uuid, "title": maybe(text), "filename": text, "thumbnail_url": maybe(url), "upload_description": maybe(text),
    "visible_text": maybe(text), "tags": maybe([text]), "size_bytes": whole, "created_at": moment,
    "content_created_at": maybe(moment), "has_full_description": flag, "dimensions": maybe(DIMENSIONS),
    "format": text, "variant_status": maybe(STAGE), "variant_count": maybe(whole), "medium_url": maybe(url),
    "full_url": maybe(url), "blur_hash": maybe(text), "description_status": DESCRIPTION_STATUS,
    "description_error": maybe(text), "confidence_score": maybe(number), "content_type": text,
    "media_type": among("image", "video", "document", "link", "audio"), "variant_error": maybe(text),
}  # fmt: skip
"""The keys of an image, all of them on every item."""
DETAIL = {
    **OF_OTHER_KINDS, "page_title": null, "crawl_error": null, "crawled_at": null,
    "id": uuid, "object_key": text, "title": maybe(text), "tags": maybe([text]), "size_bytes": whole,
    "content_type": text, "dimensions": ({}, DIMENSIONS), "format": text, "full_url": maybe(url),
    "thumbnail_url": maybe(url), "medium_url": maybe(url), "original_url": url, "variant_status": maybe(STAGE),
    "variant_count": maybe(whole), "upload_description": maybe(text), "visible_text": maybe(text),
    "description_generated_at": maybe(moment), "full_descriptions": [{
        "id": uuid, "description": text, "visible_text": maybe(text), "confidence_score": maybe(number),
        "providers_used": [text], "verification_level": among("quick", "standard", "thorough", "critical"),
        "processing_time_ms": whole, "created_at": moment,
    }], "created_at": moment, "updated_at": moment, "content_created_at": maybe(moment),
    "upload_method": among("STREAMING", "PRESIGNED", "TUS", "CHUNKED", "LINK"), "original_filename": text,
    "hash": lambda value: value.startswith("sha256:") and len(value) == 71, "processing_history": [{
        "id": uuid, "operation_type": text, "status": among("pending", "processing", "completed", "failed"),
        "created_at": moment, "completed_at": maybe(moment), "error_message": maybe(text),
    }], "blur_hash": maybe(text), "description_status": DESCRIPTION_STATUS,
    "media_type": among("image", "video", "document", "link", "audio"),
}  # fmt: skip
"""The keys of an image."""
UNDESCRIBED = {
    **DETAIL,
    "full_descriptions": lambda value: value == [],
    "processing_history": lambda value: isinstance(value, list),
    "tags": lambda value: value == [],
}
BARE = {**USER_FILE, "tags": lambda value: value == []}
LIST = {"total_count": whole, "has_more": flag}
PROMISED = {
    "upload_url": url, "upload_method": among("PUT", "POST"), "upload_fields": null, "upload_headers": maybe(
        {"Content-Type": text}
    ), "object_key": text, "image_id": uuid, "expires_at": moment, "max_size_bytes": whole, "thumbnail_url": null,
    "variant_urls": null,
}  # fmt: skip
STREAMED = {
    "image_id": uuid, "object_key": text, "upload_method": among("STREAMING"),
    "status": among("completed", "processing", "skipped"), "processing_time_ms": number, "s3_upload_completed": flag,
    "variants_queued": flag, "description_queued": flag, "skipped": flag, "skipped_existing_image_id": maybe(uuid),
    "storage_target": among("default", "custom"), "media_type": among("image", "document"),
    "document_type": maybe(DOCUMENT_TYPE), "text_extraction_status": maybe(STAGE),
}  # fmt: skip
RESULT = {
    "image_id": uuid, "filename": text, "object_key": text,
    "status": among("completed", "processing", "failed", "skipped"), "processing_time_ms": maybe(number),
    "skipped": flag, "skipped_existing_image_id": maybe(uuid), "error": maybe(text), "storage_target": text,
    "media_type": maybe(text), "document_type": maybe(DOCUMENT_TYPE), "text_extraction_status": maybe(STAGE),
}  # fmt: skip
BATCH = {
    "session_id": uuid, "total_files": whole, "accepted_files": whole, "rejected_files": whole,
    "status": among("completed", "partial", "failed", "rejected", "processing"), "immediate_results": [RESULT],
    "status_url": text, "websocket_channel": text,
    "rejections": [{"filename": text, "index": whole, "reason": text, "retryable": flag}],
}  # fmt: skip
SESSION_STATUS = among("pending", "uploading", "processing", "completed", "failed", "expired", "cancelled")
COUNTS = {
    "total_files": whole, "completed_files": whole, "failed_files": whole, "skipped_files": whole,
    "progress_percentage": number,
}  # fmt: skip
STATUS = {
    "session_id": uuid, "status": SESSION_STATUS, **COUNTS, "pending_files": whole, "created_at": moment,
    "started_at": maybe(moment), "completed_at": maybe(moment), "estimated_completion_time": maybe(moment),
    "recent_completions": [{
        "filename": text, "image_id": uuid, "status": among("completed", "failed", "skipped"),
        "description": maybe(text), "processing_time_ms": maybe(number), "error_message": maybe(text),
    }], "recent_errors": [{"filename": text, "index": whole, "error": text, "retryable": flag}], "results_url": text,
    "websocket_channel": text,
}  # fmt: skip
PAGE = {"total_count": whole, "offset": whole, "limit": whole, "has_more": flag}
SESSIONS = {"sessions": [{
    "session_id": uuid, "status": SESSION_STATUS, "upload_method": among("presigned", "streaming"), **COUNTS,
    "created_at": moment, "completed_at": maybe(moment),
}], **PAGE}  # fmt: skip
RESULTS = {
    "session_id": uuid, "results": [{
        "image_id": uuid, "filename": text, "object_key": text, "status": text,
        "description": maybe(text), "visible_text": maybe(text), "tags": lambda value: isinstance(value, list),
        "processing_time_ms": maybe(number), "error_message": maybe(text), "thumbnail_url": maybe(url),
        "created_at": moment,
    }], **PAGE, "summary": {"total_files": whole, "completed": whole, "failed": whole, "skipped": whole},
}  # fmt: skip
QUOTA = {
    "can_proceed": flag, "requested": whole, "available": whole, "monthly_limit": maybe(whole), "current_usage": whole,
    "prepaid_credits": whole, "max_batch_size": whole, "max_concurrent_uploads": whole, "message": maybe(text),
}  # fmt: skip
FILE_STATUS = {
    "image_id": uuid, "tenant_id": uuid, "batch_id": maybe(uuid), "unified_status": among(
        "uploading", "confirming", "queued", "processing", "completed", "failed", "partially_completed"
    ), "component_statuses": {
        "upload_status": STAGE, "variant_status": maybe(STAGE), "description_status": maybe(DESCRIPTION_STATUS),
        "upload_intent_status": STAGE, "task_intent_status": text,
    }, "task_intent_ids": [uuid], "error_message": maybe(text), "last_error_at": maybe(moment),
    "created_at": moment, "last_updated_at": moment, "completed_at": maybe(moment), "retry_count": whole,
    "processing_duration_seconds": number,
    "is_stuck": flag, "is_terminal": flag,
}  # fmt: skip
DELETION = {"id": uuid, "status": among("deleted", "skipped", "failed"), "message": maybe(text),
            "deleted_at": maybe(moment)}  # fmt: skip
BATCH_DELETED = {
    "deleted": [DELETION], "skipped": [DELETION], "failed": [DELETION],
    "summary": {"total": whole, "deleted": whole, "skipped": whole, "failed": whole},
}  # fmt: skip
FOLDER = {"id": uuid, "name": text, "parent_id": maybe(uuid), "depth": whole, "file_count": whole,
          "subfolder_count": whole, "created_at": moment, "updated_at": moment}  # fmt: skip
CRUMB = {"id": uuid, "name": text, "depth": whole}
TRIGGERED = {"success": flag, "message": text, "task_id": text, "current_status": among("queued", "processing"),
             "image_id": uuid}  # fmt: skip
CHUNK = {"chunk_number": whole, "size_bytes": whole, "upload_url": url, "upload_method": among("PUT"),
         "expires_at": moment}  # fmt: skip
VIDEO_INITIATED = {
    "media_id": uuid, "upload_id": uuid, "total_chunks": whole, "chunk_size_bytes": whole, "storage_path": text,
    "chunks": [CHUNK], "expires_at": moment, "concurrent_upload_limit": whole, "retry_attempts": whole,
}  # fmt: skip
CHUNK_CONFIRMED = {
    "chunk_number": whole, "status": among("completed"), "chunks_completed": whole, "total_chunks": whole,
    "progress_percent": number, "estimated_time_remaining": maybe(number),
}  # fmt: skip
VIDEO_COMPLETED = {
    "media_id": uuid, "status": among("completed"), "processing_status": among(
        "pending", "queued", "processing", "completed", "failed"
    ), "metadata": maybe(VIDEO_METADATA), "video_url": url, "thumbnail_url": maybe(url), "analysis_job_id": maybe(uuid),
    "created_at": moment,
}  # fmt: skip
DOCUMENT_PROMISED = {
    "upload_url": url, "upload_method": among("PUT", "POST"), "upload_fields": null,
    "upload_headers": maybe({"Content-Type": text}), "object_key": text, "expires_at": moment,
    "max_size_bytes": whole, "storage_target": among("default", "custom"), "bucket_name": maybe(text),
}  # fmt: skip
DOCUMENT_CONFIRMED = {
    "document_id": uuid, "object_key": text, "filename": text, "document_type": DOCUMENT_TYPE, "status": STAGE,
    "confirmed": flag, "deduplicated": flag, "is_idempotent_retry": flag,
}  # fmt: skip
DOCUMENT_STATUS = {
    "document_id": uuid, "filename": text, "document_type": DOCUMENT_TYPE, "text_extraction_status": STAGE,
    "page_count": maybe(whole), "chunk_count": maybe(whole), "created_at": moment,
    "processing_started_at": maybe(moment), "completed_at": maybe(moment),
}  # fmt: skip
DOCUMENT_TEXT = {
    "document_id": uuid, "filename": text, "text": text, "page_number": maybe(whole), "page_count": maybe(whole),
    "metadata": maybe(lambda value: isinstance(value, dict)), "is_truncated": flag, "text_extraction_status": STAGE,
}  # fmt: skip
PASSAGE = {
    "chunk_id": uuid, "document_id": uuid, "document_filename": text, "chunk_index": whole, "content": text,
    "page_numbers": lambda value: all(map(whole, value)), "heading_hierarchy": lambda value: all(map(text, value)),
    "similarity_score": number, "metadata": {"token_count": whole, "chunk_type": text},
}  # fmt: skip
PASSAGES = {
    "document_id": uuid, "chunks": [PASSAGE], "total_chunks": whole,
    "status_counts": {"completed": whole, "pending": whole, "failed": whole},
}  # fmt: skip
DOCUMENT_SEARCH = {"query": text, "results": [PASSAGE], "total_count": whole, "search_time_ms": whole}

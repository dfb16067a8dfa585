"""What the OpenAPI document says of this surface beyond what the framework reads from the code."""

from typing import Any

from mediatheque.core.media import VARIANTS
from mediatheque.surfaces.forms import form_document
from mediatheque.surfaces.images.shapes import TERMS

_DETAIL = {"application/json": {"schema": {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}}}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": _DETAIL}
    for status, description in {
        400: "Unsupported MIME type, malformed image or request",
        401: "No credential, or one that does not count",
        403: "The credential lacks the scope",
        404: "Not found",
        405: "Method not allowed",
        409: "The first request with this Idempotency-Key is still running",
        413: "File exceeds 10 MB, or the storage quota is used up",
        415: "The body carries a Content-Encoding",
        422: "Invalid value",
        429: "Rate limit exceeded",
        503: "Service unavailable",
        507: "Storage is full",
    }.items()
}
UPLOAD_BODY = form_document(
    {"alt_text": {"type": "string", "maxLength": TERMS.max_text_chars}, "folder": {"type": "string"}}
)
_PROXY_PARAMETERS = [
    {"name": "image_id", "in": "path", "required": True, "schema": {"type": "string"}},
    {"name": "variant", "in": "query", "schema": {"type": "string", "enum": sorted(VARIANTS)}},
]
_PROXY_ANSWERS = {
    "200": {"description": "The image", "content": {media_type: {} for media_type in sorted(TERMS.media_types)}},
    "206": {"description": "A byte range of it"},
    "304": {"description": "Not modified"},
    **{
        status: {"description": description, "content": _DETAIL}
        for status, description in {
            "400": "Unknown variant", "404": "Never existed, or not public", "410": "Deleted",
            "416": "Range beyond the end", "503": "Service unavailable",
        }.items()
    },
}  # fmt: skip


PROXY_PATHS = {
    "/i/{image_id}": {
        method: {
            "tags": ["images"],
            "operationId": f"{method}_image_bytes",
            "summary": "The bytes of a public image",
            "parameters": _PROXY_PARAMETERS,
            "responses": _PROXY_ANSWERS,
            "security": [],
        }
        for method in ("get", "head")
    }
}

"""Aionvision's shape of errors, and their codes (contract, 3.1; decisions 19)."""

import json
from contextlib import suppress
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from mediatheque.core.ids import from_ulid
from mediatheque.errors import Invalid, LibraryError, NotFound, Unauthorized


class Problem(BaseModel):
    code: str
    message: str
    details: dict[str, Any]


class ErrorResponse(BaseModel):
    """Every refusal; a 422 has FastAPI's `detail` beside it."""

    error: Problem
    request_id: str


def render_error(error: LibraryError, request_id: str) -> Response:
    if isinstance(error, Invalid):
        place = error.field if error.field[:1] in {("body",), ("query",), ("path",)} else ("body", *error.field)
        return render_invalid([{"loc": list(place), "msg": error.message, "type": error.kind}], request_id)
    code = _CODES.get(error.code, error.code.upper())
    if isinstance(error, Unauthorized) and error.reason in _EXPIRED:
        code = "EXPIRED_API_KEY"
    return _refusal(error.status, code, error.message, {}, request_id)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:
    first = problems[0] if problems else {"loc": [""], "msg": "Invalid request"}
    field = ".".join(str(part) for part in first["loc"][1:])
    details = {"field": field, "issue": first["msg"]}
    return _refusal(422, "VALIDATION_ERROR", "Invalid request parameters", details, request_id, problems)


def _refusal(
    status: int,
    code: str,
    message: str,
    details: dict[str, Any],
    request_id: str,
    detail: list[dict[str, Any]] | None = None,
) -> Response:
    with suppress(NotFound):
        request_id = str(from_ulid(request_id))
    body: dict[str, Any] = {"error": {"code": code, "message": message, "details": details}, "request_id": request_id}
    if detail is not None:
        body["detail"] = detail
    return Response(json.dumps(body), status, media_type="application/json")


_EXPIRED = {Unauthorized.EXPIRED_KEY, Unauthorized.EXPIRED_TOKEN}
_CODES = {
    "unauthorized": "INVALID_API_KEY",
    "forbidden": "PERMISSION_DENIED",
    "not_found": "RESOURCE_NOT_FOUND",
    "too_large": "FILE_TOO_LARGE",
    "quota_exceeded": "STORAGE_QUOTA_EXCEEDED",
    "unsupported_type": "UNSUPPORTED_FILE_TYPE",
    "malformed_file": "IMAGE_PROCESSING_ERROR",
    "empty_file": "BAD_REQUEST",
    "rate_limited": "RATE_LIMIT_ERROR",
    "unavailable": "SERVICE_UNAVAILABLE",
    "store_refused": "SERVICE_UNAVAILABLE",
    "request_timeout": "TIMEOUT",
    "internal": "INTERNAL_ERROR",
}

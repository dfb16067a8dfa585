"""Aionvision's shape and codes of errors (contract, 3.1 and 3.A; decisions 19)."""

import json
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from mediatheque.core.ids import from_ulid
from mediatheque.errors import Invalid, LibraryError, NotFound, Unauthorized

INVALID = "Invalid request parameters"


class Problem(BaseModel):
    code: str
    message: str
    details: dict[str, Any]


class ErrorResponse(BaseModel):
    """Every refusal."""

    error: Problem
    request_id: str


class InvalidDetail(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class InvalidResponse(ErrorResponse):
    """A 422 has FastAPI's `detail` beside the rest."""

    detail: list[InvalidDetail]


ERRORS: dict[int | str, dict[str, Any]] = {
    **{status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 405, 409, 413, 415, 429, 503, 507)},
    422: {"model": InvalidResponse},
}
"""What the OpenAPI document says of every route."""


def render_error(error: LibraryError, request_id: str) -> Response:
    if isinstance(error, Invalid):
        place = [*error.field] or ["body"]
        if place[0] not in _PLACES:
            place = ["query" if place[0] in _ASKED else "body", *place]
        return render_invalid([{"loc": place, "msg": error.message, "type": error.kind}], request_id)
    code = _CODES.get(error.code, error.code.upper())
    if isinstance(error, Unauthorized):
        is_expired = error.reason in {Unauthorized.EXPIRED_KEY, Unauthorized.EXPIRED_TOKEN}
        code = "EXPIRED_API_KEY" if is_expired else "INVALID_API_KEY"
    return _refusal(error.status, code, error.message, {}, request_id)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:
    first: dict[str, Any] = problems[0] if problems else {"loc": [], "msg": "Invalid", "type": ""}
    field = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "")
    is_limit = field == "limit" and first["msg"].endswith(LIMITS)
    details = {"field": field, "issue": "Must be between 1 and 100" if is_limit else first["msg"]}
    return _refusal(422, "VALIDATION_ERROR", INVALID, details, request_id, detail=problems)


def _refusal(status: int, code: str, message: str, details: dict[str, Any], request_id: str, **more: Any) -> Response:
    error = {"code": code, "message": message, "details": details}
    body = {"error": error, "request_id": _as_uuid(request_id), **more}
    return Response(json.dumps(body), status, media_type="application/json")


def _as_uuid(request_id: str) -> str:
    """The request's id as this dialect spells ids; it is the same number as in `X-Request-Id`."""
    try:
        return str(from_ulid(request_id))
    except NotFound:
        return request_id


_PLACES = frozenset({"body", "query", "path", "header"})
_ASKED = frozenset({"search"})
"""What core checks of a query; all else that it names came in a body."""
LIMITS = ("greater than or equal to 1", "less than or equal to 100")
_CODES = {
    "not_found": "RESOURCE_NOT_FOUND",
    "forbidden": "PERMISSION_DENIED",
    "too_large": "FILE_TOO_LARGE",
    "quota_exceeded": "STORAGE_QUOTA_EXCEEDED",
    "unsupported_type": "UNSUPPORTED_FILE_TYPE",
    "malformed_file": "IMAGE_PROCESSING_ERROR",
    "empty_file": "BAD_REQUEST",
    "rate_limited": "RATE_LIMIT_ERROR",
    "request_timeout": "TIMEOUT",
    "unavailable": "SERVICE_UNAVAILABLE",
    "store_refused": "SERVICE_UNAVAILABLE",
    "provider_failed": "SERVICE_UNAVAILABLE",
    "internal": "INTERNAL_ERROR",
}
"""Core's codes that are not simply spelled in capitals here."""

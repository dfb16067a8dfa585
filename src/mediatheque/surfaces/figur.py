"""Figur's shape of errors, shared by its surfaces: uploads and dispatch (contract, 5.2)."""

import json
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from mediatheque.errors import Forbidden, Invalid, LibraryError, Malformed, Unauthorized, Unsupported


class Problem(BaseModel):
    code: str
    message: str
    request_id: str


class ErrorResponse(BaseModel):
    """Every refusal; a 422 has FastAPI's `detail` beside it."""

    error: Problem


def render_error(error: LibraryError, request_id: str) -> Response:
    if isinstance(error, (Unsupported, Malformed)):
        return _refusal(422, "VALIDATION_ERROR", error.message, request_id, [_detail(("body", "file"), error)])
    if isinstance(error, Invalid):
        return _refusal(422, "VALIDATION_ERROR", error.message, request_id, [_detail(error.field, error)])
    message = "Missing or invalid credential" if isinstance(error, Unauthorized) else error.message
    code = _CODES.get((error.subject, error.code)) or _CODES.get(("", error.code), error.code.upper())
    return _refusal(error.status, code, message, request_id, None)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:
    return _refusal(422, "VALIDATION_ERROR", "Invalid request", request_id, problems)


def _detail(place: tuple[str, ...], error: LibraryError) -> dict[str, Any]:
    return {"loc": list(place), "msg": error.message, "type": getattr(error, "kind", error.code)}


def _refusal(status: int, code: str, message: str, request_id: str, detail: list[dict[str, Any]] | None) -> Response:
    body: dict[str, Any] = {"error": {"code": code, "message": message, "request_id": request_id}}
    if detail is not None:
        body["detail"] = detail
    return Response(json.dumps(body), status, media_type="application/json")


_CODES = {
    ("job", "not_found"): "JOB_NOT_FOUND",
    ("", "unauthorized"): "UNAUTHORIZED",
    ("", Forbidden.code): "FORBIDDEN",
    ("", "not_found"): "RESOURCE_NOT_FOUND",
    ("", "too_large"): "PAYLOAD_TOO_LARGE",
    ("", "quota_exceeded"): "PAYLOAD_TOO_LARGE",
    ("", "rate_limited"): "RATE_LIMITED",
    ("", "unavailable"): "SERVICE_UNAVAILABLE",
    ("", "storage_full"): "STORAGE_FULL",
    ("", "internal"): "INTERNAL_ERROR",
}

"""ScaiWave's shape and codes of errors (contract, 4.1 and 4.A; decisions 19)."""

import json
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from mediatheque.errors import Invalid, LibraryError, StaleVersion, Unauthorized


class Problem(BaseModel):
    code: str
    message: str


class ErrorResponse(BaseModel):
    """Every refusal; a 422 has `details` beside code and message, a 412 `current_version`."""

    error: Problem


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse}
    for status in (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503, 507)
}  # fmt: skip
"""What the OpenAPI document says of every route."""


def render_error(error: LibraryError, request_id: str) -> Response:
    if isinstance(error, Invalid):
        place = [*error.field]
        if not place or place[0] not in _PLACES:
            place = ["body", *place]
        return render_invalid([{"loc": place, "msg": error.message, "type": error.kind}], request_id)
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, StaleVersion):
        more, headers = {"current_version": error.current}, {"ETag": f'"{error.current}"'}
    return _refusal(error.status, code_of(error), error.message, headers, **more)


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:  # noqa: ARG001
    first: dict[str, Any] = problems[0] if problems else {"loc": [], "msg": "Invalid request"}
    place = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    message = f"{place}: {first['msg']}" if place else str(first["msg"])
    return _refusal(422, "SW_VALIDATION_ERROR", message, {}, details=problems)


def code_of(error: LibraryError) -> str:
    """The stable code of a refusal in this dialect."""
    if isinstance(error, Invalid):
        return "SW_VALIDATION_ERROR"
    if isinstance(error, Unauthorized):
        is_expired = error.reason in {Unauthorized.EXPIRED_KEY, Unauthorized.EXPIRED_TOKEN}
        return "SW_AUTH_EXPIRED_TOKEN" if is_expired else "SW_AUTH_INVALID_TOKEN"
    return _CODES.get((error.subject, error.code)) or _CODES.get(("", error.code)) or f"SW_{error.code.upper()}"


def _refusal(status: int, code: str, message: str, headers: dict[str, str], **more: Any) -> Response:
    body = {"error": {"code": code, "message": message, **more}}
    return Response(json.dumps(body), status, headers, media_type="application/json")


_PLACES = frozenset({"body", "query", "path", "header"})
_CODES = {
    ("room", "not_found"): "SW_ROOM_NOT_FOUND",
    ("artifact", "not_found"): "SW_ARTIFACT_NOT_FOUND",
    ("version", "not_found"): "SW_ARTIFACT_VERSION_NOT_FOUND",
    ("member", "not_found"): "SW_MEMBER_NOT_FOUND",
    ("share", "not_found"): "SW_SHARE_NOT_FOUND",
    ("", "forbidden"): "SW_AUTH_INSUFFICIENT_PERMISSION",
    ("", "stale_version"): "SW_VERSION_CONFLICT",
    ("", "too_large"): "SW_CONTENT_TOO_LARGE",
    ("", "quota_exceeded"): "SW_CONTENT_TOO_LARGE",
    ("", "rate_limited"): "SW_RATE_LIMIT_EXCEEDED",
}

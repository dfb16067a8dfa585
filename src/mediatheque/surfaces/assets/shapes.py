"""NekoHub's words: its envelope, its casing, the shape and the codes of its errors (contract, 2.1 and 2.4)."""

import json
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from mediatheque.errors import Invalid, KeyReused, LibraryError, NotFound, Unauthorized
from mediatheque.model import Terms
from mediatheque.surfaces.assets import storage_codes
from mediatheque.surfaces.http import Locate

Value = TypeVar("Value")

TERMS = Terms(
    surface="assets",
    media_types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
    max_bytes=10 * 1024 * 1024,
    is_public=True,
    shows_failed=True,
    runs_workflows=True,
)


COMMIT_MESSAGE = "Automated commit by NekoHub"
"""To a place that keeps a history, when the client says nothing (contract, 2.4)."""


class Shape(BaseModel):
    """A body of this dialect: keys in camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Envelope(Shape, Generic[Value]):
    data: Value


class Problem(Shape):
    code: str
    message: str
    trace_id: str | None
    status: int | None


class ErrorEnvelope(Shape):
    error: Problem


def enveloped(value: Shape | list[Any] | None, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`{"data": …}` of a shape, a list of shapes, or null."""
    if isinstance(value, Shape):
        body = value.model_dump_json(by_alias=True)
    else:
        items = [
            item.model_dump(mode="json", by_alias=True) if isinstance(item, Shape) else item for item in value or ()
        ]
        body = "null" if value is None else json.dumps(items)
    return Response(f'{{"data":{body}}}', status, headers, media_type="application/json")


def to_uuid(text: str, missing: str = "Asset not found", subject: str = "asset") -> UUID:
    """Raises `NotFound` for what is no UUID: nothing has such an id."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(missing).about(subject) from None


def below(path: str) -> Locate:
    """Where what the envelope holds can be found: below `path`, by its id."""
    return lambda body: f"{path}/{body['data']['id']}"


def render_error(error: LibraryError, request_id: str) -> Response:
    code, status = code_of(error)
    message = _SAID.get(code, error.message)
    body = {"error": {"code": code, "message": message, "traceId": request_id or None, "status": status}}
    return Response(json.dumps(body), status, media_type="application/json")


def render_invalid(problems: list[dict[str, Any]], request_id: str) -> Response:
    """A body or query that cannot be bound: always 400 here."""
    first = problems[0] if problems else {"loc": [], "msg": "Invalid request"}
    place = ".".join(str(part) for part in first["loc"][1:])
    body = {"code": "request_invalid", "message": f"{place}: {first['msg']}", "traceId": request_id, "status": 400}
    return Response(json.dumps({"error": body}), 400, media_type="application/json")


def code_of(error: LibraryError) -> tuple[str, int]:
    """This dialect's code and status of a refusal (contract, 2.1, 2.4, 2.6; decisions 19)."""
    if isinstance(error, Unauthorized):
        return _UNAUTHORIZED[error.reason], 401
    if isinstance(error, KeyReused):
        return error.code, error.status
    if isinstance(error, Invalid):
        place = error.field[-1] if error.field else ""
        otherwise = storage_codes.SUBJECT_INVALID.get(error.subject, "request_invalid")
        return _INVALID.get((error.subject, place, error.kind), otherwise), 400
    known = _CODES.get((error.subject, error.code)) or _CODES.get(("", error.code))
    return known or (error.code, error.status)


def moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_UNAUTHORIZED = {
    Unauthorized.MISSING: "api_key_missing",
    Unauthorized.INVALID_KEY: "api_key_invalid",
    Unauthorized.EXPIRED_KEY: "api_key_invalid",
    Unauthorized.EXPIRED_TOKEN: "auth_token_expired",
    Unauthorized.INVALID_TOKEN: "auth_unauthorized",
    Unauthorized.INVALID_CREDENTIALS: "auth_invalid_credentials",
    Unauthorized.INVALID_REFRESH: "auth_refresh_token_invalid",
    Unauthorized.EXPIRED_REFRESH: "auth_refresh_token_expired",
    Unauthorized.REUSED_REFRESH: "auth_refresh_token_reused",
    Unauthorized.INACTIVE_USER: "auth_user_inactive",
    Unauthorized.UNKNOWN_USER: "auth_user_not_found",
}
_SAID = {
    "api_key_missing": "Missing Authorization header",
    "auth_token_expired": "Access token expired",
    "auth_unauthorized": "Invalid access token",
    "asset_not_found": "Asset not found",
}
_CODES = {
    ("asset", "not_found"): ("asset_not_found", 404),
    ("asset", "too_large"): ("asset_file_too_large", 400),
    ("asset", "unsupported_type"): ("asset_content_type_not_allowed", 400),
    ("asset", "malformed_file"): ("asset_content_type_not_allowed", 400),
    ("asset", "empty_file"): ("asset_file_empty", 400),
    ("derivative", "not_found"): ("asset_derivative_not_found", 404),
    ("skill", "not_found"): ("skill_not_found", 404),
    ("asset_job", "conflict"): ("asset_processing_job_not_retryable", 409),
    ("profile", "not_found"): ("storage_provider_profile_not_found", 404),
    ("provider", "not_found"): ("ai_provider_profile_not_found", 404),
    ("user", "not_found"): ("user_not_found", 404),
    ("key", "not_found"): ("api_key_not_found", 404),
    ("key", "forbidden"): ("api_key_manage_forbidden", 403),
    ("job", "not_found"): ("job_not_found", 404),
    ("job", "conflict"): ("job_conflict", 409),
    ("user", "conflict"): ("user_username_conflict", 409),
    ("user", "forbidden"): ("user_manage_forbidden", 403),
    **storage_codes.CODES,
    ("workflow", "not_found"): ("workflow_profile_not_found", 404),
    ("", "forbidden"): ("auth_forbidden", 403),
    ("", "bad_request"): ("request_invalid", 400),
    ("", "rate_limited"): ("rate_limit_exceeded", 429),
    ("", "quota_exceeded"): ("storage_quota_exceeded", 413),
    ("", "storage_full"): ("storage_full", 507),
    ("", "unavailable"): ("service_unavailable", 503),
    ("", "internal"): ("internal_server_error", 500),
}
"""(subject, core's code) or ("", core's code) → this dialect's code and status."""

_INVALID = {
    ("asset", "file", "missing"): "asset_file_required",
    ("asset", "file", "empty"): "asset_file_empty",
    ("asset", "description", "string_too_long"): "asset_description_too_long",
    ("asset", "alt_text", "string_too_long"): "asset_alt_text_too_long",
    ("asset", "altText", "string_too_long"): "asset_alt_text_too_long",
    ("asset", "original_filename", "blank"): "asset_filename_invalid",
    ("skill", "name", "blank"): "skill_name_required",
    ("provider", "name", "blank"): "ai_provider_profile_name_required",
    ("provider", "name", "conflict"): "ai_provider_profile_name_conflict",
    ("provider", "api_base_url", "blank"): "ai_provider_profile_api_base_url_required",
    ("provider", "api_base_url", "invalid"): "ai_provider_profile_api_base_url_invalid",
    ("provider", "api_key", "blank"): "ai_provider_profile_api_key_required",
    ("provider", "model_name", "blank"): "ai_provider_profile_model_name_required",
    ("workflow", "name", "blank"): "workflow_profile_name_required",
    ("workflow", "name", "string_too_long"): "workflow_profile_name_too_long",
    ("workflow", "description", "string_too_long"): "workflow_profile_description_too_long",
    ("workflow", "name", "conflict"): "workflow_profile_name_conflict",
    ("workflow", "graph", "blank"): "workflow_profile_graph_json_required",
    ("workflow", "graph", "invalid"): "workflow_profile_graph_json_invalid",
    ("workflow", "graph", "no_skills"): "workflow_profile_has_no_skills",
    ("workflow", "graph", "unsupported_skills"): "workflow_profile_contains_unsupported_skills",
    ("asset", "file", "type_missing"): "asset_content_type_missing",
    ("user", "username", "blank"): "user_username_required",
    ("user", "username", "string_too_long"): "user_username_invalid",
    ("user", "username", "string_invalid"): "user_username_invalid",
    ("user", "password", "blank"): "user_password_required",
    ("user", "password", "string_too_short"): "user_password_too_short",
    ("user", "password", "string_too_long"): "user_password_too_long",
    ("user", "password", "string_invalid"): "user_password_invalid",
    ("user", "permissions", "unknown"): "user_permissions_invalid",
    **storage_codes.INVALID,
}
"""(subject, field, kind of `errors.Invalid`) → this dialect's code; 400 all of them."""

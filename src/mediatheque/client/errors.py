"""What can go wrong for a client: each error says what the server answered, or that there was no answer."""

from collections.abc import Mapping
from typing import Any

import httpx

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
REFUSED, AMBIGUOUS = frozenset({429, 503}), frozenset({408, 502, 504})
LONGEST_PAUSE_SECONDS = 60.0
"""A server that asks for more patience than this is not waited for."""


class MediathequeError(Exception):
    """Of everything that this client raises. `is_passing`: the same request may do better in a moment."""

    is_passing = False
    retry_after_seconds: float | None = None


class ConnectionFailed(MediathequeError):
    """There was no answer, or not all of it."""

    def __init__(self, message: str, *, is_passing: bool) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class Interrupted(MediathequeError):
    """A resumable upload has to find out anew how far it has come."""

    is_passing = True


class NotYet(Interrupted):
    """The server has all bytes of an upload, and is about to make a file of them."""


class ApiError(MediathequeError):
    """The server refused: `status`, its stable `code`, its words, and the id under which its log knows the request."""

    def __init__(
        self, status: int, code: str, message: str, *, request_id: str | None, details: Mapping[str, Any] | None = None
    ) -> None:
        known = f" (request {request_id})" if request_id else ""
        super().__init__(f"{message} [{status} {code}]{known}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.details = dict(details or {})


class BadRequest(ApiError):
    """400 and 422: the request cannot be understood, or holds a value that is not taken."""


class Unauthorized(ApiError):
    """401: no credential, or none that is known."""


class Forbidden(ApiError):
    """403: the credential may not do this."""


class NotFound(ApiError):
    """404 and 410: it is not there, or no longer."""


class Conflict(ApiError):
    """409 and 423: something else stands in the way."""


class Stale(ApiError):
    """412: somebody else was faster."""


class TooLarge(ApiError):
    """413: too large, or the tenant's quota is used up."""


class RateLimited(ApiError):
    """429: too many requests; `retry_after_seconds` says how long to wait."""


class Unavailable(ApiError):
    """502, 503, 504: the server cannot answer just now."""


class StorageFull(ApiError):
    """507: there is no room for it."""


def refusal(answer: httpx.Response, *, is_repeatable: bool) -> ApiError:
    """The error that an answer of 400 or above is; every dialect's shape is understood."""
    error, details = _problem(answer)
    kind = _KINDS.get(answer.status_code, ApiError)
    message = error.get("message") or answer.reason_phrase or "no reason was given"
    it = kind(
        answer.status_code,
        error.get("code") or f"HTTP_{answer.status_code}",
        _with_issue(str(message), details),
        request_id=answer.headers.get("x-request-id"),
        details=details,
    )
    it.retry_after_seconds = _seconds(answer.headers.get("retry-after"))
    may_pass = answer.status_code in REFUSED or (answer.status_code in AMBIGUOUS and is_repeatable)
    it.is_passing = may_pass and (it.retry_after_seconds or 0) <= LONGEST_PAUSE_SECONDS
    return it


def unanswered(error: httpx.HTTPError, url: str, *, is_repeatable: bool) -> ConnectionFailed:
    reason = str(error) or type(error).__name__
    is_ours = isinstance(error, httpx.LocalProtocolError)  # a file that is shorter than it was
    is_passing = not is_ours and (is_repeatable or isinstance(error, NEVER_SENT))
    return ConnectionFailed(f"{url}: {reason}", is_passing=is_passing)


def _problem(answer: httpx.Response) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        body = answer.json()
    except ValueError:
        return {}, {}
    if not isinstance(body, dict):
        return {}, {}
    error = body.get("error")
    if not isinstance(error, dict):
        return {"message": error if isinstance(error, str) else body.get("detail")}, {}
    details = error.get("details")
    more = {name: value for name, value in error.items() if name not in {"code", "message", "details"}}
    return error, more | (details if isinstance(details, dict) else {})


def _with_issue(message: str, details: Mapping[str, Any]) -> str:
    return f"{message}: {details.get('field')}: {details['issue']}" if details.get("issue") else message


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isascii() and header.isdigit() else None


_KINDS: Mapping[int, type[ApiError]] = {
    400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 410: NotFound, 412: Stale,
    413: TooLarge, 422: BadRequest, 423: Conflict, 429: RateLimited, 502: Unavailable, 503: Unavailable,
    504: Unavailable, 507: StorageFull,
}  # fmt: skip

"""What can go wrong, said once: every surface gives these meanings its own shape."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self


class Told(Exception):
    """What whoever runs the server can mend; the message is one line."""


class LibraryError(Exception):
    """A refusal with a stable code, a usual HTTP status and a message that is safe to show to a client."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    default_message: ClassVar[str] = "Internal server error"
    default_retry_after_seconds: ClassVar[int | None] = None

    subject: str = "asset"
    """What the refusal is about, for dialects whose codes say so."""

    def __init__(self, message: str | None = None, *, retry_after_seconds: int | None = None) -> None:
        self.message = message or self.default_message
        self.retry_after_seconds = retry_after_seconds or self.default_retry_after_seconds
        super().__init__(self.message)

    def about(self, subject: str) -> Self:
        """This refusal, about a `profile`, `provider`, `user`, `session`, `workflow`, `skill` …"""
        self.subject = subject
        return self


class Unauthorized(LibraryError):
    """No credential, or one that does not count; `reason` tells the cases apart for dialects that do."""

    code, status, default_message = "unauthorized", 401, "Invalid API key"

    MISSING: ClassVar[str] = "missing"
    INVALID_KEY: ClassVar[str] = "invalid_key"
    EXPIRED_KEY: ClassVar[str] = "expired_key"
    EXPIRED_TOKEN: ClassVar[str] = "expired_token"  # noqa: S105
    INVALID_TOKEN: ClassVar[str] = "invalid_token"  # noqa: S105
    INVALID_CREDENTIALS: ClassVar[str] = "invalid_credentials"
    INVALID_REFRESH: ClassVar[str] = "invalid_refresh"
    EXPIRED_REFRESH: ClassVar[str] = "expired_refresh"
    REUSED_REFRESH: ClassVar[str] = "reused_refresh"
    INACTIVE_USER: ClassVar[str] = "inactive_user"
    UNKNOWN_USER: ClassVar[str] = "unknown_user"

    def __init__(self, reason: str, message: str | None = None) -> None:
        self.reason = reason
        super().__init__(message)


class Forbidden(LibraryError):
    """A good credential that lacks `scope`, or a signed URL that does not hold."""

    code, status, default_message = "forbidden", 403, "Forbidden"

    def __init__(self, message: str | None = None, *, scope: str | None = None) -> None:
        self.scope = scope
        super().__init__(message or (f"Missing required scope: {scope}" if scope else None))


class NotFound(LibraryError):
    """Absent, or another tenant's: the two cannot be told apart."""

    code, status, default_message = "not_found", 404, "Not found"


class NotMember(Forbidden):
    """Somebody who is not in the room."""

    code, default_message = "not_member", "Not a member of this room"


class MethodNotAllowed(LibraryError):
    """The path is known, the method is not."""

    code, status, default_message = "method_not_allowed", 405, "Method Not Allowed"


class UnsupportedEncoding(LibraryError):
    """A request body with a `Content-Encoding`: none is taken."""

    code, status, default_message = "unsupported_encoding", 415, "Unsupported content encoding"


class Gone(LibraryError):
    """It was here and has been deleted."""

    code, status, default_message = "gone", 410, "Gone"


class Invalid(LibraryError):
    """A value that breaks a rule; `field` is where, `kind` a stable name of the rule."""

    code, status, default_message = "invalid", 422, "Invalid value"

    def __init__(self, message: str, *, field: tuple[str, ...] = (), kind: str = "value_error") -> None:
        self.field = field
        self.kind = kind
        super().__init__(message)


class KeyReused(Invalid):
    """An `Idempotency-Key` that belongs to another request."""

    code = "idempotency_key_reused"


class BadRequest(LibraryError):
    """A request that cannot be read: broken framing, a malformed form, an over-long header value."""

    code, status, default_message = "bad_request", 400, "Malformed request"


class NotALink(BadRequest):
    """What only links can do was asked of another kind of file."""

    code, default_message = "not_a_link", "The file is not a link"


class AlreadyProcessing(BadRequest):
    """It is being done already."""

    code, default_message = "already_processing", "The link is being crawled already"


class Unsupported(LibraryError):
    """Bytes whose type this door does not take."""

    code, status, default_message = "unsupported_type", 400, "Unsupported media type"


class Malformed(LibraryError):
    """Bytes that claim a type and do not hold it: empty, cut short, undecodable, or beyond the decoding limits."""

    code, status, default_message = "malformed_file", 400, "Malformed file"


class Empty(Malformed):
    """A file of no bytes at all."""

    code, default_message = "empty_file", "The file is empty"


class Conflict(LibraryError):
    """The request meets a state that does not allow it."""

    code, status, default_message = "conflict", 409, "Conflict"


class RoomFrozen(Conflict):
    """A room that takes no writes: it is archived or closed."""

    code, default_message = "room_frozen", "The room takes no changes"


class EditNotFound(Conflict):
    """An edit whose text is not in the document."""

    code, default_message = "edit_not_found", "The text to be replaced is not in the document"


class EditAmbiguous(Conflict):
    """An edit whose text is in the document more than once."""

    code, default_message = "edit_ambiguous", "The text to be replaced is in the document more than once"


class PreconditionFailed(LibraryError):
    """A header of the request asks for what does not hold here."""

    code, status, default_message = "precondition_failed", 412, "Precondition failed"


class StaleVersion(PreconditionFailed):
    """A change of a version that is not the newest any more; `current` is."""

    code = "stale_version"

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(f"The current version is {current}")


class Locked(LibraryError):
    """Another request is changing this very thing."""

    code, status, default_message = "locked", 423, "Locked by another request"


class ChecksumMismatch(LibraryError):
    """Bytes that are not those whose checksum came with them; none of them was kept (tus, "Checksum")."""

    code, status, default_message = "checksum_mismatch", 460, "Checksum mismatch"


class TooLarge(LibraryError):
    """More bytes than this door takes."""

    code, status, default_message = "too_large", 413, "Payload too large"


class QuotaExceeded(LibraryError):
    """The tenant's own storage quota is used up."""

    code, status, default_message = "quota_exceeded", 413, "Storage quota exceeded"


class RangeNotSatisfiable(LibraryError):
    """A byte range beyond the end; `size_bytes` is the whole."""

    code, status, default_message = "range_not_satisfiable", 416, "Range not satisfiable"

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        super().__init__()


class RateLimited(LibraryError):
    """Too many requests by this credential, or too many failed credentials from this address."""

    code, status, default_message = "rate_limited", 429, "Rate limit exceeded"


class ClientTooSlow(LibraryError):
    """A body that comes slower than we wait for (running.md, "Promises to every client")."""

    code, status, default_message = "request_timeout", 408, "Request timeout"


class Unavailable(LibraryError):
    """Database, store or decoder cannot answer now, or there is more work than can be taken."""

    code, status, default_message = "unavailable", 503, "Service unavailable"
    default_retry_after_seconds = 5


class StoreRefused(Unavailable):
    """A store that answers and does not let us in: its credentials are wrong, or hold too little."""

    code = "store_refused"


class ProviderFailed(LibraryError):
    """A describer said nothing that can be used: none is configured, the budget is used up, or its answer is bad."""

    code, status, default_message = "provider_failed", 503, "The AI provider failed"


class NotInstalled(LibraryError):
    """A model is not there: an optional extra is not installed, or models are turned off. The step is skipped."""

    code, status, default_message = "not_installed", 503, "A model is not installed"


class StorageFull(LibraryError):
    """Disk or store has no room; nothing was written."""

    code, status, default_message = "storage_full", 507, "Storage is full"


@contextmanager
def file_meanings(absent: type[LibraryError] = NotFound) -> Iterator[None]:
    """What the file system says, in the library's own words; `absent` is what a missing file or folder means here."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise absent from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StorageFull from error
        raise Unavailable from error

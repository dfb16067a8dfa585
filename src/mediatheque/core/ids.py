"""UUIDs as 26 characters of Crockford's base 32, the spelling that two dialects share."""

from uuid import UUID

from ulid import ULID

from mediatheque.errors import NotFound


def to_ulid(uuid: UUID) -> str:
    return str(ULID.from_uuid(uuid))


def from_ulid(text: str) -> UUID:
    """Raises `NotFound` for anything that we did not spell."""
    try:
        uuid = ULID.from_str(text).to_uuid()
    except ValueError:
        raise NotFound from None
    if to_ulid(uuid) != text:
        raise NotFound
    return uuid

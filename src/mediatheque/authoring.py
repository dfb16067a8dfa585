"""The words of writing together: rooms, their members, and artifacts with their versions (contract, section 4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MAX_POWER = 100
"""Of a member: the room's creator has it."""


class RoomState(StrEnum):
    """`archived` can be opened again, `closed` cannot; neither takes writes."""

    OPEN = "open"
    ARCHIVED = "archived"
    CLOSED = "closed"


class ArtifactKind(StrEnum):
    CODE = "code"
    MARKDOWN = "markdown"
    JSON = "json"


class Event(StrEnum):
    """What is told of an artifact on the stream."""

    CREATED = "swp.artifact.created"
    UPDATED = "swp.artifact.updated"
    REVERTED = "swp.artifact.reverted"
    DELETED = "swp.artifact.deleted"
    RESTORED = "swp.artifact.restored"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class Room:
    """A place with members; the two powers say from which level on artifacts may be read and written there."""

    id: int
    uuid: UUID
    tenant_id: int
    name: str
    state: RoomState
    artifact_read_power: int
    artifact_write_power: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    user_uuid: UUID
    power_level: int
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Artifact:
    """A document as its newest version has it, without the content."""

    id: int
    uuid: UUID
    tenant_id: int
    room_id: int
    room_uuid: UUID
    title: str
    kind: ArtifactKind
    language: str | None
    version: int
    creator_uuid: UUID
    editor_uuid: UUID
    change_description: str | None
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Version:
    """One line of an artifact's history. Versions count from 1, without a gap."""

    version: int
    title: str
    change_description: str | None
    editor_uuid: UUID
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """A link by which anybody can read an artifact for a while; `version` None: always the newest.

    `shows_files`: whoever made it could read the library's files, so the link shows those that the text refers to.
    """

    id: int
    uuid: UUID
    tenant_id: int
    artifact_id: int
    version: int | None
    shows_files: bool
    creator_uuid: UUID
    created_at: datetime
    expires_at: datetime

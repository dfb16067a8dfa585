"""Rooms, members, artifacts and versions as this dialect shows them (contract, 4.2; running.md)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from mediatheque.authoring import Artifact, Member, Room, Share, Version
from mediatheque.core.artifacts import Reading
from mediatheque.core.diffs import Difference
from mediatheque.core.library import Library
from mediatheque.core.retrieval import Hit
from mediatheque.filing import SearchBy
from mediatheque.model import Asset
from mediatheque.surfaces.artifacts.bodies import ROOM_PREFIX
from mediatheque.surfaces.signed import signed_url

Data = TypeVar("Data")


class One(BaseModel, Generic[Data]):
    data: Data


class Meta(BaseModel):
    total: int
    limit: int
    offset: int


class Many(BaseModel, Generic[Data]):
    data: list[Data]
    meta: Meta


class RoomObject(BaseModel):
    id: str
    name: str
    state: str
    artifact_read_power: int
    artifact_write_power: int
    created_at: str


class MemberObject(BaseModel):
    """`participant_id` is `user_id`."""

    user_id: str
    participant_id: str
    power_level: int
    membership: str
    joined_at: str


class ArtifactItem(BaseModel):
    id: str
    room_id: str
    title: str
    kind: str
    language: str | None
    version: int
    creator_id: str
    editor_id: str
    change_description: str | None
    size_bytes: int
    created_at: str
    updated_at: str


class FoundItem(ArtifactItem):
    """`matched_by` says why; `similarity` is the nearest passage's, 1 for the same."""

    snippet: str
    matched_by: list[SearchBy]
    similarity: float | None


class FoundMeta(Meta):
    """`mode` is what the search went by; `note` says why, where that is not what was asked for."""

    mode: SearchBy
    note: str | None


class FoundMany(BaseModel):
    data: list[FoundItem]
    meta: FoundMeta


class ReferenceObject(BaseModel):
    """A file that the content refers to as `asset:{file_id}`; the URL is good for an hour."""

    file_id: str
    filename: str
    media_type: str
    url: str


class ArtifactObject(ArtifactItem):
    content: str
    references: list[ReferenceObject]


class VersionItem(BaseModel):
    version: int
    title: str
    change_description: str | None
    editor_id: str
    size_bytes: int
    created_at: str


class VersionObject(VersionItem):
    artifact_id: str
    kind: str
    language: str | None
    content: str
    references: list[ReferenceObject]


class ToolResult(BaseModel):
    artifact_id: str
    version: int
    title: str


class Deleted(BaseModel):
    id: str
    deleted: bool = True


class Removed(BaseModel):
    user_id: str
    removed: bool = True


class PieceObject(BaseModel):
    op: str
    text: str


class HunkObject(BaseModel):
    from_line: int
    to_line: int
    pieces: list[PieceObject]


class DiffObject(BaseModel):
    """`hunks` tell changed lines word by word; lines count from 1."""

    from_version: int
    to_version: int
    added_lines: int
    removed_lines: int
    unified: str
    hunks: list[HunkObject]


class ShareObject(BaseModel):
    id: str
    url: str
    version: int | None
    creator_id: str
    created_at: str
    expires_at: str


class Viewers(BaseModel):
    viewers: list[str]


def room_id(it: Room | Artifact) -> str:
    return f"{ROOM_PREFIX}{it.room_uuid if isinstance(it, Artifact) else it.uuid}"


def moment(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def room(it: Room) -> RoomObject:
    return RoomObject(
        id=room_id(it),
        name=it.name,
        state=it.state,
        artifact_read_power=it.artifact_read_power,
        artifact_write_power=it.artifact_write_power,
        created_at=moment(it.created_at),
    )


def member(it: Member) -> MemberObject:
    user_id = str(it.user_uuid)
    return MemberObject(
        user_id=user_id,
        participant_id=user_id,
        power_level=it.power_level,
        membership="join",
        joined_at=moment(it.joined_at),
    )


def item(it: Artifact) -> ArtifactItem:
    return ArtifactItem(**_fields(it))


def found(hit: Hit) -> FoundItem:
    return FoundItem(**_fields(hit.artifact), snippet=hit.snippet, matched_by=hit.matched_by, similarity=hit.similarity)


def whole(library: Library, it: Reading, *, is_resolved: bool = False) -> ArtifactObject:
    """`is_resolved`: the content has URLs in place of its `asset:` links."""
    return ArtifactObject(
        **_fields(it.artifact),
        content=content_of(library, it, is_resolved=is_resolved),
        references=references(library, it),
    )


def content_of(library: Library, it: Reading, *, is_resolved: bool) -> str:
    if not is_resolved:
        return it.content
    return it.references.resolved(it.content, lambda asset, variant: signed_url(library, asset, variant))


def references(library: Library, it: Reading) -> list[ReferenceObject]:
    return [_reference(library, asset) for asset in it.references.assets.values()]


def version_item(it: Version) -> VersionItem:
    return VersionItem(**_version_fields(it))


def version(library: Library, it: Reading, *, is_resolved: bool = False) -> VersionObject:
    return VersionObject(
        **_version_fields(it.version),
        artifact_id=str(it.artifact.uuid),
        kind=it.artifact.kind,
        language=it.artifact.language,
        content=content_of(library, it, is_resolved=is_resolved),
        references=references(library, it),
    )


def tool_result(it: Artifact) -> ToolResult:
    return ToolResult(artifact_id=str(it.uuid), version=it.version, title=it.title)


def diff(it: Difference, first: int, second: int) -> DiffObject:
    hunks = [
        HunkObject(
            from_line=hunk.from_line,
            to_line=hunk.to_line,
            pieces=[PieceObject(op=piece.op, text=piece.text) for piece in hunk.pieces],
        )
        for hunk in it.hunks
    ]
    return DiffObject(
        from_version=first,
        to_version=second,
        added_lines=it.added_lines,
        removed_lines=it.removed_lines,
        unified=it.unified,
        hunks=hunks,
    )


def many(data: Sequence[Data], total: int, limit: int, offset: int) -> Many[Data]:
    return Many(data=list(data), meta=Meta(total=total, limit=limit, offset=offset))


def share(it: Share, url: str) -> ShareObject:
    return ShareObject(
        id=str(it.uuid),
        url=url,
        version=it.version,
        creator_id=str(it.creator_uuid),
        created_at=moment(it.created_at),
        expires_at=moment(it.expires_at),
    )


def _fields(it: Artifact) -> dict[str, Any]:
    return {
        "id": str(it.uuid),
        "room_id": room_id(it),
        "title": it.title,
        "kind": it.kind,
        "language": it.language,
        "version": it.version,
        "creator_id": str(it.creator_uuid),
        "editor_id": str(it.editor_uuid),
        "change_description": it.change_description,
        "size_bytes": it.size_bytes,
        "created_at": moment(it.created_at),
        "updated_at": moment(it.updated_at),
    }


def _version_fields(it: Version) -> dict[str, Any]:
    return {
        "version": it.version,
        "title": it.title,
        "change_description": it.change_description,
        "editor_id": str(it.editor_uuid),
        "size_bytes": it.size_bytes,
        "created_at": moment(it.created_at),
    }


def _reference(library: Library, it: Asset) -> ReferenceObject:
    return ReferenceObject(
        file_id=str(it.uuid), filename=it.filename, media_type=it.blob.media_type, url=signed_url(library, it)
    )

"""What the server tells, as typed values. `raw` is the answer itself, with what this version has no name for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something that came as a JSON object; what it did not hold is None or empty."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        names = (it.name for it in fields(cls) if it.name != "raw")
        found = {name: _value(name, raw[name]) for name in names if raw.get(name) is not None}
        return cls(**found, raw=raw)


@dataclass(frozen=True, kw_only=True)
class File(Told):
    """A file of any kind: `media_type` is image, document, video, audio or link."""

    id: str
    filename: str | None = None
    title: str | None = None
    media_type: str | None = None
    content_type: str | None = None
    size_bytes: int = 0
    tags: tuple[str, ...] = ()
    upload_description: str | None = None
    visible_text: str | None = None
    description_status: str | None = None
    variant_status: str | None = None
    text_extraction_status: str | None = None
    crawl_status: str | None = None
    source_url: str | None = None
    thumbnail_url: str | None = None
    medium_url: str | None = None
    full_url: str | None = None
    original_url: str | None = None
    hash: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    content_created_at: datetime | None = None
    deleted_at: datetime | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        name = raw.get("filename") or raw.get("original_filename")
        return super().of({**raw, "filename": name})

    @property
    def sha256(self) -> str | None:
        """Of its bytes; only a single file (`files.get`) tells it."""
        return self.hash.removeprefix("sha256:") if self.hash else None

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height as a viewer sees them."""
        size = self.raw.get("dimensions")
        return (size["width"], size["height"]) if size else None


@dataclass(frozen=True, kw_only=True)
class Uploaded(Told):
    """What an upload came to; not `is_new`: the library had these bytes already, as this file."""

    id: str
    is_new: bool = True


@dataclass(frozen=True, kw_only=True)
class Match(Told):
    """Why a file was found."""

    matched_by: str
    field: str
    snippet: str
    similarity: float | None = None
    page_numbers: tuple[int, ...] = ()
    start_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Hit:
    file: File
    score: float
    matches: tuple[Match, ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Hit":
        return cls(file=File.of(raw), score=raw["score"], matches=tuple(Match.of(it) for it in raw["matches"]))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best hits first; `mode` is what the search went by, `note` says why, if that was not what was asked for."""

    hits: tuple[Hit, ...]
    total: int
    mode: str
    note: str | None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Found":
        hits = tuple(Hit.of(it) for it in raw["files"])
        return cls(hits=hits, total=raw["total_count"], mode=raw.get("search_mode", "semantic"), note=raw["note"])


@dataclass(frozen=True, kw_only=True)
class Deletion(Told):
    """What a deletion of several came to: ids by what became of them."""

    deleted: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        ids = {name: tuple(it["id"] for it in raw[name]) for name in ("deleted", "skipped", "failed")}
        return cls(**ids, raw=raw)


@dataclass(frozen=True, kw_only=True)
class Link(Told):
    id: str
    source_url: str
    domain: str
    title: str | None = None
    crawl_status: str | None = None
    is_duplicate: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot(Told):
    """What a crawl kept of a page; the two URLs are good for an hour."""

    id: str
    url: str
    title: str | None = None
    text_chars: int = 0
    size_bytes: int = 0
    page_url: str | None = None
    text_url: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Folder(Told):
    id: str
    name: str
    parent_id: str | None = None
    depth: int = 0
    file_count: int = 0
    subfolder_count: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Room(Told):
    id: str
    name: str
    state: str = "open"
    artifact_read_power: int = 0
    artifact_write_power: int = 10
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Member(Told):
    user_id: str
    power_level: int = 0
    membership: str = "join"
    joined_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Version(Told):
    """One version of an artifact; `content` is None in a history."""

    version: int
    title: str
    content: str | None = None
    change_description: str | None = None
    editor_id: str | None = None
    size_bytes: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Artifact(Told):
    """A document in a room; `content` is None in a list."""

    id: str
    title: str
    version: int
    room_id: str | None = None
    kind: str | None = None
    language: str | None = None
    content: str | None = None
    change_description: str | None = None
    creator_id: str | None = None
    editor_id: str | None = None
    size_bytes: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        return super().of({**raw, "id": raw.get("id") or raw.get("artifact_id")})


@dataclass(frozen=True, kw_only=True)
class Difference(Told):
    """What the second of two versions says otherwise; `unified` is what `patch` takes."""

    from_version: int
    to_version: int
    unified: str
    added_lines: int = 0
    removed_lines: int = 0


def _value(name: str, value: Any) -> Any:
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value

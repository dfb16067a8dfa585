"""What is asked to be written into an artifact, and the limits that hold for it (decisions 21)."""

from dataclasses import dataclass

from mediatheque.authoring import ArtifactKind
from mediatheque.core import names
from mediatheque.core.edits import Edit
from mediatheque.errors import Invalid, TooLarge

MAX_CONTENT_BYTES = 10 * 1024 * 1024
MAX_DESCRIPTION_CHARS = 2000
MAX_LANGUAGE_CHARS = 64


@dataclass(frozen=True, slots=True)
class NewArtifact:
    title: str
    content: str
    kind: ArtifactKind = ArtifactKind.MARKDOWN
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """None: as it is."""

    title: str | None = None
    content: str | None = None
    change_description: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Editing:
    edits: list[Edit]
    title: str | None = None
    change_description: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Reverting:
    version: int
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What one version says."""

    title: str
    content: str
    change_description: str | None


def checked_title(value: str) -> str:
    """Raises `Invalid` for a blank one and for one over 255 characters."""
    title = names.title(value)
    if title is None:
        raise Invalid("String should have at least 1 character", field=("title",), kind="string_too_short")
    return title


def checked_content(value: str) -> str:
    """Raises `TooLarge` beyond 10 MiB of UTF-8, `Invalid` for what cannot be written in it."""
    names.text(value, "content", len(value))
    if len(value.encode()) > MAX_CONTENT_BYTES:
        raise TooLarge(f"Content is at most {MAX_CONTENT_BYTES} bytes")
    return value


def checked_description(value: str | None) -> str | None:
    return names.text(value, "change_description", MAX_DESCRIPTION_CHARS)


def checked_language(value: str | None) -> str | None:
    return (names.text(value, "language", MAX_LANGUAGE_CHARS) or "").strip() or None

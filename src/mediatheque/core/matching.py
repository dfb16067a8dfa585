"""Why a search found a file: in which of its texts the words are, and what is around them."""

from collections.abc import Iterator
from dataclasses import dataclass

from mediatheque.core.portraits import Portrait

EXCERPT_CHARS = 160


@dataclass(frozen=True, slots=True)
class Reason:
    """`field` is `filename`, `title`, `tags`, `alt_text`, `description` or `text` (seen in the file)."""

    field: str
    excerpt: str


def reasons(it: Portrait, query: str) -> list[Reason]:
    """Where the query is found; empty for one that was found by a spelling that only the index sees as the same."""
    needle = query.casefold()
    return [Reason(field, _excerpt(text, needle)) for field, text in _texts(it) if needle in text.casefold()]


def _texts(it: Portrait) -> Iterator[tuple[str, str]]:
    asset = it.asset
    yield "title", asset.title or ""
    yield "filename", asset.original_filename
    yield "tags", ", ".join(asset.tags)
    yield "alt_text", asset.alt_text or ""
    yield "description", it.description or ""
    yield "text", it.visible_text or ""


def _excerpt(text: str, needle: str) -> str:
    start = max(0, text.casefold().find(needle) - EXCERPT_CHARS // 4)
    return " ".join(text[start : start + EXCERPT_CHARS].split())

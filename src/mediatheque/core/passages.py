"""The texts about a file as passages: pieces small enough to be found by what they mean, each knowing its place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediatheque.model import Asset

TITLE, ALT_TEXT, DESCRIPTION = "title", "alt_text", "description"
VISIBLE_TEXT, DOCUMENT_TEXT, TRANSCRIPT, PAGE_TEXT = "visible_text", "document_text", "transcript", "page_text"
CHUNKS = "chunks"
CONTENT = "content"
TEXTS = (VISIBLE_TEXT, CHUNKS, TRANSCRIPT, PAGE_TEXT)
"""Kinds of findings that passages are made of."""
PASSAGE_WORDS, SPOKEN_WORDS, MIN_WRITTEN_WORDS = 300, 80, 100
MAX_PASSAGES, MAX_WRITTEN = 1000, 200
_WORD = re.compile(r"\S+")
_PARAGRAPHS = re.compile(r"\n\s*\n|\n(?=#)")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text. `position` counts a field's pieces from 0; pages count from 1."""

    field: str
    position: int
    text: str
    page_numbers: tuple[int, ...] = ()
    start_seconds: float | None = None


def passages_of(it: Asset, findings: Mapping[str, Any]) -> list[Passage]:
    """What a person or a model wrote about the file, what can be read in it, and what is said in it; 1,000 at most."""
    words = {TITLE: it.title, DESCRIPTION: it.description, ALT_TEXT: it.alt_text}
    found = [Passage(name, 0, text.strip()) for name, text in words.items() if text and text.strip()]
    if it.alt_text == it.description:
        found = [one for one in found if one.field != ALT_TEXT]
    seen = (one for field in (VISIBLE_TEXT, PAGE_TEXT) for one in _seen(field, findings.get(field)))
    for one in (*seen, *_read(findings.get(CHUNKS)), *_said(findings.get(TRANSCRIPT))):
        if len(found) == MAX_PASSAGES:
            break
        found.append(one)
    return found


def written(title: str, text: str) -> list[Passage]:
    """A document that is written here, by its headings and paragraphs, the first with the title; 200 at most.

    A heading begins a passage unless the one before is a short one, so that an edit changes few of them.
    """
    found: list[str] = []
    room = 0
    for paragraph in _PARAGRAPHS.split(text):
        count = len(paragraph.split())
        if not count:
            continue
        is_apart = paragraph.startswith("#") and room <= PASSAGE_WORDS - MIN_WRITTEN_WORDS
        if found and count <= room and not is_apart:
            found[-1] += f"\n\n{paragraph}"
            room -= count
        else:
            words = paragraph.split(" ")
            found += (" ".join(words[at : at + PASSAGE_WORDS]) for at in range(0, len(words), PASSAGE_WORDS))
            room = PASSAGE_WORDS - count
    found[:1] = ["\n\n".join([title, *found[:1]])]
    return [Passage(CONTENT, place, one) for place, one in enumerate(found[:MAX_WRITTEN])]


def said_at(segments: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, str]]:
    """Sentences joined to passages: where each begins, in seconds, and what is said."""
    start, words = 0.0, list[str]()
    for segment in segments:
        if not words:
            start = float(segment["start"])
        words += segment["text"].split()
        if len(words) >= SPOKEN_WORDS:
            yield start, " ".join(words)
            words = []
    if words:
        yield start, " ".join(words)


def _seen(field: str, value: Any) -> Iterator[Passage]:
    text = value.get("text") if isinstance(value, Mapping) else value
    words = _WORD.findall(text or "")
    for position, start in enumerate(range(0, len(words), PASSAGE_WORDS)):
        yield Passage(field, position, " ".join(words[start : start + PASSAGE_WORDS]))


def _read(chunks: Any) -> Iterator[Passage]:
    for position, chunk in enumerate(chunks or ()):
        yield Passage(DOCUMENT_TEXT, position, chunk["content"], tuple(chunk["page_numbers"]))


def _said(value: Any) -> Iterator[Passage]:
    for position, (start, text) in enumerate(said_at((value or {}).get("segments", ()))):
        yield Passage(TRANSCRIPT, position, text, start_seconds=start)

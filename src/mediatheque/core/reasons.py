"""Why a file is a hit: which of its texts says so, and where in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mediatheque.core.passages import (
    ALT_TEXT,
    CHUNKS,
    DESCRIPTION,
    DOCUMENT_TEXT,
    TEXTS,
    TITLE,
    TRANSCRIPT,
    VISIBLE_TEXT,
    Passage,
    passages_of,
)
from mediatheque.core.portraits import Portrait
from mediatheque.filing import SearchBy
from mediatheque.model import Asset
from mediatheque.records import files, vectors
from mediatheque.records.engine import Tx
from mediatheque.records.folding import fold
from mediatheque.records.nearest import Near

BEFORE_CHARS, AFTER_CHARS = 80, 160
FILENAME, TAGS = "filename", "tags"
MAX_LOADED_CHARS = 4_000_000
"""Of whole texts that are read again to say where in them it is, on one page of hits."""
PLACED = frozenset({DOCUMENT_TEXT, TRANSCRIPT})
"""Texts in passages whose place is worth telling."""


@dataclass(frozen=True, slots=True)
class Reason:
    """`by` words or meaning; `similarity` (the cosine) of the latter alone. `chunk` counts from 0, pages from 1."""

    by: SearchBy
    field: str
    snippet: str
    chunk: int | None = None
    page_numbers: tuple[int, ...] = ()
    start_seconds: float | None = None
    similarity: float | None = None


def of_meaning(tx: Tx, tenant_id: int, near: Sequence[Near]) -> dict[int, list[Reason]]:
    """By file: its nearest passage."""
    rows = vectors.described(tx, tenant_id, [it.vector_id for it in near])
    return {
        it.owner_id: [
            Reason(
                SearchBy.MEANING,
                rows[it.vector_id]["field"],
                rows[it.vector_id]["snippet"],
                rows[it.vector_id]["position"] if rows[it.vector_id]["field"] in PLACED else None,
                tuple(rows[it.vector_id]["page_numbers"] or ()),
                rows[it.vector_id]["start_seconds"],
                round(it.similarity, 4),
            )
        ]
        for it in near
        if it.vector_id in rows
    }


def of_words(tx: Tx, portraits: Sequence[Portrait], query: str) -> dict[int, list[Reason]]:
    """By file: the text that holds the whole question, or most of its words."""
    reasons: dict[int, list[Reason]] = {}
    room = MAX_LOADED_CHARS
    for portrait in portraits:
        passages = list(_short(portrait))
        best = _best(passages, query)
        if room > 0 and (best is None or not _holds_all(best, query)):
            found = files.texts_of(tx, [portrait.asset.blob.id], TEXTS).get(portrait.asset.blob.id, {})
            passages += passages_of(portrait.asset, {kind: found[kind] for kind in TEXTS if kind in found})
            room -= sum(len(chunk["content"]) for chunk in found.get(CHUNKS, ()))
            best = _best(passages, query)
        if best is not None:
            reasons[portrait.asset.id] = [_reason(best, query)]
    return reasons


def holding(tx: Tx, owners: Sequence[Asset], query: str, field: str) -> list[tuple[int, int]]:
    """(file, position) of the passage of this field that holds most of the question, for each of these files."""
    found: list[tuple[int, int]] = []
    for it in owners:
        texts = files.texts_of(tx, [it.blob.id], TEXTS).get(it.blob.id, {})
        best = _best([one for one in passages_of(it, texts) if one.field == field], query)
        if best is not None:
            found.append((it.id, best.position))
    return found


def _short(portrait: Portrait) -> Iterator[Passage]:
    """Texts that are at hand."""
    it = portrait.asset
    texts = {TITLE: it.title, FILENAME: it.original_filename or it.filename, TAGS: ", ".join(it.tags),
             DESCRIPTION: it.description, ALT_TEXT: it.alt_text, VISIBLE_TEXT: portrait.visible_text}  # fmt: skip
    for field, text in texts.items():
        if text:
            yield Passage(field, 0, text)


def _best(passages: Sequence[Passage], query: str) -> Passage | None:
    """The first that holds the whole, else the first that holds most of the words."""
    needles = fold(query).split()
    counts = [(_count(passage.text, query, needles), -place) for place, passage in enumerate(passages)]
    if not counts or max(counts)[0] == 0:
        return None
    return passages[-max(counts)[1]]


def _count(text: str, query: str, needles: Sequence[str]) -> int:
    folded = fold(text)
    return len(needles) + 1 if fold(query).strip() in folded else sum(word in folded for word in needles)


def _holds_all(passage: Passage, query: str) -> bool:
    folded = fold(passage.text)
    return all(word in folded for word in fold(query).split())


def _reason(passage: Passage, query: str) -> Reason:
    return Reason(
        SearchBy.WORDS,
        passage.field,
        _snippet(passage.text, query),
        passage.position if passage.field in PLACED else None,
        passage.page_numbers,
        passage.start_seconds,
    )


def _snippet(text: str, query: str) -> str:
    """What stands around the first place that the question, or the first of its words, is at."""
    folded = fold(text)
    places = [folded.find(needle) for needle in (fold(query).strip(), *fold(query).split())]
    place = next((it for it in places if it >= 0), 0)
    return " ".join(text[max(0, place - BEFORE_CHARS) : place + AFTER_CHARS].split())

"""Pages of a document that are pictures of text: drawn and read one after another, within bounds."""

import time
from dataclasses import dataclass, field
from typing import Any

from mediatheque.decoder import DecoderFailed
from mediatheque.errors import Malformed, NotInstalled
from mediatheque.ports import Work
from mediatheque.skills import ocr, pixels

MAX_PAGES = 100
PATIENCE_SECONDS = 120.0
"""From when on no further page is begun."""
DRAWING_SECONDS = 20.0
MAX_FAILURES = 3
"""A document of which so many pages cannot be drawn or read has no others tried."""
TOO_LONG = f"At most {MAX_PAGES} scanned pages are read, and {PATIENCE_SECONDS:.0f} seconds long"
UNREADABLE = "Pages could not be drawn or read"
PAGE = "page.rgb"


@dataclass(slots=True)
class Scans:
    """Pages count from 0 here. `unread` were found and not read, `reason` says why; `is_cut`: there was too much."""

    texts: dict[int, str] = field(default_factory=dict)
    confidences: dict[int, float] = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)
    reason: str | None = None
    is_cut: bool = False

    @property
    def confidence(self) -> float | None:
        scores = self.confidences.values()
        return round(sum(scores) / len(scores), 3) if scores else None

    @property
    def facts(self) -> dict[str, Any]:
        """For people, who count pages from 1."""
        read = [{"page": page + 1, "confidence": self.confidences.get(page)} for page in self.texts]
        unread = [page + 1 for page in self.unread]
        return {"pages_read_by_ocr": read, "unread_pages": unread, "unread_because": self.reason}


def read(work: Work, sparse: list[int]) -> Scans | None:
    """What is written on those of the pages with hardly any text that show something; None: none does.

    Whatever goes wrong, the rest of the document stays readable: `unread` and `reason` tell.
    """
    if not sparse:
        return None
    try:
        found = work.decode(
            "mediatheque.skills.scans_decode:find", path=str(work.source), pages=sparse, most=MAX_PAGES + 1
        )
    except (Malformed, DecoderFailed):
        return Scans(unread=sparse, reason=UNREADABLE)
    if not found:
        return None
    try:
        work.check(ocr.MODEL)
    except NotInstalled as problem:
        return Scans(unread=found, reason=problem.message)
    return _in_turn(work, found)


def _in_turn(work: Work, found: list[int]) -> Scans:
    scans, failures = Scans(), 0
    until = time.monotonic() + PATIENCE_SECONDS
    for page in found:
        scans.is_cut = scans.is_cut or page in found[MAX_PAGES:] or time.monotonic() > until
        if scans.is_cut or failures == MAX_FAILURES:
            scans.unread.append(page)
            continue
        try:
            lines = _lines(work, page)
        except (Malformed, DecoderFailed):
            failures += 1
            scans.unread.append(page)
            continue
        if lines:
            scans.texts[page] = ocr.text_of(lines)
            scans.confidences[page] = ocr.confidence_of(lines) or 0.0
    if scans.unread:
        scans.reason = TOO_LONG if scans.is_cut else UNREADABLE
    return scans


def _lines(work: Work, page: int) -> list[dict[str, Any]]:
    target = work.folder / PAGE
    size = work.decode(
        "mediatheque.skills.scans_decode:draw",
        path=str(work.source), page=page, target=str(target), side=pixels.SIDE, timeout_seconds=DRAWING_SECONDS,
    )  # fmt: skip
    if min(size["width"], size["height"]) < ocr.MIN_SIDE:
        return []
    lines: list[dict[str, Any]] = work.infer(ocr.MODEL, ocr.READ, path=str(target), **size)
    return lines

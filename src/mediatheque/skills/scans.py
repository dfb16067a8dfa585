"""Pages of a document that are pictures of text: drawn and read one after another, within bounds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediatheque.decoder import DecoderFailed
from mediatheque.errors import Malformed, NotInstalled
from mediatheque.ports import Work
from mediatheque.skills import ocr, pixels

MAX_PAGES = 100
PATIENCE_SECONDS, REST_SECONDS = 120.0, 20.0
"""From when on a run, or one that reads what others left, begins no further page."""
MAX_IN_ALL = 1000
MAX_TRIES = 3
"""How many runs try a page that cannot be drawn or read."""
DRAWING_SECONDS = 20.0
MAX_FAILURES = 3
"""When so many pages could not be drawn or read in a run, others are left to the next."""
TOO_LONG = f"At most {MAX_PAGES} scanned pages are read at a time, and {PATIENCE_SECONDS:.0f} seconds long"
TOO_MANY = f"At most {MAX_IN_ALL} scanned pages of a document are read"
UNREADABLE = "Pages could not be drawn or read"
PAGE = "page.rgb"
TEXT, FACTS, UNREAD, REST = "document_text", "text_facts", "unread_pages", "rest"
"""Findings of earlier runs, what the second calls pages that they left, and the parameter of a run that reads those."""


@dataclass(slots=True)
class Scans:
    """Pages count from 0 here. `blank` ones were looked at and say nothing; `unread` were found and not read, `reason`
    says why; `tries`: how many runs have failed with a page; `is_cut`: there was too much; `begun`: pages that this run
    has tried."""

    texts: dict[int, str] = field(default_factory=dict)
    confidences: dict[int, float] = field(default_factory=dict)
    blank: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    tries: dict[int, int] = field(default_factory=dict)
    reason: str | None = None
    is_cut: bool = False
    begun: int = 0

    @property
    def confidence(self) -> float | None:
        scores = self.confidences.values()
        return round(sum(scores) / len(scores), 3) if scores else None

    @property
    def known(self) -> set[int]:
        return {*self.texts, *self.blank}

    @property
    def facts(self) -> dict[str, Any]:
        """For people, who count pages from 1."""
        read = [{"page": page + 1, "confidence": self.confidences.get(page)} for page in sorted(self.texts)]
        return {
            "pages_read_by_ocr": read,
            UNREAD: [page + 1 for page in self.unread],
            "unread_because": self.reason,
            "blank_pages": [page + 1 for page in self.blank],
            "failed_tries": {str(page + 1): count for page, count in self.tries.items()},
        }


def read(work: Work, sparse: list[int]) -> Scans | None:
    """What is written on those of the pages with hardly any text that show something; None: none does.

    What an earlier run has read is not read again. Whatever goes wrong, the rest of the document stays readable:
    `unread` and `reason` tell.
    """
    if not sparse:
        return None
    scans = _earlier(work)
    found = [page for page in sparse if page not in scans.known]
    try:
        found = _showing(work, found) if found else []
    except (Malformed, DecoderFailed):
        return _unread(scans, found, UNREADABLE)
    if not found:
        return scans if scans.known else None
    return _looked_at(work, scans, found)


def has_rest(facts: Mapping[str, Any]) -> bool:
    """Whether another run could read more: there are unread pages, and not all of them have been tried often enough."""
    tries = facts.get("failed_tries", {})
    done = len(facts.get("pages_read_by_ocr", ())) + len(facts.get("blank_pages", ()))
    return done < MAX_IN_ALL and any(tries.get(str(page), 0) < MAX_TRIES for page in facts.get(UNREAD, ()))


def _earlier(work: Work) -> Scans:
    """What earlier runs have read: nothing of what is behind the end of a text that was cut."""
    facts, found = work.found(FACTS) or {}, work.found(TEXT) or {}
    text, starts = found.get("text", ""), found.get("page_starts", ())
    ends = [*(start - 2 for start in starts[1:]), len(text)]
    read = {it["page"] - 1: it["confidence"] for it in facts.get("pages_read_by_ocr", ()) if it["page"] <= len(starts)}
    return Scans(
        texts={page: text[starts[page] : ends[page]] for page in read},
        confidences={page: score for page, score in read.items() if score is not None},
        blank=[page - 1 for page in facts.get("blank_pages", ())],
        tries={int(page) - 1: count for page, count in facts.get("failed_tries", {}).items()},
    )


def _unread(scans: Scans, pages: list[int], reason: str) -> Scans:
    scans.unread, scans.reason = pages, reason
    return scans


def _showing(work: Work, pages: list[int]) -> list[int]:
    found: list[int] = work.decode(
        "mediatheque.skills.scans_decode:find", path=str(work.source), pages=pages, most=MAX_IN_ALL + 1
    )
    return found


def _looked_at(work: Work, scans: Scans, pages: list[int]) -> Scans:
    try:
        work.infer(ocr.MODEL, ocr.MODEL.warm)  # loading it takes nothing of the pages' time
    except NotInstalled as problem:
        return _unread(scans, pages, problem.message)
    except DecoderFailed as problem:
        return _unread(scans, pages, f"{UNREADABLE}: {problem.reason}")
    return _in_turn(work, scans, pages)


def _in_turn(work: Work, scans: Scans, found: list[int]) -> Scans:
    """Pages that no run has failed with go first."""
    failures = 0
    until = time.monotonic() + (REST_SECONDS if work.parameters.get(REST) else PATIENCE_SECONDS)
    for page in sorted(found, key=lambda page: (scans.tries.get(page, 0), page)):
        scans.is_cut = scans.is_cut or scans.begun == MAX_PAGES or time.monotonic() > until
        is_full = len(scans.known) >= MAX_IN_ALL
        if scans.is_cut or is_full or failures == MAX_FAILURES or scans.tries.get(page, 0) >= MAX_TRIES:
            scans.is_cut = scans.is_cut or is_full
            scans.unread.append(page)
            continue
        scans.begun += 1
        try:
            lines = _lines(work, page)
        except (Malformed, DecoderFailed):
            failures += 1
            scans.tries[page] = scans.tries.get(page, 0) + 1
            scans.unread.append(page)
            continue
        _keep(scans, page, lines)
    scans.unread.sort()
    if scans.unread:
        too_much = TOO_MANY if len(scans.known) >= MAX_IN_ALL else TOO_LONG
        scans.reason = too_much if scans.is_cut else UNREADABLE
    return scans


def _keep(scans: Scans, page: int, lines: list[dict[str, Any]]) -> None:
    scans.tries.pop(page, None)
    if lines:
        scans.texts[page] = ocr.text_of(lines)
        scans.confidences[page] = ocr.confidence_of(lines) or 0.0
    else:
        scans.blank.append(page)


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

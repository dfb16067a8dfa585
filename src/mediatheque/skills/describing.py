"""The built-in describer: a sentence made of what was really found in a picture, and worded as that.

It says what was recognised and read where the models for it are there, and always what is known without any: size and
shape, colours, photo or graphic, animation, and date and camera where the file names them. It guesses nothing.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mediatheque.decoder import DecoderFailed
from mediatheque.errors import NotInstalled
from mediatheque.ports import Work
from mediatheque.skills import ocr, tags
from mediatheque.skills.wording import CONFIRMED, UNCLEAR, listed, shortened, things, words_of
from mediatheque.understanding import Description, Level, Task

GENERATOR = "builtin"
MOST = 0.75
"""The most that a sentence without understanding may claim."""
OF_A_SCORE = 0.85
"""Of a model's own confidence in the thing it is surest of."""
CONFIDENCE = 0.5
SHOWN_COLOURS = 3
MIN_SHARE = 0.12
MANY_LINES = 3
"""A picture with so much text and nothing else in it is a document."""
QUOTED_CHARS = 160
ALT_TEXT_CHARS = 125


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a picture: `labels` of things and of the whole, with the best score, and the lines read."""

    labels: tuple[str, ...]
    score: float | None
    lines: tuple[str, ...]
    colours: str
    is_graphic: bool


class BuiltinDescriber:
    """It says the same however often it is asked, so a `level` changes nothing."""

    def describe(self, work: Work, task: Task, level: Level, claimed: Mapping[str, Any] | None) -> Description:  # noqa: ARG002
        seen = _look(work)
        text = _caption(work, seen) if task is Task.CAPTION else _alt_text(work, seen)
        return Description(text, GENERATOR, _confidence(work, seen), check=_check(seen, claimed) if claimed else None)


BUILTIN = BuiltinDescriber()


def _look(work: Work) -> Seen:
    basics = tags.seen_in(work)
    recognised = _recognised(work)
    things_ = [it["label"] for it in recognised["objects"]]
    scene = recognised["scene"]
    scores = [it["confidence"] for it in (*recognised["objects"], *([scene] if scene else []))]
    return Seen(
        labels=tuple(things_ or ([scene["label"]] if scene else [])),
        score=max(scores, default=None),
        lines=_read(work),
        colours=_colours(basics),
        is_graphic=basics["is_graphic"],
    )


def _recognised(work: Work) -> dict[str, Any]:
    """What an earlier run found, or this one does. Without the model less is said; its own run tells why."""
    known = work.found(tags.KIND)
    if isinstance(known, dict) and "objects" in known:
        return known
    with suppress(NotInstalled, DecoderFailed):
        return tags.look(work)
    return {"objects": [], "scene": None}


def _read(work: Work) -> tuple[str, ...]:
    known = work.found(ocr.KIND)
    if known is None:
        with suppress(NotInstalled, DecoderFailed):
            known = {"text": ocr.text_of(ocr.look(work))}
    text = known.get("text") if isinstance(known, dict) else known
    return tuple((text or "").splitlines())


def _check(seen: Seen, claimed: Mapping[str, Any]) -> dict[str, Any]:
    """Words that were recognised or read bear out what the file came with; that others were not proves nothing."""
    known = words_of(*seen.labels, *seen.lines)
    said = words_of(*(" ".join(value) if isinstance(value, list) else str(value) for value in claimed.values()))
    common = sorted(known & said)
    if not common:
        return {"verdict": UNCLEAR, "reasons": ["Nothing of it was recognised or read in the picture"]}
    return {"verdict": CONFIRMED, "reasons": [f"Recognised or read in the picture: {', '.join(common)}"]}


def _confidence(work: Work, seen: Seen) -> float:
    if seen.score is not None:
        return round(min(MOST, OF_A_SCORE * seen.score), 3)
    return MOST if "camera" in work.facts.details else CONFIDENCE


def _caption(work: Work, seen: Seen) -> str:
    facts = work.facts
    parts = [f"{_article(work, seen)} of {facts.width} by {facts.height} pixels"]
    if seen.labels:
        parts[0] += f" that appears to show {things(seen.labels)}"
    if seen.colours:
        parts.append(seen.colours)
    sentence = ", ".join(parts)
    if facts.captured_at is not None:
        sentence += f", taken on {facts.captured_at.day} {facts.captured_at:%B %Y}"
    if camera := facts.details.get("camera"):
        sentence += f" with {camera}" if facts.captured_at is not None else f", taken with {camera}"
    if not seen.lines:
        return sentence + "."
    said = f"“{shortened(' '.join(seen.lines), QUOTED_CHARS)}”"
    if len(seen.lines) >= MANY_LINES and not seen.labels:
        return f"Document or screenshot with text: {said}. {sentence}."
    return f"{sentence}. Visible text: {said}."


def _alt_text(work: Work, seen: Seen) -> str:
    if seen.labels:
        text = f"{_kind(work, seen)} that appears to show {things(seen.labels)}"
    elif seen.lines:
        text = f"{_kind(work, seen)} with the text “{shortened(' '.join(seen.lines), ALT_TEXT_CHARS // 2)}”"
    else:
        text = _article(work, seen)
    whole = f"{text}, {seen.colours}." if seen.colours else f"{text}."
    return whole if len(whole) <= ALT_TEXT_CHARS else shortened(text, ALT_TEXT_CHARS - 1) + "."


def _kind(work: Work, seen: Seen) -> str:
    return "Photo" if "camera" in work.facts.details or not seen.is_graphic else "Graphic"


def _article(work: Work, seen: Seen) -> str:
    """`A wide photo`, `A square graphic`, `An animation in 12 frames`."""
    facts = work.facts
    if facts.frames > 1:
        return f"An animation in {facts.frames} frames"
    return f"A {_shape(facts.width or 1, facts.height or 1)} {_kind(work, seen).lower()}"


def _shape(width: int, height: int) -> str:
    ratio = width / height
    if ratio >= 2:
        return "panoramic"
    if ratio > 1.05:
        return "landscape-format"
    return "square" if ratio >= 1 / 1.05 else "portrait-format"


def _colours(seen: dict[str, Any]) -> str:
    names = [it["name"] for it in seen["colours"] if it["share"] >= MIN_SHARE][:SHOWN_COLOURS]
    return f"mostly {listed(names)}" if names else ""

"""The built-in describer: a sentence made of what is really known about a picture, without any model.

It never says what a picture shows, since it cannot know: size and shape, colours, photo or graphic, animation, and
date and camera where the file names them.
"""

from typing import Any

from mediatheque.ports import Description, Task, Work

GENERATOR = "builtin"
PHOTO_CONFIDENCE = 0.75
"""The most that a sentence without understanding may claim; for one whose camera is known."""
CONFIDENCE = 0.5
SHOWN_COLOURS = 3
MIN_SHARE = 0.12


class BuiltinDescriber:
    def describe(self, work: Work, task: Task) -> Description:
        seen = work.decode(
            "mediatheque.skills.describing_decode:look", path=str(work.source), media_type=work.facts.media_type
        )
        text = _caption(work, seen) if task is Task.CAPTION else _alt_text(work, seen)
        certain = "camera" in work.facts.details
        return Description(text, GENERATOR, PHOTO_CONFIDENCE if certain else CONFIDENCE)


BUILTIN = BuiltinDescriber()


def _caption(work: Work, seen: dict[str, Any]) -> str:
    facts = work.facts
    parts = [f"{_article(work, seen)} of {facts.width} by {facts.height} pixels"]
    if colours := _colours(seen):
        parts.append(colours)
    sentence = ", ".join(parts)
    if facts.captured_at is not None:
        sentence += f", taken on {facts.captured_at.day} {facts.captured_at:%B %Y}"
    if camera := facts.details.get("camera"):
        sentence += f" with {camera}" if facts.captured_at is not None else f", taken with {camera}"
    return sentence + "."


def _alt_text(work: Work, seen: dict[str, Any]) -> str:
    colours = _colours(seen)
    return f"{_article(work, seen)}, {colours}." if colours else f"{_article(work, seen)}."


def _article(work: Work, seen: dict[str, Any]) -> str:
    """`A wide photo`, `A square graphic`, `An animation in 12 frames`."""
    facts = work.facts
    if facts.frames > 1:
        return f"An animation in {facts.frames} frames"
    what = "photo" if "camera" in facts.details or not seen["is_graphic"] else "graphic"
    return f"A {_shape(facts.width or 1, facts.height or 1)} {what}"


def _shape(width: int, height: int) -> str:
    ratio = width / height
    if ratio >= 2:
        return "panoramic"
    if ratio > 1.05:
        return "landscape-format"
    return "square" if ratio >= 1 / 1.05 else "portrait-format"


def _colours(seen: dict[str, Any]) -> str:
    names = [name for name, share in seen["colours"] if share >= MIN_SHARE][:SHOWN_COLOURS]
    if not names:
        return ""
    if len(names) == 1:
        return f"mostly {names[0]}"
    return f"mostly {', '.join(names[:-1])} and {names[-1]}"

"""The skill `tags`: what can be recognised in a picture, and its colours."""

from pathlib import Path
from typing import Any

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import pixels
from mediatheque.understanding import Model

KIND, COLOURS = "tags", "colours"
ENGINE = "efficientdet-lite0+efficientnet-lite0/int8"
FOLDER = Path(__file__).parents[1] / "models"
DETECTOR, CLASSIFIER = FOLDER / "efficientdet_lite0_int8.tflite", FOLDER / "efficientnet_lite0_int8.tflite"
MODEL = Model(
    name=ENGINE,
    purpose="recognises things in pictures",
    extra="vision",
    modules=("ai_edge_litert",),
    warm="mediatheque.skills.tags_inference:warm",
    files=(DETECTOR, CLASSIFIER),
)
LOOK = "mediatheque.skills.describing_decode:look"
MIN_SIDE = 96
"""Nothing can be recognised in less."""


def find_colours(work: Work) -> None:
    """The finding `colours`: `colours` with `name` and `share` of the picture, the largest first, and `is_graphic`."""
    work.add_finding(COLOURS, seen_in(work))


def seen_in(work: Work) -> dict[str, Any]:
    """The finding `colours`, looked for anew where nobody has yet."""
    known: dict[str, Any] | None = work.found(COLOURS)
    if known is not None:
        return known
    seen = work.decode(LOOK, path=str(work.source), media_type=work.facts.media_type)
    colours = [{"name": name, "share": share} for name, share in seen["colours"]]
    return {"colours": colours, "is_graphic": seen["is_graphic"]}


def recognise(work: Work) -> None:
    """The finding `tags`: `tags`, `objects` (`label`, `confidence`, `box`: left, top, right, bottom as shares) and
    `scene` (`label`, `confidence`) or null. Raises `errors.NotInstalled`."""
    found = look(work)
    names = tags_of(found)
    scores = [it["confidence"] for it in [*found["objects"], *([found["scene"]] if found["scene"] else [])]]
    best = max(scores, default=None)
    work.add_finding(KIND, {"tags": names, **found}, model=ENGINE, confidence=best, language="en" if names else None)
    work.suggest(tags=names)


def look(work: Work) -> dict[str, Any]:
    """`objects` and `scene` of the picture; none of a drawing: what is asked knows photos alone."""
    work.check(MODEL)
    if min(work.facts.width or 0, work.facts.height or 0) < MIN_SIDE or seen_in(work)["is_graphic"]:
        return {"objects": [], "scene": None}
    found: dict[str, Any] = work.infer(MODEL, "mediatheque.skills.tags_inference:look", **pixels.of(work))
    return found


def tags_of(found: dict[str, Any]) -> list[str]:
    """What was recognised, each once, the surest first."""
    labels = [it["label"] for it in sorted(found["objects"], key=lambda it: -it["confidence"])]
    return list(dict.fromkeys([*labels, *([found["scene"]["label"]] if found["scene"] else [])]))


SKILL = Skill(
    name="tags",
    description="What can be recognised in a picture, as tags where it has none, and its colours",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(Step("find_colours", find_colours), Step("recognise_objects", recognise)),
    automatic=False,
    enriches=True,
    is_quiet=True,
    aliases=frozenset({"auto-tag", "auto_tag", "recognise_objects"}),
)

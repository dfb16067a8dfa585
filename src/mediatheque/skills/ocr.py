"""The skill `ocr`: the text that can be seen in a picture, line by line, and where each line stands."""

from typing import Any

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import pixels
from mediatheque.understanding import Model

KIND, LINES = "visible_text", "text_lines"
ENGINE = "rapidocr/PP-OCRv6-small"
MODEL = Model(
    name=ENGINE,
    purpose="reads the text in pictures",
    extra="ocr",
    modules=("rapidocr", "onnxruntime"),
    warm="mediatheque.skills.ocr_inference:warm",
)
READ = "mediatheque.skills.ocr_inference:read"
MIN_SIDE = 12
"""No letter can be read in less."""


def read(work: Work) -> None:
    """Findings `visible_text` (`text`, with the confidence of its lines and, where it is long enough to tell, its
    language) and `text_lines`: `lines`, of each `text`, `confidence` and `box` (four corners, x and y, as shares of
    width and height). Raises `errors.NotInstalled`."""
    found = look(work)
    text = text_of(found)
    language = work.decode("mediatheque.skills.language_decode:of", text=text) if text else None
    work.add_finding(KIND, {"text": text}, model=ENGINE, confidence=confidence_of(found), language=language)
    work.add_finding(LINES, {"lines": found}, model=ENGINE)


def look(work: Work) -> list[dict[str, Any]]:
    """The lines that were read with confidence, from the top."""
    work.check(MODEL)
    if min(work.facts.width or 0, work.facts.height or 0) < MIN_SIDE:
        return []
    lines: list[dict[str, Any]] = work.infer(MODEL, READ, **pixels.of(work))
    return lines


def text_of(lines: list[dict[str, Any]]) -> str:
    return "\n".join(line["text"] for line in lines)


def confidence_of(lines: list[dict[str, Any]]) -> float | None:
    return round(sum(line["confidence"] for line in lines) / len(lines), 3) if lines else None


SKILL = Skill(
    name="ocr",
    description="The text that can be seen in a picture, with the place of each line",
    version=2,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(Step("read_text", read),),
    automatic=False,
    enriches=True,
    is_quiet=True,
    aliases=frozenset({"read_text", "read-text", "visible_text"}),
)

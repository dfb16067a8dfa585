"""Runs in the process of the models: reads text. What a model of text sees in leaves and tiles is left out."""

import unicodedata
from functools import cache
from typing import Any

from rapidocr import RapidOCR

from mediatheque.skills import pixels

MIN_SCORE = 0.85
MIN_CHARS = 2
MAX_LINES = 500
DETECTED_SIDE = 960
MIN_LATIN_SHARE = 0.8
"""Where so much of the text is Latin, single Chinese signs between are roof tiles."""
OPTIONS = {
    "Det.limit_type": "max",
    "Det.limit_side_len": DETECTED_SIDE,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Global.log_level": "error",
}


def warm() -> None:
    _engine()


def read(path: str, width: int, height: int) -> list[dict[str, Any]]:
    """Lines with `text`, `confidence` and `box`, as `skills.ocr` tells."""
    found = _engine()(pixels.read(path, width, height))
    if found.txts is None:
        return []
    lines = [
        {
            "text": text.strip(),
            "confidence": round(float(score), 3),
            "box": [[_share(x, width), _share(y, height)] for x, y in box],
        }
        for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
        if score >= MIN_SCORE and _is_text(text)
    ]
    return _plausible(lines)[:MAX_LINES]


def _is_text(text: str) -> bool:
    signs = [sign for sign in text.strip() if not sign.isspace()]
    return len(signs) >= MIN_CHARS and any(sign.isalnum() for sign in signs) and len(set(signs)) > 1


def _plausible(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    letters = [sign for line in lines for sign in line["text"] if sign.isalpha()]
    latin = sum(1 for sign in letters if "LATIN" in unicodedata.name(sign, ""))
    if not letters or latin < MIN_LATIN_SHARE * len(letters):
        return lines
    return [line for line in lines if not any("CJK" in unicodedata.name(sign, "") for sign in line["text"])]


def _share(value: float, whole: int) -> float:
    return round(min(max(float(value) / whole, 0.0), 1.0), 4)


@cache
def _engine() -> Any:
    return RapidOCR(params=OPTIONS)

"""The words of transforms: what a URL may ask to be made of a picture, and how it is spelled (docs/transforms.md)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from mediatheque.errors import BadRequest

MAX_SIDE = 4096
"""Of what comes out, in pixels."""
MAX_BLUR = 50.0
MAX_CHARS = 200
MAX_SOURCE_PIXELS = 120_000_000
"""Of what goes in; nothing larger is decoded."""
FORMATS = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif"}
NEGOTIATED = ("image/avif", "image/webp")
"""What a client has to name before it is sent it unasked, the best one first."""
DEFAULT_QUALITY = 80


class Fit(StrEnum):
    """`contain`: all of it within the box; `cover`: the box filled, and what is too much cut off."""

    CONTAIN = "contain"
    COVER = "cover"


@dataclass(frozen=True, slots=True)
class Transform:
    """What is to be made of a picture; it never grows.

    `crop` is left, top, width and height, `focus` the place that stays in sight, both in parts of the upright picture.
    `media_type` None: what the client takes, and the picture is best kept in.
    """

    width: int | None = None
    height: int | None = None
    fit: Fit = Fit.CONTAIN
    crop: tuple[float, float, float, float] | None = None
    focus: tuple[float, float] = (0.5, 0.5)
    quality: int = DEFAULT_QUALITY
    blur: float = 0.0
    media_type: str | None = None

    def spelled(self) -> str:
        """One spelling for each transform, whatever the order in which it was asked for."""
        return repr(self)


PRESETS = {
    "avatar": Transform(128, 128, Fit.COVER),
    "card": Transform(480, 320, Fit.COVER),
    "small": Transform(320, 320),
    "medium": Transform(800, 800),
    "large": Transform(1600, 1600),
    "banner": Transform(1600, 500, Fit.COVER),
    "blurred": Transform(480, 480, blur=12.0, quality=60),
}
"""What anybody may ask for of a public picture."""


def read(text: str) -> Transform:
    """A preset's name, or options like `w_400,h_300,fit_cover,focus_0.5x0.2,q_75`; raises `BadRequest`."""
    if text in PRESETS:
        return PRESETS[text]
    asked = Transform()
    seen: set[str] = set()
    for option in text.split(",") if len(text) <= MAX_CHARS else [""]:
        name, _, value = option.partition("_")
        if name not in _OPTIONS or name in seen:
            raise BadRequest(f"Options are {', '.join(_OPTIONS)}, each once, or a preset: {', '.join(PRESETS)}")
        seen.add(name)
        asked = _OPTIONS[name](asked, value)
    return asked


def _numbers(value: str, count: int, low: float, high: float, name: str) -> tuple[float, ...]:
    parts = value.split("x")
    if len(parts) != count or not all(_NUMBER.fullmatch(it) and low <= float(it) <= high for it in parts):
        raise BadRequest(f"{name} takes {count} numbers from {low:g} to {high:g}, joined by x")
    return tuple(float(it) for it in parts)


def _side(value: str, name: str) -> int:
    (side,) = _numbers(value, 1, 1, MAX_SIDE, name)
    return round(side)


def _fit(asked: Transform, value: str) -> Transform:
    if value not in set(Fit):
        raise BadRequest("fit is contain or cover")
    return replace(asked, fit=Fit(value))


def _crop(asked: Transform, value: str) -> Transform:
    left, top, width, height = _numbers(value, 4, 0, 1, "crop")
    if not width or not height or left + width > 1.000001 or top + height > 1.000001:
        raise BadRequest("crop is left x top x width x height, within the picture")
    return replace(asked, crop=(left, top, width, height))


def _focus(asked: Transform, value: str) -> Transform:
    across, down = _numbers(value, 2, 0, 1, "focus")
    return replace(asked, focus=(across, down))


def _format(asked: Transform, value: str) -> Transform:
    if value not in FORMATS:
        raise BadRequest(f"f is one of {', '.join(FORMATS)}")
    return replace(asked, media_type=FORMATS[value])


_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?")
_OPTIONS: dict[str, Callable[[Transform, str], Transform]] = {
    "w": lambda asked, value: replace(asked, width=_side(value, "w")),
    "h": lambda asked, value: replace(asked, height=_side(value, "h")),
    "fit": _fit,
    "crop": _crop,
    "focus": _focus,
    "q": lambda asked, value: replace(asked, quality=round(_numbers(value, 1, 1, 100, "q")[0])),
    "blur": lambda asked, value: replace(asked, blur=_numbers(value, 1, 0, MAX_BLUR, "blur")[0]),
    "f": _format,
}

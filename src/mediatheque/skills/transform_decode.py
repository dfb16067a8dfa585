"""Runs in a decoder child: makes of a picture what a URL asks for."""

from math import ceil
from pathlib import Path
from typing import Any

from mediatheque import raster
from mediatheque.errors import TooLarge

WHITE = [255, 255, 255]
LEAST_BLUR = 0.2
MAX_AVIF_PIXELS = 4_000_000
"""AVIF takes no longer than WebP, but far more memory than a child that may have little has for more."""
AVIF_QUALITY_SHARE = 0.75
"""AVIF's scale is another one: about this much of WebP's number looks alike."""


def render(
    path: str,
    media_type: str,
    target: str,
    *,
    size: list[int],
    box: list[int | None],
    covers: bool,
    crop: list[float] | None,
    focus: list[float],
    blur: float,
    quality: int,
    wanted: str | None,
    accepted: list[str],
) -> str:
    """Write it to `target`, upright, sRGB, without metadata, of an animation the first frame; its media type.

    `size` is what the picture has, `box` what the result may have (None: as it comes), in pixels; `wanted` None: AVIF
    or WebP where it is `accepted`, otherwise PNG for what is transparent and JPEG for the rest. Raises `TooLarge` for
    more pixels than are written as AVIF.
    """
    left, top, width, height = crop or [0.0, 0.0, 1.0, 1.0]
    region = width * size[0], height * size[1]
    scales = [side / length for side, length in zip(box, region, strict=True) if side is not None]
    scale = min(1.0, max(scales) if covers and scales else min(scales, default=1.0))
    with raster.decoding():
        image = raster.reduced(path, media_type, max(1, ceil(max(size) * scale) + int(covers)))
        across, down = image.width, image.height
        image = _window(image, left * across, top * down, max(1.0, width * across), max(1.0, height * down))
        if covers and None not in box:
            image = _covering(image, [side or 1 for side in box], focus)
        elif scales:
            image = image.thumbnail_image(box[0] or image.width, height=box[1] or image.height, size="down")
        if blur > LEAST_BLUR:
            image = image.gaussblur(blur)
        found = wanted or _fitting(image, accepted)
        if found == "image/avif" and image.width * image.height > MAX_AVIF_PIXELS:
            raise TooLarge(f"AVIF is made of at most {MAX_AVIF_PIXELS // 1_000_000} megapixels")
        Path(target).write_bytes(_encoded(image, found, quality))
    return found


def _fitting(image: Any, accepted: list[str]) -> str:
    if "image/avif" in accepted and image.width * image.height <= MAX_AVIF_PIXELS:
        return "image/avif"
    if "image/webp" in accepted:
        return "image/webp"
    return "image/png" if image.hasalpha() else "image/jpeg"


def _covering(image: Any, box: list[int], focus: list[float]) -> Any:
    """The largest part of the box's shape, with the focus as near to its middle as may be."""
    factor = min(1.0, image.width / box[0], image.height / box[1])
    width, height = max(1, round(box[0] * factor)), max(1, round(box[1] * factor))
    return _window(image, focus[0] * image.width - width / 2, focus[1] * image.height - height / 2, width, height)


def _window(image: Any, left: float, top: float, width: float, height: float) -> Any:
    """That part of the image, moved inwards where it would stick out."""
    across, down = min(image.width, round(width)), min(image.height, round(height))
    start = min(max(0, round(left)), image.width - across), min(max(0, round(top)), image.height - down)
    return image if (across, down) == (image.width, image.height) else image.extract_area(*start, across, down)


def _encoded(image: Any, media_type: str, quality: int) -> bytes:
    if media_type == "image/jpeg":
        if image.hasalpha():
            image = image.flatten(background=WHITE)
        return bytes(image.jpegsave_buffer(Q=quality, keep="none"))
    if media_type == "image/png":
        return bytes(image.pngsave_buffer(compression=6, keep="none"))
    if media_type == "image/avif":
        return bytes(
            image.heifsave_buffer(compression="av1", Q=round(quality * AVIF_QUALITY_SHARE) or 1, effort=0, keep="none")
        )
    return bytes(image.webpsave_buffer(Q=quality, effort=2, keep="none"))

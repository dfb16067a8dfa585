"""Runs in a decoder child: decides from the bytes what an image is, and whether it is whole."""

import mmap
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import magic
import pyvips

from mediatheque import errors, raster
from mediatheque.kinds.image_structure import OUTLINES, Outline

MEDIA_TYPES = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/heic": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif": "image/heic",
    "image/heif-sequence": "image/heic",
    "image/avif": "image/avif",
}
"""libmagic's names and ours; a HEIF file's true type follows from the compression of its pixels."""

COMPRESSIONS = {"hevc": "image/heic", "av1": "image/avif"}
COLOR_SPACES = {"b-w": "gray", "grey16": "gray", "srgb": "rgb", "rgb": "rgb", "rgb16": "rgb", "cmyk": "cmyk"}

SNIFFED_BYTES = 4096
MAX_PIXELS = 120_000_000
MAX_SIDE = 30_000
MAX_FRAMES = 500
MAX_ANIMATION_BYTES = 250_000_000
FULLY_DECODED_PIXELS = 1_000_000
MAX_CAMERA_CHARS = 64


def probe(path: str, name: str = "") -> dict[str, Any]:  # noqa: ARG001 - the bytes tell
    """`Facts`' fields of the image at `path`, with `captured_at` as ISO 8601.

    Raises `errors.Unsupported` for what is none of our image types, `errors.Malformed` for what claims to be one and is
    damaged, cut short or beyond the limits (decisions 1 and 9). Pixels are decoded only up to FULLY_DECODED_PIXELS.
    """
    claimed, outline = _outline(path)
    _check_size(outline.width, outline.height, outline.frames, known=bool(outline.width))
    with raster.decoding():
        image = raster.opened(path, claimed)
        media_type = _verified_type(image, claimed)
        _check_size(image.width, image.height, outline.frames)
        if image.width * image.height <= FULLY_DECODED_PIXELS:
            _decode(path, media_type, image, outline.frames)
        return _facts(image, media_type, outline.frames)


def _outline(path: str) -> tuple[str, Outline]:
    with Path(path).open("rb") as file:
        head = file.read(SNIFFED_BYTES)
        if not head:
            raise errors.Malformed("The file is empty")
        media_type = MEDIA_TYPES.get(magic.from_buffer(head, mime=True))
        if media_type is None:
            raise errors.Unsupported
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return media_type, OUTLINES[media_type](data)


def _check_size(width: int, height: int, frames: int, *, known: bool = True) -> None:
    if known and (width < 1 or height < 1):
        raise errors.Malformed("The image has no size")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise errors.Malformed("The image has too many pixels")
    if frames > MAX_FRAMES or (frames > 1 and width * height * frames * 4 > MAX_ANIMATION_BYTES):
        raise errors.Malformed("The animation has too many frames")


def _verified_type(image: pyvips.Image, claimed: str) -> str:
    if claimed not in COMPRESSIONS.values():
        return claimed
    found = COMPRESSIONS.get(image.get("heif-compression"))
    if found is None:
        raise errors.Unsupported
    return found


def _decode(path: str, media_type: str, image: pyvips.Image, frames: int) -> None:
    """Decode all pixels; of a long animation the first frame."""
    if media_type == "image/heic":
        raster.reduced(path, media_type, 64)
    elif 1 < frames <= FULLY_DECODED_PIXELS // (image.width * image.height):
        raster.opened(path, media_type, n=-1).avg()
    else:
        image.avg()


def _facts(image: pyvips.Image, media_type: str, frames: int) -> dict[str, Any]:
    orientation = _orientation(image)
    width, height = (image.height, image.width) if orientation >= 5 else (image.width, image.height)
    captured_at, offset = _captured_at(image)
    details: dict[str, Any] = {
        "orientation": orientation,
        "has_alpha": bool(image.hasalpha()),
        "color_space": COLOR_SPACES.get(image.interpretation, "other"),
    }
    if captured_at:
        details["captured_at_offset"] = offset
    if camera := _camera(image):
        details["camera"] = camera
    return {
        "media_type": media_type,
        "width": width,
        "height": height,
        "frames": frames,
        "captured_at": captured_at,
        "details": details,
    }


def _orientation(image: pyvips.Image) -> int:
    """1 to 8 as in EXIF; anything else counts as 1."""
    value = image.get("orientation") if image.get_typeof("orientation") else 1
    return value if 1 <= value <= 8 else 1


def _captured_at(image: pyvips.Image) -> tuple[str | None, str | None]:
    """DateTimeOriginal in UTC as ISO 8601, and its offset; without one the time counts as UTC and the offset is None.

    A camera whose clock was never set writes times that no calendar has: they count as absent.
    """
    found = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", _exif(image, "ifd2-DateTimeOriginal"))
    offset = re.fullmatch(r"[+-]\d\d:\d\d", _exif(image, "ifd2-OffsetTimeOriginal"))
    if found is None:
        return None, None
    text = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}{offset[0] if offset else '+00:00'}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(), offset[0] if offset else None
    except (ValueError, OverflowError):
        return None, None


def _camera(image: pyvips.Image) -> str:
    make, model = _exif(image, "ifd0-Make"), _exif(image, "ifd0-Model")
    words = model if model.startswith(make) else f"{make} {model}"
    return "".join(char for char in words if char.isprintable())[:MAX_CAMERA_CHARS].strip()


def _exif(image: pyvips.Image, name: str) -> str:
    """A text tag's value; libvips gives `value (value, ASCII, 6 components, 6 bytes)`."""
    if not image.get_typeof(f"exif-{name}"):
        return ""
    doubled = image.get(f"exif-{name}").rsplit(", ", 3)[0]
    return str(doubled[: (len(doubled) - 2) // 2]).strip(" \0")

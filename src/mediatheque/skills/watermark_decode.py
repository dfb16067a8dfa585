"""Runs in a decoder child: text drawn over every frame of a picture."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyvips
from PIL import Image, ImageDraw, ImageFont

from mediatheque import raster
from mediatheque.errors import Malformed
from mediatheque.skills import whole_decode as whole

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
MAX_FONTS = 300
NO_GLYPH = "\U0010fffe"


def draw(
    path: str,
    media_type: str,
    frames: int,
    target: str,
    text: str,
    opacity: float,
    font_size: int,
    position: str,
    output: str,
) -> dict[str, Any]:
    """Write the picture with the text in white and a dark shade; facts of what was written."""
    label = _label(text, font_size, opacity)
    with raster.decoding():
        image = whole.read(path, media_type, frames if target in whole.ANIMATED else 1)
        height = image.get("page-height") if image.get_typeof("page-height") else image.height
        margin = min(max(4, font_size // 2), image.width // 8, height // 8)
        room = max(1, image.width - 2 * margin), max(1, height - 2 * margin)
        if label.width > room[0] or label.height > room[1]:
            label.thumbnail(room)
        overlay = pyvips.Image.new_from_memory(label.tobytes(), label.width, label.height, 4, "uchar")
        overlay = overlay.copy(interpretation="srgb")
        x, y = _place(position, image.width, height, label.width, label.height, margin)
        pages = image.height // height
        if pages > 1:
            overlay = overlay.embed(x, y, image.width, height).replicate(1, pages)
            x = y = 0
        drawn = image.composite2(overlay, "over", x=x, y=y).cast("uchar")
        if not image.hasalpha():
            drawn = drawn.flatten()
        return whole.write(drawn, target, output)


def _label(text: str, font_size: int, opacity: float) -> Image.Image:
    font = _font(text, font_size)
    left, top, right, bottom = font.getbbox(text)
    shade = max(1, font_size // 18)
    size = max(1, int(right - left) + shade), max(1, int(bottom - top) + shade)
    label = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(label)
    pen.text((shade - left, shade - top), text, font=font, fill=(0, 0, 0, round(160 * opacity)))
    over = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(over).text((-left, -top), text, font=font, fill=(255, 255, 255, round(255 * opacity)))
    return Image.alpha_composite(label, over)


def _font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, or the first of the machine's that has every character of the text."""
    for font in _fonts(size):
        if _covers(font, text):
            return font
    raise Malformed("watermark_font_unavailable: no font here has every character of the text")


def _fonts(size: int) -> Iterator[ImageFont.FreeTypeFont]:
    own = ImageFont.load_default(size)
    if isinstance(own, ImageFont.FreeTypeFont):
        yield own
    files = (file for folder in FONT_FOLDERS for file in sorted(Path(folder).rglob("*.[to]t[fc]")))
    for file in islice(files, MAX_FONTS):
        try:
            yield ImageFont.truetype(str(file), size)
        except OSError:
            continue


def _covers(font: ImageFont.FreeTypeFont, text: str) -> bool:
    absent = bytes(font.getmask(NO_GLYPH))
    return all(char.isspace() or bytes(font.getmask(char)) != absent for char in set(text))


def _place(position: str, width: int, height: int, across: int, down: int, margin: int) -> tuple[int, int]:
    if position == "center":
        return (width - across) // 2, (height - down) // 2
    x = width - across - margin if position.endswith("right") else margin
    y = height - down - margin if position.startswith("bottom") else margin
    return max(0, x), max(0, y)

"""Runs in a decoder child: whole pictures in and out, for the skills that write a picture anew.

What is written is upright, sRGB with 8 bits a channel, and carries no metadata.
"""

from pathlib import Path
from typing import Any

import pyvips
from PIL import Image

from mediatheque import raster
from mediatheque.errors import Malformed

ANIMATED = frozenset({"image/gif", "image/webp"})
PLAIN = {"image/bmp": "BMP", "image/x-tga": "TGA"}
"""Formats that Pillow writes from pixels in memory; libvips has no writer for them."""
MAX_PLAIN_PIXELS = 40_000_000
WHITE = [255, 255, 255]
QUALITY = 90


def read(path: str, media_type: str, frames: int = 1) -> Any:
    """The picture, or all frames of an animation below each other (`page-height` says how high one is)."""
    if media_type == "image/heic" or media_type in raster.OWN:
        image = raster.in_memory(path, media_type)
    else:
        several = frames > 1 and media_type in ANIMATED
        image = raster.opened(path, media_type, **({"n": -1} if several else {}))
        if not several and image.get_typeof("orientation") and image.get("orientation") != 1:
            image = image.copy_memory().autorot()  # turning reads rows in another order than they come in
    if image.get_typeof("icc-profile-data") or image.interpretation == "cmyk":
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk" if image.bands >= 4 else "srgb")
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    return image.cast("uchar")


def write(image: Any, media_type: str, output: str) -> dict[str, Any]:
    """Write the picture; `width`, `height`, `frames` and `details` of what was written."""
    height = image.get("page-height") if image.get_typeof("page-height") else image.height
    frames = image.height // height
    if image.hasalpha() and media_type in {"image/jpeg", "image/bmp"}:
        image = image.flatten(background=WHITE)
    _save(image, media_type, output)
    details = {"orientation": 1, "has_alpha": bool(image.hasalpha()), "color_space": "rgb"}
    return {"width": image.width, "height": height, "frames": frames, "details": details}


def _save(image: Any, media_type: str, output: str) -> None:
    if media_type in PLAIN:
        _save_plain(image, PLAIN[media_type], output)
        return
    target = pyvips.Target.new_to_file(output)
    if media_type == "image/jpeg":
        image.jpegsave_target(target, Q=QUALITY, optimize_coding=True, keep="none")
    elif media_type == "image/png":
        image.pngsave_target(target, compression=6, keep="none")
    elif media_type == "image/gif":
        image.gifsave_target(target, keep="none")
    elif media_type == "image/tiff":
        image.tiffsave_target(target, compression="deflate", predictor="horizontal", keep="none")
    else:
        image.webpsave_target(target, Q=QUALITY, effort=2, keep="none")


def _save_plain(image: Any, form: str, output: str) -> None:
    if image.width * image.height > MAX_PLAIN_PIXELS:
        raise Malformed(f"The picture is too large for {form}: at most {MAX_PLAIN_PIXELS // 1_000_000} megapixels")
    mode = "RGBA" if image.hasalpha() else "RGB"
    pixels = Image.frombuffer(mode, (image.width, image.height), image.write_to_memory(), "raw", mode, 0, 1)
    with Path(output).open("wb") as file:
        pixels.save(file, form)

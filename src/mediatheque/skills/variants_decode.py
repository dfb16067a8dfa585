"""Runs in a decoder child: decodes a picture once and makes everything small from it."""

from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from blurhash_rs import blurhash_encode
from PIL import Image

from mediatheque import raster
from mediatheque.skills.variants import HASHED, SIZES, THUMBNAIL, THUMBNAIL_SIZE, THUMBNAIL_TYPES, WEBP

WHITE = [255, 255, 255]
PHASH_SIDE, PHASH_KEPT = 32, 8
FLAT_DEVIATION = 2.0


def make(path: str, media_type: str, folder: str) -> dict[str, Any]:
    """Write one file per variant, named after it, into `folder`; `sizes`: width and height in pixels by name; `hashes`.

    Upright, sRGB, 8 bit, never larger than the original, without any metadata; of an animation the first frame.
    """
    sizes = {}
    with raster.decoding():
        image = raster.reduced(path, media_type, max(SIZES.values()))
        for name, side in SIZES.items():
            if max(image.width, image.height) > side:
                # Without the copy every later size would compute all earlier ones again.
                image = image.thumbnail_image(side, height=side, size="down").copy_memory()
            sizes[name] = image.width, image.height
            encoded = _encoded(image, WEBP)
            (Path(folder) / name).write_bytes(encoded)
            if name == THUMBNAIL_SIZE:
                thumbnail_type = THUMBNAIL_TYPES.get(media_type, WEBP)
                thumbnail = encoded if thumbnail_type == WEBP else _encoded(image, thumbnail_type)
                (Path(folder) / THUMBNAIL).write_bytes(thumbnail)
        return {"sizes": sizes, "hashes": _hashes(str(Path(folder) / HASHED))}


def _hashes(path: str) -> dict[str, str | None]:
    """Of the small WebP at `path`; transparent parts count as white."""
    image = raster.opened(path, WEBP).copy_memory()
    if image.hasalpha():
        image = image.flatten(background=WHITE)
    return {"blur_hash": _blur_hash(image), "perceptual_hash": _perceptual_hash(image)}


def _encoded(image: pyvips.Image, media_type: str) -> bytes:
    if media_type == "image/jpeg":
        data = image.jpegsave_buffer(Q=80, keep="none")
    elif media_type == "image/png":
        data = image.pngsave_buffer(compression=6, keep="none")
    else:
        data = image.webpsave_buffer(Q=80, effort=2, keep="none")
    return bytes(data)


def _blur_hash(image: pyvips.Image) -> str:
    return str(blurhash_encode(Image.frombytes("RGB", (image.width, image.height), image.write_to_memory()), 4, 3))


def _perceptual_hash(image: pyvips.Image) -> str | None:
    """pHash: which of the lowest frequencies of the grey 32 x 32 picture are above their median, row by row."""
    small = image.thumbnail_image(PHASH_SIDE, height=PHASH_SIDE, size="force").colourspace("b-w")
    grey = small.numpy().reshape(PHASH_SIDE, PHASH_SIDE).astype(np.float64)
    if grey.std() < FLAT_DEVIATION:
        return None
    low = DCT @ grey @ DCT.T
    bits = (low > np.median(low)).ravel()
    return np.packbits(bits).tobytes().hex()


def _cosines() -> Any:
    """The first rows of the DCT-II of PHASH_SIDE samples."""
    return np.array(
        [
            [cos(pi * row * (2 * column + 1) / (2 * PHASH_SIDE)) for column in range(PHASH_SIDE)]
            for row in range(PHASH_KEPT)
        ]
    )


DCT = _cosines()

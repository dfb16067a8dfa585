"""Runs in a decoder child: a picture as raw pixels, which is all that models ever see of a file."""

from pathlib import Path
from typing import Any

import numpy as np

from mediatheque import raster

WHITE = [255, 255, 255]


def write(path: str, media_type: str, target: str, side: int) -> dict[str, int]:
    """Write the picture, upright, at most `side` wide and high, to `target` as rows of RGB with 8 bits each."""
    with raster.decoding():
        image = raster.reduced(path, media_type, side)
        if image.hasalpha():
            image = image.flatten(background=WHITE)
        pixels: Any = np.asarray(image.numpy())
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    Path(target).write_bytes(np.ascontiguousarray(pixels[:, :, :3], dtype=np.uint8).tobytes())
    return {"width": pixels.shape[1], "height": pixels.shape[0]}

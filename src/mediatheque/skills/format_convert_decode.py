"""Runs in a decoder child: a picture read whole and written in another format."""

from typing import Any

from mediatheque import raster
from mediatheque.skills import whole_decode as whole


def convert(path: str, media_type: str, frames: int, target: str, output: str) -> dict[str, Any]:
    """Write the picture as `target`; facts of what was written. An animation stays one where the target can hold it."""
    with raster.decoding():
        image = whole.read(path, media_type, frames if target in whole.ANIMATED else 1)
        return whole.write(image, target, output)

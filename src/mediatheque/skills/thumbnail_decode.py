"""Runs in a decoder child: one small PNG."""

from pathlib import Path

from mediatheque import raster
from mediatheque.skills.thumbnail import SIDE


def make(path: str, media_type: str, output: str) -> tuple[int, int]:
    """Write the thumbnail; its width and height. Upright, sRGB, without metadata; of an animation the first frame."""
    with raster.decoding():
        image = raster.reduced(path, media_type, SIDE)
        Path(output).write_bytes(image.pngsave_buffer(compression=6, keep="none"))
        return image.width, image.height

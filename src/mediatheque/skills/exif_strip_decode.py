"""Runs in a decoder child: takes the metadata out of a picture's container and leaves its pixels alone.

Colour profiles stay, since without them the picture would look different.
"""

import mmap
from pathlib import Path
from typing import Any

from mediatheque import raster
from mediatheque.errors import Malformed, Unsupported
from mediatheque.privacy import MetadataPolicy
from mediatheque.skills import whole_decode as whole
from mediatheque.skills.metadata_decode import plan
from mediatheque.skills.metadata_pieces import WALKERS


def strip(path: str, media_type: str, orientation: int, output: str) -> dict[str, Any] | None:
    """Write the picture without metadata; facts of what was written when it had to be turned, else None."""
    if media_type in raster.OWN:
        Path(output).write_bytes(Path(path).read_bytes())  # written by us, without metadata
        return None
    if media_type not in WALKERS:
        raise Unsupported(f"Metadata cannot be taken out of {media_type}")
    if orientation != 1:
        with raster.decoding():
            return whole.write(whole.read(path, media_type), media_type, output)
    try:
        with (
            Path(path).open("rb") as original,
            mmap.mmap(original.fileno(), 0, access=mmap.ACCESS_READ) as data,
            Path(output).open("wb") as file,
        ):
            position = 0
            for edit in plan(data, media_type, orientation, MetadataPolicy.STRIP_ALL):
                file.write(data[position : edit.start] + edit.text)
                position = edit.end
            file.write(data[position:])
    except ValueError:  # an empty file cannot be mapped
        raise Malformed("The image is damaged or cut short") from None
    return None

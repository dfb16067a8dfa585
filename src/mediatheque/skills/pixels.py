"""Pictures for models: decoded once for a run, in a decoder child, and handed over as raw pixels."""

import json
from typing import Any

from mediatheque.ports import Work

SIDE = 1600
"""Small print can still be read at this size; an A4 page has some 140 dots an inch then."""
FILE, SIZE = "pixels.rgb", "pixels.json"


def of(work: Work, side: int = SIDE) -> dict[str, Any]:
    """`path`, `width` and `height` of the picture's pixels, as models take them; one run asks for one size."""
    file, note = work.folder / FILE, work.folder / SIZE
    if not note.exists():
        size = work.decode(
            "mediatheque.skills.pixels_decode:write",
            path=str(work.source), media_type=work.facts.media_type, target=str(file), side=side,
        )  # fmt: skip
        note.write_text(json.dumps(size))
    size = json.loads(note.read_text())
    return {"path": str(file), "width": size["width"], "height": size["height"]}


def read(path: str, width: int, height: int) -> Any:
    """In the process of the models: the pixels as an array of rows. Raises `ValueError` for a file of another size."""
    import numpy as np

    return np.fromfile(path, dtype=np.uint8).reshape(height, width, 3)

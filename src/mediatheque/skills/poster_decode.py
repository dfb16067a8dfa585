"""Runs in a decoder child: a picture of a video or of a PDF."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from mediatheque import errors
from mediatheque.footage import container_format, first_frame, opened

SIDE = 1024
MAX_SCALE = 4.0
PLACES = (0.1, 0.3, 0.5)
"""Where in a video to look, as shares of its duration."""
DARKEST, BRIGHTEST = 20, 235
JUDGED_SIZE = (64, 36)


def take(path: str, media_type: str, target: str) -> None:
    """Write the picture as a PNG of at most 1,024 pixels a side; raises `Malformed`."""
    picture = _page(path) if media_type == "application/pdf" else _frame(path, container_format(media_type))
    picture.thumbnail((SIDE, SIDE))
    picture.save(Path(target), format="PNG", compress_level=1)


def _page(path: str) -> Image.Image:
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            page = document[0]
            scale = min(MAX_SCALE, SIDE / max(1.0, *page.get_size()))
            return page.render(scale=scale).to_pil().convert("RGB")  # type: ignore[no-any-return]
    except pypdfium2.PdfiumError as problem:
        raise errors.Malformed("The page cannot be shown") from problem


def _frame(path: str, form: str) -> Image.Image:
    """The sharpest of a few frames that are neither black nor white; else the first."""
    try:
        with opened(path, form) as container:
            stream, first = first_frame(container)
            candidates = [_upright(first)]
            for place in PLACES if container.duration else ():
                container.seek(int((container.duration or 0) * place))
                candidates += [_upright(frame) for frame in _some(container.decode(stream))]
    except (av.FFmpegError, ValueError) as problem:
        raise errors.Malformed("The video cannot be read") from problem
    return max(candidates, key=_worth)


def _some(frames: Any) -> list[Any]:
    """The next frame; a damaged place has none."""
    try:
        return [next(frames)]
    except (StopIteration, av.FFmpegError):
        return []


def _upright(frame: Any) -> Image.Image:
    picture: Image.Image = frame.to_image()
    picture.thumbnail((SIDE, SIDE))
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def _worth(picture: Image.Image) -> float:
    """Variance of the Laplacian of a small grey copy; less than nothing for one that is all dark or all bright."""
    grey = np.asarray(picture.convert("L").resize(JUDGED_SIZE), dtype=np.float64)
    if not DARKEST < grey.mean() < BRIGHTEST:
        return -1.0
    inner = grey[1:-1, 1:-1]
    laplacian = 4 * inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(laplacian.var())

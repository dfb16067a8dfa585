"""Runs in a decoder child: what can be told from pixels alone, and the small picture that a vision model is shown."""

import base64
from typing import Any

import numpy as np

from mediatheque import raster

LOOKED_AT = 64
SHOWN_SIDE = 768
WHITE = [255, 255, 255]
FLAT_STEP = 3
FLAT_SHARE = 0.55
FEW_COLOURS = 48

HUES = ((20, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (200, "teal"), (255, "blue"), (290, "purple"),
        (345, "pink"), (361, "red"))  # fmt: skip
"""Upper end of each hue in degrees."""


def look(path: str, media_type: str) -> dict[str, Any]:
    """`colours`: (name, share of the pixels), the largest share first; `is_graphic`: flat areas and few colours."""
    with raster.decoding():
        image = raster.reduced(path, media_type, LOOKED_AT)
        if image.hasalpha():
            image = image.flatten(background=WHITE)
        pixels = np.asarray(image.numpy()).reshape(image.height, image.width, -1)[:, :, :3]
    names, counts = np.unique(_named(pixels.reshape(-1, 3)), return_counts=True)
    shares = sorted(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True), key=lambda it: -it[1])
    return {"colours": [[name, round(share, 3)] for name, share in shares], "is_graphic": _is_graphic(pixels)}


def picture(path: str, media_type: str) -> str:
    """The picture as a JPEG of at most SHOWN_SIDE pixels a side in base 64, without any metadata."""
    with raster.decoding():
        image = raster.reduced(path, media_type, SHOWN_SIDE)
        if image.hasalpha():
            image = image.flatten(background=WHITE)
        return base64.b64encode(image.jpegsave_buffer(Q=80, keep="none")).decode("ascii")


def _named(pixels: Any) -> Any:
    """A plain colour name for each pixel."""
    values = pixels.astype(np.float64) / 255
    high, low = values.max(axis=1), values.min(axis=1)
    spread = high - low
    saturation = np.divide(spread, high, out=np.zeros_like(high), where=high > 0)
    hue = _hue(values, high, spread)
    conditions = [high < 0.16, (saturation < 0.13) & (high > 0.88), saturation < 0.13]
    names = ["black", "white", "grey"]
    conditions.append((hue >= 15) & (hue < 45) & (high < 0.62))
    names.append("brown")
    for end, name in HUES:
        conditions.append((hue < end) & (high < 0.45))
        names.append(f"dark {name}")
        conditions.append((hue < end) & (saturation < 0.4) & (high > 0.75))
        names.append(f"light {name}")
        conditions.append(hue < end)
        names.append(name)
    return np.select(conditions, names, "grey")


def _hue(values: Any, high: Any, spread: Any) -> Any:
    red, green, blue = values.T
    safe = np.where(spread == 0, 1, spread)
    hue = np.select(
        [high == red, high == green], [((green - blue) / safe) % 6, (blue - red) / safe + 2], (red - green) / safe + 4
    )
    return np.where(spread == 0, 0, hue * 60)


def _is_graphic(pixels: Any) -> bool:
    steps = np.abs(np.diff(pixels.astype(np.int16), axis=1)).max(axis=2)
    flat = float((steps <= FLAT_STEP).mean()) if steps.size else 1.0
    coarse = np.unique(pixels.reshape(-1, 3) >> 4, axis=0)
    return flat > FLAT_SHARE and len(coarse) <= FEW_COLOURS

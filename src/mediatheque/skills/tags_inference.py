"""Runs in the process of the models: EfficientDet-Lite0 finds things of 80 sorts, EfficientNet-Lite0 names the whole.

The detector comes without its last part: boxes are offsets from anchors, which are laid out here as it was trained
(levels 3 to 7, three sizes and three shapes at each place), and overlapping boxes are one thing.
"""

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from mediatheque.skills import pixels, tags

MIN_SCORE = 0.5
"""Below, both are more often wrong than right."""
MIN_SCENE_SCORE = 0.6
MAX_OBJECTS = 20
OVERLAP = 0.5
DETECTED_SIDE, CLASSIFIED_SIDE = 320, 224
GREY = (127, 127, 127)
GRIDS = (40, 20, 10, 5, 3)
ANCHOR_SCALE, OCTAVES = 3.0, 3
SHAPES = (1.0, 2.0, 0.5)
NOTHING = "???"
DOMINANT = 0.3
"""A thing that fills so much of the picture is what the picture is of: a name for the whole that differs is no help."""


@dataclass(frozen=True)
class Network:
    interpreter: Any
    labels: list[str]

    def run(self, picture: Any) -> list[Any]:
        """The outputs for one picture, as floats."""
        (entrance,) = self.interpreter.get_input_details()
        self.interpreter.set_tensor(entrance["index"], np.asarray(picture, dtype=np.uint8)[np.newaxis])
        self.interpreter.invoke()
        return [_floats(self.interpreter, it) for it in self.interpreter.get_output_details()]


def warm() -> None:
    _network(tags.DETECTOR)
    _network(tags.CLASSIFIER)


def look(path: str, width: int, height: int) -> dict[str, Any]:
    """`objects` and `scene`, as `skills.tags` tells."""
    image = Image.fromarray(pixels.read(path, width, height))
    objects = _objects(image)
    return {"objects": objects, "scene": _scene(image, objects)}


def _objects(image: Image.Image) -> list[dict[str, Any]]:
    network, ratio = _network(tags.DETECTOR), DETECTED_SIDE / max(image.size)
    width, height = (max(1, round(side * ratio)) for side in image.size)
    padded = Image.new("RGB", (DETECTED_SIDE, DETECTED_SIDE), GREY)
    padded.paste(image.resize((width, height), Image.Resampling.BILINEAR))
    scores, offsets = (output[0] for output in network.run(padded))
    best = scores.max(axis=1)
    sure = np.flatnonzero(best >= MIN_SCORE)
    sure = sure[np.argsort(-best[sure])]
    boxes = _boxes(offsets[sure], _anchors()[sure])
    found = [(boxes[at], network.labels[int(scores[sure[at]].argmax())], float(best[sure[at]])) for at in _apart(boxes)]
    size = np.array([width, height, width, height])
    return [
        {"label": label, "confidence": round(score, 3), "box": [round(float(it), 4) for it in (box / size).clip(0, 1)]}
        for box, label, score in found
        if label != NOTHING
    ][:MAX_OBJECTS]


def _scene(image: Image.Image, objects: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The name of the whole, unless one thing fills the picture and is called something else already."""
    network = _network(tags.CLASSIFIER)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((CLASSIFIED_SIDE, CLASSIFIED_SIDE))
    (scores,) = (output[0] for output in network.run(square))
    best = int(scores.argmax())
    score = float(scores[best])
    is_told = any(_area(it["box"]) >= DOMINANT for it in objects)
    if score < MIN_SCENE_SCORE or is_told:
        return None
    return {"label": network.labels[best].lower(), "confidence": round(score, 3)}


def _boxes(offsets: Any, anchors: Any) -> Any:
    """left, top, right, bottom in the detector's pixels."""
    middle = offsets[:, :2] * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(np.minimum(offsets[:, 2:], 10)) * anchors[:, 2:] / 2
    return np.concatenate([(middle - half)[:, ::-1], (middle + half)[:, ::-1]], axis=1)


def _apart(boxes: Any) -> list[int]:
    """Places of the boxes, the surest first, of which each is a thing of its own."""
    kept: list[int] = []
    for place in range(len(boxes)):
        if all(_overlap(boxes[place], boxes[other]) < OVERLAP for other in kept):
            kept.append(place)
    return kept


def _overlap(one: Any, other: Any) -> float:
    common = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    if (common <= 0).any():
        return 0.0
    shared = float(common.prod())
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


@cache
def _anchors() -> Any:
    """Middle (y, x) and size (height, width) of each box that the offsets start from."""
    rows = []
    for grid in GRIDS:
        stride = DETECTED_SIDE / grid
        sizes = [
            (stride * ANCHOR_SCALE * 2 ** (octave / OCTAVES), shape) for octave in range(OCTAVES) for shape in SHAPES
        ]
        for y in range(grid):
            for x in range(grid):
                rows += [
                    ((y + 0.5) * stride, (x + 0.5) * stride, size / shape**0.5, size * shape**0.5)
                    for size, shape in sizes
                ]
    return np.array(rows)


@cache
def _network(file: Path) -> Network:
    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    with zipfile.ZipFile(file) as attached:
        labels = attached.read(attached.namelist()[0]).decode().splitlines()
    return Network(interpreter, labels)


def _floats(interpreter: Any, details: Any) -> Any:
    values = interpreter.get_tensor(details["index"])
    scale, zero = details["quantization"]
    return (values.astype(np.float32) - zero) * scale if scale else values

"""Runs in the process of the models: what EfficientNet-Lite0 knows of a picture before it puts a name to it.

That is 1280 numbers, here brought to as many as the index of vectors has: each is the sum of all of them, with signs
that are drawn by lot once and for ever (random projection; Achlioptas 2003). Likenesses hardly change by it.
"""

import base64
import hashlib
import warnings
from functools import cache
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from mediatheque.skills import pixels, tags

SIDE = 224
FEATURES, DIMENSIONS = 1280, 384
LAYER = "efficientnet-lite0/model/head/AvgPool"


def warm() -> None:
    _network()


def seen(path: str, width: int, height: int) -> str:
    """The picture's vector: length one, float16, little-endian, in base64. Its mirror image has the same."""
    picture = Image.fromarray(pixels.read(path, width, height)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    both = np.asarray(picture), np.asarray(picture)[:, ::-1]
    amounts = _signs() @ np.sqrt(sum(_features(it) for it in both))
    amounts /= np.linalg.norm(amounts) or 1.0
    return base64.b64encode(amounts.astype("<f2").tobytes()).decode()


def _features(picture: Any) -> Any:
    network, layer = _network()
    (entrance,) = network.get_input_details()
    network.set_tensor(entrance["index"], np.ascontiguousarray(picture, dtype=np.uint8)[np.newaxis])
    network.invoke()
    scale, zero = layer["quantization"]
    return (network.get_tensor(layer["index"]).astype(np.float32).ravel() - zero) * scale


@cache
def _network() -> tuple[Any, Any]:
    """The network, which keeps what it computes on the way, and the layer that is wanted of it."""
    with warnings.catch_warnings():  # that some layers are not kept: this one is
        warnings.simplefilter("ignore")
        network = Interpreter(str(tags.CLASSIFIER), num_threads=1, experimental_preserve_all_tensors=True)
    network.allocate_tensors()
    (layer,) = (it for it in network.get_tensor_details() if it["name"] == LAYER)
    return network, layer


@cache
def _signs() -> Any:
    lots = hashlib.shake_256(b"mediatheque looks 1").digest(FEATURES * DIMENSIONS // 8)
    bits = np.unpackbits(np.frombuffer(lots, np.uint8)).reshape(DIMENSIONS, FEATURES)
    return bits.astype(np.float32) * 2 - 1

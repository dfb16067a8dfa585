"""Pictures that the tests make themselves."""

import io
import random

from PIL import Image


def picture(kind: str, width: int = 64, height: int = 48, *, seed: int = 0, **options: object) -> bytes:
    """A picture of coloured noise; another seed is another picture. `kind` and `options` are Pillow's."""
    noise = random.Random(seed).randbytes(16 * 12 * 3)
    image = Image.frombytes("RGB", (16, 12), noise).resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height; raises for bytes that do not decode."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size

"""Photos to upload: 12-megapixel JPEGs, from real photos of the shared corpus where it is there, else made up."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tests.corpus import FOLDER as CORPUS

WIDTH, HEIGHT = 4000, 3000
SOURCES = ("images/gps/*.jpg", "images/orientation/Landscape_*.jpg", "images/jpeg/android_depth_map.jpg")
GRAIN = 6.0
"""Standard deviation of the noise, of 255: what makes a file about as large as a camera's."""


def photos(folder: Path, count: int) -> list[Path]:
    """That many different files of 2 to 5 MB, made once in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"photo-{number:03}.jpg" for number in range(count)]
    scenes = _scenes()
    for number, file in enumerate(files):
        if not file.exists():
            file.write_bytes(_photo(scenes[number % len(scenes)], number))
    return files


def original(folder: Path, size_bytes: int) -> Path:
    """One JPEG of about that size: as wide as it has to be."""
    file = folder / f"original-{size_bytes}.jpg"
    folder.mkdir(parents=True, exist_ok=True)
    scene, side, data = _scenes()[0], 200, b""
    while len(data) < size_bytes:
        side += 20
        data = _encoded(_grained(scene, (side, side * 3 // 4), 0))
    file.write_bytes(data)
    return file


def _photo(scene: Image.Image, seed: int) -> bytes:
    return _encoded(_grained(scene, (WIDTH, HEIGHT), seed))


def _grained(scene: Image.Image, size: tuple[int, int], seed: int) -> Image.Image:
    """The scene at that size with a grain of its own, so that no two files are the same."""
    enlarged = np.asarray(scene.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = np.random.default_rng(seed).standard_normal((size[1], size[0], 1), dtype=np.float32) * GRAIN
    return Image.fromarray(np.clip(enlarged + grain, 0, 255).astype(np.uint8))


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return file.getvalue()


def _scenes() -> list[Image.Image]:
    files = sorted(file for pattern in SOURCES for file in CORPUS.glob(pattern) if file.stat().st_size > 100_000)
    return [Image.open(file).convert("RGB") for file in files] or [_gradient(seed) for seed in range(8)]


def _gradient(seed: int) -> Image.Image:
    """Soft shapes of colour."""
    noise = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC)

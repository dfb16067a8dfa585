"""CPU milliseconds for a 12 megapixel JPEG: probe, and variants with hashes beside a bare pyvips loop making the same.

Run: python benchmarks/decoding.py [photo.jpg]
"""

import hashlib
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("VIPS_CONCURRENCY", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyvips
from blurhash_rs import blurhash_encode
from PIL import Image

from mediatheque.decoder import Decoders

ROUNDS = 15
SIZES = {"large": 1024, "medium": 750, "small": 256, "tiny": 64}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photo = sys.argv[1] if len(sys.argv) > 1 else made_photo(Path(folder) / "photo.jpg")
        bare = median_ms(lambda: bare_loop(photo, folder), resource.RUSAGE_SELF)
        ours = child_ms(lambda decoders: variants(decoders, photo, folder))
        probe = child_ms(lambda decoders: decoders.run("mediatheque.kinds.image_probe:probe", path=photo))
    print(f"probe {probe:.2f} ms, variants and hashes {ours:.1f} ms, bare loop {bare:.1f} ms, ratio {ours / bare:.3f}")


def bare_loop(photo: str, folder: str) -> None:
    strict = f"{photo}[fail_on=truncated]"
    image = pyvips.Image.thumbnail(strict, 1024, height=1024, size="down", output_profile="srgb").copy_memory()
    for name, side in SIZES.items():
        if max(image.width, image.height) > side:
            image = image.thumbnail_image(side, height=side, size="down").copy_memory()
        image.write_to_file(f"{folder}/{name}.webp", Q=80, effort=2, keep="none")
        if name == "small":
            image.write_to_file(f"{folder}/thumbnail.jpg", Q=80, keep="none")
    blurhash_encode(Image.frombytes("RGB", (image.width, image.height), image.write_to_memory()), 4, 3)
    hashlib.sha256(Path(photo).read_bytes()).hexdigest()


def variants(decoders: Decoders, photo: str, folder: str) -> None:
    decoders.run("mediatheque.skills.variants_decode:make", path=photo, media_type="image/jpeg", folder=folder)
    hashlib.sha256(Path(photo).read_bytes()).hexdigest()


def median_ms(work: Callable[[], None], who: int) -> float:
    work()
    times = []
    for _ in range(ROUNDS):
        before = cpu_seconds(who)
        work()
        times.append(cpu_seconds(who) - before)
    return statistics.median(times) * 1000


def child_ms(work: Callable[[Decoders], object]) -> float:
    """One call's cost in parent and child: what ROUNDS more calls cost in a child's whole life."""
    costs = []
    for rounds in (1, ROUNDS + 1):
        decoders = Decoders(1)
        before = cpu_seconds(resource.RUSAGE_CHILDREN) + cpu_seconds(resource.RUSAGE_SELF)
        for _ in range(rounds):
            work(decoders)
        decoders.close()
        costs.append(cpu_seconds(resource.RUSAGE_CHILDREN) + cpu_seconds(resource.RUSAGE_SELF) - before)
    return (costs[1] - costs[0]) / ROUNDS * 1000


def cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def made_photo(path: Path) -> str:
    """4032 x 3024 pixels of smooth structure with sensor-like noise."""
    rows, columns = np.mgrid[0:3024, 0:4032] / 4032
    waves = [np.sin(9 * columns + 4 * rows), np.cos(15 * columns * rows + 2), np.sin(7 * rows) * np.cos(5 * columns)]
    noise = np.random.default_rng(1).normal(0, 6, (3024, 4032, 1))
    pixels = 127 + 110 * np.stack(waves, axis=-1) + noise
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return str(path)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"took {time.monotonic() - started:.0f} s")

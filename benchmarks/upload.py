"""Many small files in: `mediatheque upload` beside `curl` in a loop, file by file, on the same server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tests.support import Server

from benchmarks.report import Figure, at_least
from benchmarks.server import ADMIN_KEY, serving

QUICK, USUAL = 200, 1000
SIZE = (48, 48)
MANY = int(os.environ.get("BENCHMARK_UPLOADS", "0"))
"""Another number of files, such as the 10,000 of a large folder."""


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    count = MANY or (QUICK if quick else USUAL)
    files = {name: pictures(folder / name, count, seed) for seed, name in enumerate(("ours", "curl"))}
    with serving(folder / "upload" / "data", "--no-workers") as server:
        ours = count / _upload(server, files["ours"])
        curl = count / _curl(server, sorted(files["curl"].iterdir()))
        again = count / _upload(server, files["ours"], sends=False)
    yield Figure(f"Upload of {count} small files", ours, "files/s", curl, "curl in a loop", at_least(1, of="ratio"))
    yield Figure(f"The same {count} again, none sent", again, "files/s", ours, "the first time")


def pictures(folder: Path, count: int, seed: int) -> Path:
    """A folder with that many different pictures of some kilobytes."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    for number in range(count):
        pixels = dice.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05}.png", compress_level=1)
    return folder


def _upload(server: Server, folder: Path, *, sends: bool = True) -> float:
    command = [sys.executable, "-m", "mediatheque", "upload", str(folder), "--json"]
    environment = os.environ | {
        "MEDIATHEQUE_URL": server.url,
        "MEDIATHEQUE_API_KEY": ADMIN_KEY,
        "MEDIATHEQUE_STATE_DIR": str(folder.parent / "state"),
    }
    started = time.perf_counter()
    told = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    elapsed = time.perf_counter() - started
    assert told["sent" if sends else "known"] == told["found"], told
    return elapsed


def _curl(server: Server, files: Sequence[Path]) -> float:
    place = f"{server.url}/api/v2/user-files/upload/stream"
    started = time.perf_counter()
    for file in files:
        command = ["curl", "-sf", "-o", "/dev/null", "-H", f"Authorization: Bearer {ADMIN_KEY}", "-F", f"file=@{file}"]
        subprocess.run([*command, place], check=True)
    return time.perf_counter() - started

"""One large file in: streamed, hashed and synced by the store, beside a bare loop that hashes, writes and syncs."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.report import Figure, at_least, at_most, interleaved
from mediatheque.core.staging import Staged
from mediatheque.stores.local import LocalStore

PIECE = os.urandom(1 << 20)
MEBIBYTE = 1 << 20


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    size = (256 if quick else 2048) * MEBIBYTE
    store = LocalStore(folder / "stream" / "objects")
    store.mark()
    name = f"{size >> 20} MiB streamed"
    rates = interleaved(
        2 if quick else 3, ours=lambda: _rate(size, _ours(store, size)), limit=lambda: _rate(size, _bare(folder, size))
    )
    yield Figure(name, rates["ours"], "MB/s", rates["limit"], "hash + write + fsync", at_least(0.9, of="ratio"))
    yield Figure(f"{name}, memory above idle", _grown(folder, size), "MiB", goal=at_most(120))


def _ours(store: LocalStore, size: int) -> float:
    started = time.perf_counter()
    with Staged(store.staging, size) as staged:
        for _ in range(size // len(PIECE)):
            staged.write(PIECE)
        assert len(staged.sha256) == 64
        store.put(staged.path, "uploads/benchmark/stream/file")
    elapsed = time.perf_counter() - started
    store.delete("uploads/benchmark/stream/file")
    return elapsed


def _bare(folder: Path, size: int) -> float:
    path, digest = folder / "stream" / "bare", hashlib.sha256()
    started = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(size // len(PIECE)):
            digest.update(PIECE)
            file.write(PIECE)
        os.fsync(file.fileno())
    elapsed = time.perf_counter() - started
    path.unlink()
    return elapsed


def _rate(size: int, seconds: float) -> float:
    return size / 1e6 / seconds


def _grown(folder: Path, size: int) -> float:
    """By how many MiB a process of its own grows while the file streams through it."""
    command = [sys.executable, "-m", "benchmarks.stream", str(folder / "stream" / "objects"), str(size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _status(name: str) -> int:
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0])


if __name__ == "__main__":
    opened = LocalStore(Path(sys.argv[1]))
    idle = _status("VmRSS")
    _ours(opened, int(sys.argv[2]))
    print((_status("VmHWM") - idle) / 1024)

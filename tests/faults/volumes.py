"""Small and read-only file systems, where the machine lets us mount them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST_PIECE_BYTES = 64 << 10


@contextmanager
def volume(folder: Path, size_mb: int) -> Iterator[Path]:
    """A tmpfs of that size at `folder`; skips the test when this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _mount("-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(folder))
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(folder: Path, *, read_only: bool = True) -> None:
    made = _mount("-o", "remount,ro" if read_only else "remount,rw", str(folder))
    assert made.returncode == 0, made.stderr


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No room at all in the file system of `folder` inside the block."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = BALLAST_PIECE_BYTES
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield
    finally:
        ballast.unlink()


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True)

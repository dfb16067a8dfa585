"""What was made of pictures on demand: files of this machine, as many as there is room for, which can be made again."""

import hashlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from mediatheque.core.media import Served
from mediatheque.errors import Unavailable, file_meanings

STORE = "derivatives"
KEPT_SHARE = 0.8
"""Of the room, once there is none left and what was not used for longest goes."""
LOOK_AFTER = 64
"""Files that one process writes before it looks how full it is: others write, too."""
PIECE_BYTES = 1 << 20
MAX_WAITING = 8
"""Requests of one process for what is not made yet."""


class Derivatives:
    """`limit_bytes` may be exceeded by what is written between two looks."""

    hands_over = False

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._written = LOOK_AFTER

    def find(self, asset: UUID, name: str, make: Callable[[Path], None]) -> Path:
        """The file of that name about that asset, made first by whoever asks first; raises what `make` raises."""
        file = self._folder / asset.hex / name
        if not _used(file):
            with self._place(), self._turn(str(file)):
                if not _used(file):
                    self._make(file, make)
        return file

    def forget(self, asset: UUID) -> None:
        """The asset is gone, and with it all that was made of it."""
        shutil.rmtree(self._folder / asset.hex, ignore_errors=True)

    def assets(self) -> Iterator[UUID]:
        """Of which there is something."""
        with suppress(FileNotFoundError):
            for folder in self._folder.iterdir():
                with suppress(ValueError):
                    yield UUID(folder.name)

    def whole(self, served: Served) -> bytes:
        """All bytes, held against the hash; raises `Unavailable` for what was evicted meanwhile."""
        with file_meanings(absent=Unavailable):
            body = Path(served.key).read_bytes()
        if hashlib.sha256(body).hexdigest() != served.sha256:
            raise Unavailable(retry_after_seconds=1)
        return body

    def pieces(self, served: Served, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with file_meanings(absent=Unavailable), Path(served.key).open("rb") as file:
            file.seek(start)
            left = (served.size_bytes if end is None else end) - start
            while left > 0 and (piece := file.read(min(left, PIECE_BYTES))):
                left -= len(piece)
                yield piece

    def proxied(self, served: Served) -> str | None:  # noqa: ARG002
        """None: a proxy in front sees none of these."""
        return None

    def path(self, served: Served) -> Path | None:  # noqa: ARG002
        """None: it may be evicted before it is opened."""
        return None

    def _make(self, file: Path, make: Callable[[Path], None]) -> None:
        with file_meanings(absent=Unavailable):
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=file.parent)
            os.close(descriptor)
            try:
                make(Path(draft))
                Path(draft).rename(file)
            finally:
                Path(draft).unlink(missing_ok=True)
        with self._lock:
            self._written += 1
            is_due = self._written >= LOOK_AFTER
            self._written = 0 if is_due else self._written
        if is_due:
            self._make_room(keep={file})

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Raises `Unavailable` when so many wait that others would get no thread."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after_seconds=1)
        try:
            yield
        finally:
            self._places.release()

    def _turn(self, name: str) -> threading.Lock:
        with self._lock:
            if len(self._making) > LOOK_AFTER:
                self._making = {key: lock for key, lock in self._making.items() if lock.locked()}
            return self._making.setdefault(name, threading.Lock())

    def _make_room(self, keep: Collection[Path]) -> None:
        """Let go of what was not used for longest, when there is too much."""
        files = sorted(_listed(self._folder))
        total = sum(size for _, size, _ in files)
        if total <= self._limit_bytes:
            return
        for _, size, file in files:
            if total <= self._limit_bytes * KEPT_SHARE:
                break
            if file not in keep:
                file.unlink(missing_ok=True)
                total -= size
                with suppress(OSError):
                    file.parent.rmdir()  # when it is empty


def _used(file: Path) -> bool:
    """Whether it is there; that it was asked for now is noted."""
    try:
        os.utime(file)
    except FileNotFoundError:
        return False
    return True


def _listed(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(when it was used last, size, file)."""
    for file in folder.glob("*/*"):
        with suppress(FileNotFoundError):
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                yield status.st_mtime, status.st_size, file

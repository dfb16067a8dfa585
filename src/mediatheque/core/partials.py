"""Files that grow while their bytes come in, one for each resumable upload; they outlive every process."""

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from mediatheque.errors import Gone, Locked, file_meanings

_COPIED_BYTES = 8 << 20


class Growing:
    """One of these files, locked against everybody else until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with file_meanings(absent=Gone):
            self._file = path.open("r+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise Locked("Another request is writing to this upload") from None

    def cut(self, size_bytes: int) -> None:
        """Forget what lies beyond, and go on from there; raises `Gone` when there is less."""
        with file_meanings():
            if os.fstat(self._file.fileno()).st_size < size_bytes:
                raise Gone
            self._file.truncate(size_bytes)
            self._file.seek(size_bytes)

    def write(self, piece: bytes) -> None:
        view = memoryview(piece)
        with file_meanings():
            while view:
                view = view[self._file.write(view) :]

    def append(self, other: Path) -> None:
        with file_meanings(absent=Gone), other.open("rb", buffering=0) as source:
            while piece := source.read(_COPIED_BYTES):
                self.write(piece)

    def sync(self) -> None:
        """What was written is on disk when this returns."""
        with file_meanings():
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class Partials:
    """The folder of these files; it belongs to one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, uuid: UUID) -> Path:
        return self._folder / str(uuid)

    def make(self, uuid: UUID) -> None:
        """An empty file, durable when this returns."""
        with file_meanings():
            self._folder.mkdir(parents=True, exist_ok=True)
            self.path(uuid).touch()
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def open(self, uuid: UUID) -> Growing:
        """Raises `Gone` when it is not on this machine, `Locked`."""
        return Growing(self.path(uuid))

    def remove(self, uuid: UUID) -> None:
        with file_meanings():
            self.path(uuid).unlink(missing_ok=True)

    def sweep(self, living: Callable[[Sequence[UUID]], set[UUID]], oldest: float) -> None:
        """Remove those that no upload under way needs and that nobody touched since `oldest` (seconds)."""
        if not self._folder.is_dir():
            return
        with file_meanings():
            found = [UUID(it.name) for it in self._folder.iterdir() if _touched_at(it) < oldest]
        for uuid in set(found) - living(found):
            with suppress(Locked, Gone):
                growing = self.open(uuid)
                self.remove(uuid)
                growing.close()


def _touched_at(file: Path) -> float:
    with suppress(FileNotFoundError):
        return file.stat().st_mtime
    return float("inf")

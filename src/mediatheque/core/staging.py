"""Bytes on their way in: a temporary file that is hashed and held against its limit while it is written."""

import errno
import fcntl
import hashlib
import io
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from mediatheque import faults
from mediatheque.errors import TooLarge, Unavailable, file_meanings

PREFIX = "upload-"
_PIECE_BYTES = 1 << 20


class Staged:
    """One temporary file; leaving the `with` block removes it unless a store has taken it over."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        with file_meanings(absent=Unavailable):
            descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # until it is closed, nobody takes the file for a leftover
        self.path = Path(name)
        faults.place("upload.staged")
        self.size_bytes = 0
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._file: io.FileIO = open(descriptor, "wb", buffering=0)  # noqa: SIM115, PTH123

    def write(self, piece: bytes | bytearray) -> None:
        """Append; raises `TooLarge` at the first byte beyond the limit, `StorageFull` when the disk is full."""
        if self.size_bytes + len(piece) > self._max_bytes:
            raise TooLarge
        self._hash.update(piece)
        view = memoryview(piece)
        with file_meanings(absent=Unavailable):
            faults.place("store.write")
            while view:
                view = view[self._file.write(view) :]
        self.size_bytes += len(piece)

    def link(self, file: Path) -> None:
        """Be another name of this file, which nobody changes any more, or a copy on another disk.

        Raises as `write` does, and `NotFound`.
        """
        with file_meanings():
            linked = file.open("rb", buffering=0)
            with suppress(BlockingIOError):  # before it gets its name here: see above; else the caller holds it
                fcntl.flock(linked, fcntl.LOCK_SH | fcntl.LOCK_NB)
            try:
                name = self.path.with_suffix(".link")
                os.link(file, name)
                name.replace(self.path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy(linked)
                return
        self._file.close()
        self._file = linked
        with file_meanings():
            while piece := linked.read(_PIECE_BYTES):
                self.size_bytes += len(piece)
                if self.size_bytes > self._max_bytes:
                    raise TooLarge
                self._hash.update(piece)

    def _copy(self, source: io.FileIO) -> None:
        with source:
            while piece := source.read(_PIECE_BYTES):
                self.write(piece)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

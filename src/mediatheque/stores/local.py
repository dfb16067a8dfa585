"""A folder as a store: a key is a path below it, and what was put is on disk before the call returns."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mediatheque.errors import NotFound, file_meanings
from mediatheque.ports import StoredObject, StoreType

PIECE_BYTES = 1 << 20

_STAGING = ".staging"


class LocalStore:
    """Objects below `root`; temporary files lie in the same file system, so that a rename makes an object appear."""

    name = "local"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.staging = self.root / _STAGING
        with file_meanings():
            self.staging.mkdir(parents=True, exist_ok=True)

    def put(self, staged: Path, key: str) -> None:
        """Sync the file, rename it to its key, sync every folder whose entries changed."""
        target = self._file(key)
        with file_meanings():
            _sync(staged)
            new_folders = _make_folders(target.parent)
            staged.rename(target)
            for folder in (target.parent, *new_folders):
                _sync(folder)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with file_meanings(), self._file(key).open("rb", buffering=0) as file:
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def size(self, key: str) -> int:
        with file_meanings():
            return self._file(key).stat().st_size

    def delete(self, key: str) -> None:
        file = self._file(key)
        with file_meanings():
            file.unlink(missing_ok=True)
            # The blob's own folder goes with its last object; not empty is fine. Folders above are shared with writers.
            with suppress(OSError):
                file.parent.rmdir()

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != _STAGING]
            for name in files:
                file = Path(folder, name)
                key = file.relative_to(self.root).as_posix()
                if key.startswith(prefix):
                    with suppress(FileNotFoundError):
                        status = file.stat()
                        yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def path(self, key: str) -> Path | None:
        return self._file(key)

    def check(self) -> None:
        probe = self.staging / f".check-{os.getpid()}"
        with file_meanings():
            probe.write_bytes(b"")
            probe.unlink()

    def _file(self, key: str) -> Path:
        parts = key.split("/")
        if not key or any(part in {"", ".", "..", _STAGING} for part in parts):
            raise NotFound
        return self.root.joinpath(*parts)


def _make_folders(folder: Path) -> list[Path]:
    """Make the missing folders; returns those whose entries changed, nearest first."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
    return [new.parent for new in missing]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


STORE = StoreType("file", lambda url: LocalStore(Path(unquote(urlsplit(url).path))))

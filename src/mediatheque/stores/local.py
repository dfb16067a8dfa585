"""A folder as a store: a key is a path below it, and what was put is on disk before the call returns."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mediatheque import faults
from mediatheque.errors import NotFound, Unavailable, file_meanings
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
        """Sync the file, rename it to its key, sync every folder whose entries changed; or leave no object at all."""
        target = self._file(key)
        with file_meanings(absent=Unavailable):
            _sync(staged)
            faults.place("store.synced")
            try:
                new_folders = _rename(staged, target)
                faults.place("store.renamed")
                for folder in (target.parent, *new_folders):
                    _sync(folder)
                faults.place("store.put")
            except OSError:
                with suppress(OSError):  # the sweeper finds what a failing disk keeps
                    _remove(target)
                raise

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
        if key.startswith(f"{_STAGING}/"):
            self._remove_leftover(self.staging / Path(key).name)
            return
        with file_meanings():
            _remove(self._file(key))

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

    def leftovers(self) -> Iterator[StoredObject]:
        for entry in self.staging.iterdir():
            with suppress(FileNotFoundError):
                if _is_in_use(entry):
                    continue
                status = entry.stat()
                modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredObject(f"{_STAGING}/{entry.name}", status.st_size, modified_at)

    def path(self, key: str) -> Path | None:
        return self._file(key)

    def check(self) -> None:
        probe = self.staging / f".check-{os.getpid()}"
        with file_meanings(absent=Unavailable):
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)  # another request of this process may have been faster

    def _remove_leftover(self, leftover: Path) -> None:
        with file_meanings():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", "..", _STAGING} for part in parts) or "\0" in key:
            raise NotFound
        return self.root.joinpath(*parts)


def _is_in_use(entry: Path) -> bool:
    """Whether a living process holds its lock on the file or folder."""
    descriptor = os.open(entry, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _rename(staged: Path, target: Path) -> list[Path]:
    """Give the file its name, in folders that may have to be made; returns those whose entries changed, but its own."""
    while True:
        new_folders = _make_folders(target.parent)
        try:
            staged.rename(target)
        except FileNotFoundError:
            if not staged.exists():
                raise
            continue  # the deletion of a neighbour took the empty folder away
        return new_folders


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    # The blob's own folder goes with its last object; not empty is fine. Folders above are shared with writers.
    with suppress(OSError):
        file.parent.rmdir()


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
        faults.place("store.sync")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


STORE = StoreType("file", lambda url: LocalStore(Path(unquote(urlsplit(url).path))))

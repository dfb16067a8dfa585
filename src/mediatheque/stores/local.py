"""A folder as a store: a key is a path below it, and what was put is on disk before the call returns.

A marker in the folder says that it is the store: without it an empty folder may be a place where nothing is mounted.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, Field

from mediatheque import faults
from mediatheque.errors import Invalid, NotFound, Unavailable, file_meanings
from mediatheque.ports import Capabilities, Opening, Provider, Site, Store, StoredObject, StoreType
from mediatheque.stores.leftovers import STAGING, is_leftover, leftovers, remove_leftover
from mediatheque.stores.schema import BaseUrl

PIECE_BYTES = 1 << 20
MARKER = ".mediatheque"
MARKED = (
    "Mediatheque keeps objects in this folder; without this file it takes the folder for one that is not mounted.\n"
)
UNMARKED = f"The folder of the store has no {MARKER} in it: is its volume mounted?"


class LocalStore:
    """Objects below `root`; temporary files lie in the same file system, so that a rename makes an object appear."""

    key_prefix = ""

    def __init__(self, root: Path, *, name: str = "local", public_base_url: str | None = None) -> None:
        self.name = name
        self.root = root.absolute()
        self._public_base_url = public_base_url
        self.staging = self.root / STAGING
        self._marker = self.root / MARKER
        with file_meanings():
            self.staging.mkdir(parents=True, exist_ok=True)

    def is_marked(self) -> bool:
        with file_meanings():
            return self._marker.exists()

    def mark(self) -> None:
        draft = self.staging / f"{MARKER}-{os.getpid()}"
        with file_meanings(absent=Unavailable):
            draft.write_text(MARKED)
            _sync(draft)
            draft.replace(self._marker)
            _sync(self.root)

    def put(self, staged: Path, key: str, *, message: str | None = None) -> None:  # noqa: ARG002
        """Sync the file, rename it to its key, sync every folder whose entries changed; or leave no object at all."""
        target = self._file(key)
        self._demand_marker()
        with file_meanings(absent=Unavailable):
            staged = self._on_own_disk(staged)
            _sync(staged)
            faults.place("store.synced")
            try:
                new_folders = _rename(staged, target)
                faults.place("store.renamed")
                self._sync_own(target.parent)
                for folder in new_folders:
                    _sync(folder)
                faults.place("store.put")
            except OSError:
                with suppress(OSError):  # the sweeper finds what a failing disk keeps
                    _remove(target)
                raise

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with self._absence_told(), self._file(key).open("rb", buffering=0) as file:
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def size(self, key: str) -> int:
        with self._absence_told():
            return self._file(key).stat().st_size

    def delete(self, key: str, *, message: str | None = None) -> None:  # noqa: ARG002
        if is_leftover(key):
            remove_leftover(self.staging, key)
            return
        file = self._file(key)
        self._demand_marker()
        with file_meanings():
            _remove(file)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        self._demand_marker()
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != STAGING]
                files[:] = [name for name in files if name != MARKER]
            for name in files:
                file = Path(folder, name)
                key = file.relative_to(self.root).as_posix()
                if key.startswith(prefix):
                    with suppress(FileNotFoundError):
                        status = file.stat()
                        yield StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def leftovers(self) -> Iterator[StoredObject]:
        return leftovers(self.staging)

    def path(self, key: str) -> Path | None:
        return self._file(key)

    def check(self) -> None:
        if not self.is_marked():
            raise Unavailable(UNMARKED)
        probe = self.staging / f".check-{os.getpid()}"
        with file_meanings(absent=Unavailable):
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)  # another request of this process may have been faster

    def public_url(self, key: str) -> str | None:
        return None if self._public_base_url is None else f"{self._public_base_url}/{quote(key)}"

    def _demand_marker(self) -> None:
        if not self.is_marked():
            raise Unavailable

    @contextmanager
    def _absence_told(self) -> Iterator[None]:
        """What is not there is `NotFound`, unless the whole store may not be there: then nobody knows."""
        try:
            with file_meanings():
                yield
        except NotFound:
            self._demand_marker()
            raise

    def _on_own_disk(self, staged: Path) -> Path:
        """The staged file, moved to where a rename can make an object of it."""
        if staged.parent == self.staging or staged.stat().st_dev == self.staging.stat().st_dev:
            return staged
        copy = self.staging / staged.name
        shutil.copyfile(staged, copy)
        staged.unlink()
        return copy

    def _sync_own(self, folder: Path) -> None:
        """An object's own folder goes with the object: should it be gone, somebody has deleted that already."""
        try:
            _sync(folder)
        except FileNotFoundError:
            self._demand_marker()

    def _file(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", "..", STAGING} for part in parts) or parts[0] == MARKER or "\0" in key:
            raise NotFound
        return self.root.joinpath(*parts)


def _rename(staged: Path, target: Path) -> list[Path]:
    """Give the file its name, in folders that may have to be made; returns those whose entries changed, but its own."""
    while True:
        try:
            new_folders = _make_folders(target.parent)
            staged.rename(target)
        except (FileExistsError, FileNotFoundError):
            if not staged.exists() or any(above.is_file() for above in target.parents):
                raise
            continue  # the deletion of a neighbour took an empty folder away
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


class Configuration(BaseModel):
    """A profile's folder; a relative path is below the data folder."""

    root_path: str = Field(min_length=1, max_length=1024)
    create_directory_if_missing: bool = True
    public_base_url: BaseUrl | None = None


def _root(opening: Opening) -> Path:
    path: Path = opening.site.data_dir / opening.configuration.root_path
    return path.resolve()


def _check(opening: Opening) -> None:
    """Below the data folder or a folder of `MEDIATHEQUE_LOCAL_ROOTS` (contract, 7), and apart from our own files."""
    root, site = _root(opening), opening.site
    own = site.data_dir.resolve()
    allowed = own in root.parents or any(root.is_relative_to(it.resolve()) for it in site.local_roots)
    if not allowed:
        raise _refusal("The folder must lie below the data folder or one of MEDIATHEQUE_LOCAL_ROOTS")
    inner = site.staging.resolve().parent
    if root.is_relative_to(inner) or (inner != own and inner.is_relative_to(root)) or own.is_relative_to(root):
        raise _refusal("The folder belongs to the server's own storage")
    try:
        is_there = root.is_dir()
    except OSError as error:
        raise _refusal(f"The folder cannot be looked for: {error.strerror}") from error
    if not opening.configuration.create_directory_if_missing and not is_there:
        raise _refusal("The folder does not exist")


def _refusal(message: str) -> Invalid:
    return Invalid(message, field=("root_path",), kind="invalid")


def _open_profile(opening: Opening) -> Store:
    _check(opening)
    return LocalStore(_root(opening), name=opening.name, public_base_url=opening.configuration.public_base_url)


def _open_url(url: str, site: Site) -> Store:  # noqa: ARG001
    return LocalStore(Path(unquote(urlsplit(url).path)))


STORE = StoreType(
    "file",
    _open_url,
    Provider(
        kind="local",
        capabilities=Capabilities(requires_access_proxy=True, recommended_for_primary_storage=True),
        configuration=Configuration,
        secrets=None,
        open=_open_profile,
        check=_check,
    ),
)

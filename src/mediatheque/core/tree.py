"""A tenant's tree of folders: made, moved, emptied and removed (contract, 3.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid4

from mediatheque.core import names
from mediatheque.core.files import FilePage, Files
from mediatheque.core.generations import Generations
from mediatheque.core.idempotency import Remembering
from mediatheque.core.trash import Trash
from mediatheque.errors import Conflict, Invalid, NotFound
from mediatheque.filing import FileFilter, Folder, Order
from mediatheque.model import Actor, Asset, State
from mediatheque.records import assets, folders, tallies
from mediatheque.records.engine import Database, Tx

BATCH = 200
"""Files that go into the trash in one transaction."""


class Emptying(StrEnum):
    """What becomes of what lies in a folder that is removed."""

    MOVE_TO_PARENT = "move_to_parent"
    DELETE_ALL = "delete_all"


@dataclass(frozen=True, slots=True)
class Counted:
    """A folder with the numbers of files and folders directly in it."""

    folder: Folder
    files: int
    subfolders: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder with what leads to it, and a page of what lies in it."""

    it: Counted
    way: list[Folder]
    subfolders: list[Counted]
    files: FilePage


@dataclass(frozen=True, slots=True)
class Removed:
    files: int
    subfolders: int


class Tree:
    def __init__(self, database: Database, files: Files, trash: Trash, generations: Generations) -> None:
        self._database = database
        self._files = files
        self._trash = trash
        self._generations = generations

    def all(self, actor: Actor) -> list[Counted]:
        """Every folder, in the order of the paths."""
        with self._database.read() as tx:
            counts = folders.counts(tx, actor.tenant_id)
            return [Counted(it, *counts.get(it.id, (0, 0))) for it in folders.of_tenant(tx, actor.tenant_id)]

    def make(
        self, actor: Actor, name: str, parent: UUID | None, *, remembering: Remembering[Counted] | None = None
    ) -> Counted:
        """A new folder. Raises `NotFound` of the parent, `Invalid` below the tenth level, `Conflict` of the name."""
        name = names.folder_name(name)
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            above = _folder(tx, actor, parent) if parent else None
            path = _path(above, name)
            uuid, now = uuid4(), datetime.now(UTC)
            _refuse_taken(tx, actor, path)
            folders.add_named(tx, actor.tenant_id, uuid, above.id if above else None, name, path, now)
            made = Counted(_folder(tx, actor, uuid), 0, 0)
            if remembering:
                remembering.keep(tx, made)
        return made

    def open(self, actor: Actor, uuid: UUID, *, skip: int, limit: int) -> Opened:
        """Raises `NotFound`."""
        with self._database.read() as tx:
            it = _folder(tx, actor, uuid)
            inside = folders.children_of(tx, it, actor.tenant_id)
            counts = folders.counts(tx, actor.tenant_id, [one.id for one in (it, *inside)])
            held = self._files.within(tx, actor, FileFilter(), Order(), it.id, skip=skip, limit=limit)
            way = folders.above(tx, it, actor.tenant_id)
            subfolders = [Counted(one, *counts.get(one.id, (0, 0))) for one in inside]
            return Opened(Counted(it, *counts.get(it.id, (0, 0))), way, subfolders, held)

    def way(self, actor: Actor, uuid: UUID) -> list[Folder]:
        """The folders from the root down to this one; raises `NotFound`."""
        with self._database.read() as tx:
            return folders.above(tx, _folder(tx, actor, uuid), actor.tenant_id)

    def rename(self, actor: Actor, uuid: UUID, name: str) -> Counted:
        """Raises `NotFound`, `Invalid`, `Conflict` when the level has a folder of that name."""
        name = names.folder_name(name)
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            it = _folder(tx, actor, uuid)
            above = folders.above(tx, it, actor.tenant_id)[:-1]
            self._place(tx, actor, it, above[-1] if above else None, name)
            return _counted(tx, actor, uuid)

    def move(self, actor: Actor, uuid: UUID, parent: UUID | None) -> Counted:
        """Put a folder with all that is in it below another, or (None) at the root.

        Raises `NotFound`, `Conflict`, and `Invalid` for a place within itself or below the tenth level.
        """
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            it = _folder(tx, actor, uuid)
            above = _folder(tx, actor, parent) if parent else None
            if above is not None and f"{above.path}/".startswith(f"{it.path}/"):
                raise Invalid("A folder cannot be moved into itself", field=("new_parent_id",), kind="cycle")
            self._place(tx, actor, it, above, it.name)
            return _counted(tx, actor, uuid)

    def remove(self, actor: Actor, uuid: UUID, emptying: Emptying) -> Removed:
        """Remove a folder; how many files and folders that concerned. Raises `NotFound`, and `Conflict` when a folder
        that would move up meets one of its name."""
        if emptying is Emptying.MOVE_TO_PARENT:
            return self._dissolve(actor, uuid)
        files = 0
        while True:
            discarded, subfolders = self._discard_some(actor, uuid)
            files += discarded
            if subfolders is not None:
                return Removed(files, subfolders)

    def move_files(self, actor: Actor, uuids: Sequence[UUID], folder: UUID | None) -> int:
        """Put files into a folder, or (None) into none; how many were there to be moved. Raises `NotFound`."""
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            into = _folder(tx, actor, folder).id if folder else None
            found = [assets.lock(tx, uuid, actor.tenant_id) for uuid in sorted(set(uuids))]
            there = [it for it in found if it is not None]
            for it in there:
                _refile(tx, it, into)
        return len(there)

    def _place(self, tx: Tx, actor: Actor, it: Folder, above: Folder | None, name: str) -> None:
        path = _path(above, name)
        if path == it.path:
            return
        _refuse_taken(tx, actor, path)
        for one in folders.below(tx, it, actor.tenant_id):
            _check_depth(path + one.path.removeprefix(it.path))
        folders.place(tx, it, actor.tenant_id, above.id if above else None, name, path, datetime.now(UTC))

    def _dissolve(self, actor: Actor, uuid: UUID) -> Removed:
        """What lies in the folder goes one level up."""
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            it = _folder(tx, actor, uuid)
            folders.claim(tx, [it.id])
            way = folders.above(tx, it, actor.tenant_id)
            parent = way[-2] if len(way) > 1 else None
            inside = folders.children_of(tx, it, actor.tenant_id)
            folders.park(tx, it)
            for one in sorted(inside, key=lambda one: one.name == it.name):  # last, as it takes this one's place
                self._place(tx, actor, one, parent, one.name)
            files = sum(tallies.counts_of(tx, actor.tenant_id, it.id).values())
            folders.empty(tx, actor.tenant_id, [it.id], parent.id if parent else None)
            folders.remove(tx, [it.id])
        return Removed(files, len(inside))

    def _discard_some(self, actor: Actor, uuid: UUID) -> tuple[int, int | None]:
        """Put files below a folder into the trash; when it has no more, the folders go, and their number is told."""
        objects, subfolders = [], None
        with self._database.write() as tx:
            folders.lock_tree(tx, actor.tenant_id)
            it = _folder(tx, actor, uuid)
            below = folders.below(tx, it, actor.tenant_id)
            ids = [one.id for one in (it, *below)]
            folders.claim(tx, ids)
            uuids = folders.files_in(tx, ids, BATCH)
            for one in uuids:
                asset = assets.lock(tx, one, actor.tenant_id)
                if asset is not None:
                    objects += self._trash.take(tx, asset, datetime.now(UTC))
            if len(uuids) < BATCH:
                folders.empty(tx, actor.tenant_id, ids, None)
                folders.remove(tx, ids)
                subfolders = len(below)
        for one in uuids:
            self._generations.bump(one)
        self._trash.collect(objects)
        return len(uuids), subfolders


def _folder(tx: Tx, actor: Actor, uuid: UUID) -> Folder:
    found = folders.with_uuid(tx, actor.tenant_id, uuid)
    if found is None:
        raise NotFound("Folder not found").about("folder")
    return found


def _counted(tx: Tx, actor: Actor, uuid: UUID) -> Counted:
    it = _folder(tx, actor, uuid)
    return Counted(it, *folders.counts(tx, actor.tenant_id, [it.id]).get(it.id, (0, 0)))


def _path(above: Folder | None, name: str) -> str:
    path = f"{above.path}/{name}" if above else name
    _check_depth(path)
    return path


def _check_depth(path: str) -> None:
    if path.count("/") >= names.MAX_FOLDER_DEPTH:
        raise Invalid(f"Folders are at most {names.MAX_FOLDER_DEPTH} deep", field=("parent_id",), kind="too_deep")
    names.check_path(path, "name")


def _refuse_taken(tx: Tx, actor: Actor, path: str) -> None:
    """The tree is locked, so nobody can take the name between this look and the change."""
    if folders.folder_at(tx, actor.tenant_id, path) is not None:
        raise Conflict("There is a folder of this name at this level").about("folder")


def _refile(tx: Tx, it: Asset, into: int | None) -> None:
    before = assets.folder_of(tx, it.id)
    if before == into:
        return
    assets.change_asset(tx, it.id, {"folder_id": into, "updated_at": datetime.now(UTC)})
    if it.state is not State.FAILED:
        tallies.record(tx, tallies.of(it, before, -1))
        tallies.record(tx, tallies.of(it, into, 1))

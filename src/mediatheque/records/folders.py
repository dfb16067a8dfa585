"""Rows of folders. A folder's `path` is its names from the root, joined by `/`; dialects without ids speak of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, RowMapping, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.filing import Folder
from mediatheque.records.assets import shown
from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset, folder, tally, tenant

_PARENT = folder.alias("parent")
_WHOLE = select(folder, _PARENT.c.uuid.label("parent_uuid")).select_from(
    folder.outerjoin(_PARENT, _PARENT.c.id == folder.c.parent_id)
)


def folder_at(tx: Tx, tenant_id: int, path: str) -> int | None:
    return tx.execute(select(folder.c.id).where(folder.c.tenant_id == tenant_id, folder.c.path == path)).scalar()


def hold(tx: Tx, folder_id: int) -> bool:
    """Keep a folder from going before the transaction ends; False when it is gone.

    By its row, not by its path: what is moved meanwhile would be locked although it is not what was looked for.
    """
    this = select(folder.c.id).where(folder.c.id == folder_id)
    return tx.execute(this.with_for_update(read=True, key_share=True)).first() is not None


def folder_with(tx: Tx, tenant_id: int, uuid: UUID) -> int | None:
    return tx.execute(select(folder.c.id).where(folder.c.tenant_id == tenant_id, folder.c.uuid == uuid)).scalar()


def lock_tree(tx: Tx, tenant_id: int) -> None:
    """Let nobody else change the tenant's tree until the transaction ends (SQLite's writer is alone anyway).

    Rows that refer to the tenant can still be added.
    """
    tx.execute(select(tenant.c.id).where(tenant.c.id == tenant_id).with_for_update(key_share=True))


def add_folder(tx: Tx, tenant_id: int, parent_id: int | None, name: str, path: str, now: datetime) -> int:
    """The new folder, or the one that somebody else made of that path at the same moment."""
    row = _row(tenant_id, uuid4(), parent_id, name, path, now)
    insert_here = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    adding = insert_here(folder).values(row).on_conflict_do_nothing().returning(folder.c.id)
    added = tx.execute(adding).scalar() or folder_at(tx, tenant_id, path)
    assert added is not None
    return added


def add_named(tx: Tx, tenant_id: int, uuid: UUID, parent_id: int | None, name: str, path: str, now: datetime) -> None:
    """A new folder; raises `Duplicate` when there is one of that path."""
    tx.execute(insert(folder), _row(tenant_id, uuid, parent_id, name, path, now))


def of_tenant(tx: Tx, tenant_id: int) -> list[Folder]:
    """All folders, in the order of their paths."""
    return _folders(tx, folder.c.tenant_id == tenant_id)


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID) -> Folder | None:
    return next(iter(_folders(tx, folder.c.tenant_id == tenant_id, folder.c.uuid == uuid)), None)


def children_of(tx: Tx, it: Folder, tenant_id: int) -> list[Folder]:
    return _folders(tx, folder.c.tenant_id == tenant_id, folder.c.parent_id == it.id)


def below(tx: Tx, it: Folder, tenant_id: int) -> list[Folder]:
    """All folders below one, at any depth."""
    return _folders(tx, folder.c.tenant_id == tenant_id, _is_below(it.path))


def above(tx: Tx, it: Folder, tenant_id: int) -> list[Folder]:
    """The folders from the root down to this one, itself included."""
    names = it.path.split("/")
    paths = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    return sorted(_folders(tx, folder.c.tenant_id == tenant_id, folder.c.path.in_(paths)), key=lambda one: one.depth)


def place(tx: Tx, it: Folder, tenant_id: int, parent_id: int | None, name: str, path: str, now: datetime) -> None:
    """Give a folder another parent or name; the paths of all below it follow. Raises `Duplicate`."""
    values = {"parent_id": parent_id, "name": name, "path": path, "updated_at": now}
    tx.execute(update(folder).where(folder.c.id == it.id).values(values))
    if path != it.path:
        followed = literal(path).concat(func.substr(folder.c.path, len(it.path) + 1))
        tx.execute(update(folder).where(folder.c.tenant_id == tenant_id, _is_below(it.path)).values(path=followed))


def park(tx: Tx, it: Folder) -> None:
    """Take a folder that is about to go out of the way: to a path that no folder can have."""
    tx.execute(update(folder).where(folder.c.id == it.id).values(path=f"/{it.uuid}"))


def remove(tx: Tx, folder_ids: Sequence[int]) -> None:
    """Remove folders that hold nothing but each other."""
    tx.execute(delete(folder).where(folder.c.id.in_(folder_ids)))


def claim(tx: Tx, folder_ids: Sequence[int]) -> None:
    """Wait for everybody who is putting something into these folders, and let nobody else."""
    tx.execute(select(folder.c.id).where(folder.c.id.in_(folder_ids)).order_by(folder.c.id).with_for_update())


def files_in(tx: Tx, folder_ids: Sequence[int], limit: int) -> list[UUID]:
    """Ids of some assets in these folders that are there, failed ones too."""
    inside = asset.c.folder_id.in_(folder_ids), asset.c.deleted_at.is_(None)
    return list(tx.execute(select(asset.c.uuid).where(*inside).order_by(asset.c.id).limit(limit)).scalars())


def empty(tx: Tx, tenant_id: int, folder_ids: Sequence[int], into: int | None) -> None:
    """Point all that lies in these folders to another, or to none; the counts of what is shown follow."""
    tx.execute(update(asset).where(asset.c.folder_id.in_(folder_ids)).values(folder_id=into))
    keys = (tally.c.folder_id, tally.c.kind, tally.c.is_public, tally.c.day)
    sums = (
        select(*keys, func.sum(tally.c.assets).label("assets"), func.sum(tally.c.size_bytes).label("size_bytes"))
        .where(tally.c.tenant_id == tenant_id, tally.c.folder_id.in_(folder_ids))
        .group_by(*keys)
    )
    rows: list[dict[str, Any]] = []
    for held in tx.execute(sums).mappings():
        there = {"tenant_id": tenant_id, **held, "assets": int(held["assets"]), "size_bytes": int(held["size_bytes"])}
        rows.append(there | {"assets": -there["assets"], "size_bytes": -there["size_bytes"]})
        if into is not None:
            rows.append(there | {"folder_id": into})
    if rows:
        tx.execute(insert(tally), rows)


def counts(tx: Tx, tenant_id: int, folder_ids: Sequence[int] | None = None) -> dict[int, tuple[int, int]]:
    """(files, subfolders) directly in each of these folders, or in all of the tenant's."""
    inside, beneath = [tally.c.tenant_id == tenant_id, tally.c.folder_id != 0], [folder.c.tenant_id == tenant_id]
    if folder_ids is not None:
        inside.append(tally.c.folder_id.in_(folder_ids))
        beneath.append(folder.c.parent_id.in_(folder_ids))
    files = select(tally.c.folder_id, func.sum(tally.c.assets)).where(*inside).group_by(tally.c.folder_id)
    nested = select(folder.c.parent_id, func.count()).where(*beneath).group_by(folder.c.parent_id)
    held = {folder_id: int(number) for folder_id, number in tx.execute(files)}
    subfolders = {folder_id: int(number) for folder_id, number in tx.execute(nested)}
    return {folder_id: (held.get(folder_id, 0), subfolders.get(folder_id, 0)) for folder_id in {*held, *subfolders}}


def paths_in_use(tx: Tx, tenant_id: int, kind: str, *, is_public: bool) -> list[str]:
    """Paths of the folders that hold a shown asset of this kind and visibility, in alphabetical order."""
    used = exists().where(
        asset.c.tenant_id == tenant_id,
        asset.c.folder_id == folder.c.id,
        asset.c.kind == kind,
        asset.c.is_public == is_public,
        *shown(),
    )
    query = select(folder.c.path).where(folder.c.tenant_id == tenant_id, used).order_by(folder.c.path)
    return list(tx.execute(query).scalars())


def _is_below(path: str) -> ColumnElement[bool]:
    """Not by LIKE, which does not look at the case of letters on SQLite."""
    return func.substr(folder.c.path, 1, len(path) + 1) == f"{path}/"


def _folders(tx: Tx, *conditions: ColumnElement[bool]) -> list[Folder]:
    return [_folder(row) for row in tx.execute(_WHOLE.where(*conditions).order_by(folder.c.path)).mappings()]


def _folder(row: RowMapping) -> Folder:
    return Folder(**{name: row[name] for name in Folder.__dataclass_fields__})


def _row(tenant_id: int, uuid: UUID, parent_id: int | None, name: str, path: str, now: datetime) -> dict[str, Any]:
    common = {"uuid": uuid, "tenant_id": tenant_id, "created_at": now, "updated_at": now}
    return common | {"parent_id": parent_id, "name": name, "path": path}

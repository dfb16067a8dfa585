"""Rows of folders. A folder's `path` is its names from the root, joined by `/`; dialects without ids speak of it."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.records.assets import shown
from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset, folder


def folder_at(tx: Tx, tenant_id: int, path: str) -> int | None:
    return tx.execute(select(folder.c.id).where(folder.c.tenant_id == tenant_id, folder.c.path == path)).scalar()


def folder_with(tx: Tx, tenant_id: int, uuid: UUID) -> int | None:
    return tx.execute(select(folder.c.id).where(folder.c.tenant_id == tenant_id, folder.c.uuid == uuid)).scalar()


def add_folder(tx: Tx, tenant_id: int, parent_id: int | None, name: str, path: str, now: datetime) -> int:
    """The new folder, or the one that somebody else made of that path at the same moment."""
    row = {"uuid": uuid4(), "tenant_id": tenant_id, "parent_id": parent_id, "name": name, "path": path}
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    adding = insert(folder).values(row | {"created_at": now}).on_conflict_do_nothing().returning(folder.c.id)
    added = tx.execute(adding).scalar() or folder_at(tx, tenant_id, path)
    assert added is not None
    return added


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

"""Rows of objects that go from one store to another: where each lies, and that it lies elsewhere now."""

from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, insert, select, update

from mediatheque.records.engine import Tx
from mediatheque.records.inventory import Recorded
from mediatheque.records.tables import asset, blob, garbage, variant

FAMILIES = ("blob", "variant")
_TABLES = {"blob": blob, "variant": variant}


def lying_in(tx: Tx, family: str, tenant_id: int, store: str, after: int, limit: int) -> list[Recorded]:
    """A tenant's objects in that store with an id above `after`, in order of id; those of failed assets own none."""
    table = _TABLES[family]
    owner = blob.c.id if family == "blob" else variant.c.blob_id
    query = (
        select(table.c.id, table.c.store, table.c.key, table.c.size_bytes, table.c.sha256)
        .join(asset, asset.c.blob_id == owner)
        .where(table.c.tenant_id == tenant_id, table.c.store == store, table.c.id > after, asset.c.state != "failed")
        .order_by(table.c.id)
        .limit(limit)
    )
    return [Recorded(*row) for row in tx.execute(query)]


def count_in(tx: Tx, tenant_id: int, store: str) -> int:
    """How many objects of the tenant the store holds, by its rows."""
    return sum(
        tx.execute(
            select(func.count()).select_from(it).where(it.c.tenant_id == tenant_id, it.c.store == store)
        ).scalar_one()
        for it in _TABLES.values()
    )


def is_at(tx: Tx, family: str, it: Recorded) -> bool:
    """Whether the object's row still says what it said."""
    table = _TABLES[family]
    return tx.execute(select(table.c.id).where(*_as_it_was(table, it))).first() is not None


def is_leaving(tx: Tx, store: str, key: str) -> bool:
    """Whether bytes are to be removed there: of an object that lay there before."""
    query = select(garbage.c.id).where(garbage.c.store == store, garbage.c.key == key)
    return tx.execute(query.limit(1)).first() is not None


def relocate(tx: Tx, family: str, it: Recorded, store: str, key: str, *, forget_at: datetime) -> bool:
    """Let the object lie there, and its old bytes be garbage from `forget_at` on; False when it is gone already."""
    table = _TABLES[family]
    if tx.execute(update(table).where(*_as_it_was(table, it)).values(store=store, key=key)).rowcount != 1:
        return False
    tx.execute(insert(garbage), {"store": it.store, "key": it.key, "created_at": forget_at})
    return True


def _as_it_was(table: Table, it: Recorded) -> tuple[ColumnElement[bool], ...]:
    return table.c.id == it.id, table.c.store == it.store, table.c.key == it.key

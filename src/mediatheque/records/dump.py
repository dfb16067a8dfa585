"""Rows as JSON values, the same from both databases: what a backup holds, read at one moment and put back elsewhere."""

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)

from mediatheque.records import vectors
from mediatheque.records.engine import Tx
from mediatheque.records.tables import (
    arrival,
    asset,
    blob,
    from_micros,
    garbage,
    metadata,
    part,
    tenant,
    to_micros,
    variant,
    worker,
)
from mediatheque.records.tables.columns import Instant

BATCH = 1000
TABLES: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table is not worker)
"""Each after those that it refers to; signs of life are nobody's history."""
_IN_PIECES = {"yield_per": BATCH}
PLACED = (blob, variant, garbage)
"""Tables whose rows name a store."""


def rows(tx: Tx, table: Table, those: ColumnElement[bool] | None = None) -> Iterator[dict[str, Any]]:
    """Every row, or those that are meant, in the order of its key, as JSON values; what has no value is left out."""
    pack = [(column, _packing(column)) for column in table.c]
    query = select(table) if those is None else select(table).where(those)
    for row in tx.execute(query.order_by(*table.primary_key), execution_options=_IN_PIECES):
        values = zip(pack, row, strict=True)
        yield {it.name: packed(value) for (it, packed), value in values if value is not None or not it.nullable}


def unpacked(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Such a row as its columns take it."""
    return {name: _unpacking(table.c[name])(value) for name, value in row.items()}


def load(tx: Tx, table: Table, packed: Iterable[Mapping[str, Any]]) -> int:
    """Insert such rows as they are, ids and all; returns how many. A row may refer to a later one of its table."""
    unpack = {column.name: _unpacking(column) for column in table.c}
    own = _own_reference(table)
    source, count, later = iter(packed), 0, []
    while batch := list(islice(source, BATCH)):
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in batch:
            values = {name: unpack[name](value) for name, value in row.items()}
            if own is not None and own.name in values:
                later.append({"row": values["id"], "to": values.pop(own.name)})
            alike[tuple(values)].append(values)
        for several in alike.values():
            tx.execute(insert(table), several)
        count += len(batch)
    if own is not None and later:
        tx.execute(update(table).where(table.c.id == bindparam("row")).values({own: bindparam("to")}), later)
    return count


def finish(tx: Tx) -> None:
    """After the last `load`: new rows get ids of their own, and the nearest vectors are found again."""
    if tx.dialect.name == "postgresql":
        for table in TABLES:
            if "id" in table.c:
                highest = tx.execute(select(func.max(table.c.id))).scalar()
                sequence = {"table": f'"{table.name}"', "value": highest}
                if highest:
                    tx.execute(text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :value)"), sequence)
    vectors.index_all(tx)


def rename_store(tx: Tx, before: str, after: str) -> None:
    """The server's own store is called otherwise here."""
    for table in PLACED:
        tx.execute(update(table).where(table.c.store == before).values(store=after))


def is_empty(tx: Tx) -> bool:
    """Whether nobody has used the database: it has no tenant."""
    return tx.execute(select(tenant.c.id).limit(1)).first() is None


def identity(tx: Tx) -> str:
    """The id of the oldest tenant: what tells one library from another."""
    return str(tx.execute(select(tenant.c.uuid).order_by(tenant.c.id).limit(1)).scalar_one())


def objects(tx: Tx, primary: str) -> Iterator[dict[str, Any]]:
    """Every object that should be there, `store`, `key`, `size_bytes` and `sha256`; of some nobody knows size and hash.

    What waits to be taken in lies in the server's own store.
    """
    alive = asset.c.state != "failed"
    own = select(blob).join(asset, asset.c.blob_id == blob.c.id).where(alive)
    made = select(variant).join(asset, asset.c.blob_id == variant.c.blob_id).where(alive)
    for table, query in ((blob, own), (variant, made)):
        columns = (table.c.store, table.c.key, table.c.size_bytes, table.c.sha256)
        for row in tx.execute(query.with_only_columns(*columns), execution_options=_IN_PIECES):
            yield dict(row._mapping)
    for key in tx.execute(union_all(_staged(arrival), _staged(part)), execution_options=_IN_PIECES).scalars():
        yield {"store": primary, "key": key, "size_bytes": None, "sha256": None}


def living(tx: Tx, key: str) -> bool:
    """Whether a row still wants the object's bytes."""
    alive = asset.c.state != "failed"
    asked = (
        select(blob.c.id).join(asset, asset.c.blob_id == blob.c.id).where(blob.c.key == key, alive),
        select(variant.c.id).where(variant.c.key == key),
        select(arrival.c.id).where(arrival.c.staged_key == key),
        select(part.c.id).where(part.c.staged_key == key),
    )
    return any(tx.execute(query).first() is not None for query in asked)


def _staged(table: Table) -> Any:
    return select(table.c.staged_key).where(table.c.staged_key.is_not(None))


def _own_reference(table: Table) -> Column[Any] | None:
    """The column by which rows refer to others of the same table."""
    return next((key.parent for key in table.foreign_keys if key.column.table is table), None)


def _packing(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return to_micros
    if isinstance(column.type, LargeBinary):
        return lambda value: base64.b64encode(value).decode("ascii")
    return str if isinstance(column.type, Uuid) else _same


def _unpacking(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return from_micros
    if isinstance(column.type, LargeBinary):
        return base64.b64decode
    return UUID if isinstance(column.type, Uuid) else _same


def _same(value: Any) -> Any:
    return value

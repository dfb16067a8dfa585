"""What the database says should be in the stores: for `fsck`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, Table, func, select, union

from mediatheque.records.engine import Tx
from mediatheque.records.tables import arrival, asset, blob, garbage, part, variant
from mediatheque.records.tables.arrivals import UNSETTLED

FAMILIES = ("blob", "variant")
_ALIVE = asset.c.state != "failed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An object as its row describes it."""

    id: int
    store: str
    key: str
    size_bytes: int
    sha256: str


def count_assets(tx: Tx) -> int:
    """Assets with bytes: neither deleted for good nor failed."""
    return int(
        tx.execute(select(func.count()).select_from(asset).where(asset.c.blob_id.is_not(None), _ALIVE)).scalar_one()
    )


def recorded(tx: Tx, family: str, after: int, limit: int) -> list[Recorded]:
    """Rows of one family with an id above `after`, in order of id; those of failed assets own no bytes any more."""
    table = _table(family)
    columns = (table.c.id, table.c.store, table.c.key, table.c.size_bytes, table.c.sha256)
    query = _recorded(family, *columns).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [Recorded(*row) for row in tx.execute(query)]


def keys_in(tx: Tx, store: str, limit: int) -> list[str]:
    """The first that many objects of each family that should be in the store; in no order of its own."""
    return [
        key
        for family in FAMILIES
        for key in tx.execute(
            _recorded(family, _table(family).c.key).where(_table(family).c.store == store).limit(limit)
        ).scalars()
    ]


def named(tx: Tx, keys: Sequence[str]) -> set[str]:
    """Those of the keys that some row names: of an asset that has its bytes, of an arrival, or as garbage."""
    if not keys:
        return set()
    blobs: Select[str] = (
        select(blob.c.key).join(asset, asset.c.blob_id == blob.c.id).where(blob.c.key.in_(keys), _ALIVE)
    )
    variants = select(variant.c.key).where(variant.c.key.in_(keys))
    leaving = select(garbage.c.key).where(garbage.c.key.in_(keys))
    staged = select(arrival.c.staged_key).where(arrival.c.staged_key.in_(keys))
    chunks = select(part.c.staged_key).where(part.c.staged_key.in_(keys))
    promised = select(arrival.c.object_key).where(arrival.c.object_key.in_(keys), UNSETTLED)
    return set(tx.execute(union(blobs, variants, leaving, staged, chunks, promised)).scalars())


def _table(family: str) -> Table:
    return blob if family == "blob" else variant


def _recorded(family: str, *columns: Column[Any]) -> Select[Any]:
    """Objects of living assets."""
    owner = blob.c.id if family == "blob" else variant.c.blob_id
    return select(*columns).join(asset, asset.c.blob_id == owner).where(_ALIVE)

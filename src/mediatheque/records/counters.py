"""Named sums of a tenant, kept like the tallies: changes are appended, reads add up, a worker folds."""

from collections import defaultdict

from sqlalchemy import and_, delete, func, insert, select

from mediatheque.records.engine import Tx
from mediatheque.records.tables import counter

MEDIA_TYPE = "media_type:"
SKILL = "skill:"
DERIVATIVES = "derivatives"
_FOLD_LIMIT = 5000


def add(tx: Tx, tenant_id: int, name: str, amount: int, size_bytes: int = 0) -> None:
    row = {"tenant_id": tenant_id, "name": name, "amount": amount, "size_bytes": size_bytes}
    tx.execute(_ADD, row)


def sums(tx: Tx, tenant_id: int) -> dict[str, tuple[int, int]]:
    """(amount, bytes) by name."""
    query = (
        select(counter.c.name, func.sum(counter.c.amount), func.sum(counter.c.size_bytes))
        .where(counter.c.tenant_id == tenant_id)
        .group_by(counter.c.name)
    )
    return {name: (int(amount), int(size_bytes)) for name, amount, size_bytes in tx.execute(query)}


def fold(tx: Tx) -> None:
    """Merge rows of the same tenant and name; safe beside other folders, as a row counts for whoever deletes it."""
    keys = (counter.c.tenant_id, counter.c.name)
    crowded = select(*keys).group_by(*keys).having(func.count() > 1).limit(_FOLD_LIMIT).subquery()
    same = and_(*(column == crowded.c[column.name] for column in keys))
    doomed = select(counter.c.id).join(crowded, same).limit(_FOLD_LIMIT)
    gone = delete(counter).where(counter.c.id.in_(doomed)).returning(*keys, counter.c.amount, counter.c.size_bytes)
    merged: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for tenant_id, name, amount, size_bytes in tx.execute(gone):
        total = merged[tenant_id, name]
        total[0] += amount
        total[1] += size_bytes
    for (tenant_id, name), (amount, size_bytes) in merged.items():
        if amount or size_bytes:
            add(tx, tenant_id, name, amount, size_bytes)


_ADD = insert(counter)

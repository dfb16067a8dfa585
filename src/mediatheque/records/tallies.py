"""Exact counts without a hot row: every change appends a small row, reads add them up, a worker folds them."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, select

from mediatheque.model import Asset
from mediatheque.records.assets import Scope, day_of
from mediatheque.records.engine import Tx
from mediatheque.records.tables import tally

NEAR = 1000
"""A page that begins so far down is counted off from the first: the days' counts save nothing there."""
ALL_FOLDERS = 0
_FOLD_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Change:
    """What one asset adds to the counts; `sign` -1 takes it away. `day` is that of its creation."""

    tenant_id: int
    kind: str
    is_public: bool
    folder_id: int | None
    day: int
    size_bytes: int
    sign: int


def of(it: Asset, folder_id: int | None, sign: int) -> Change:
    """What this asset adds (`sign` 1) or takes away (-1)."""
    day = day_of(it.created_at)
    return Change(it.tenant_id, it.kind, it.is_public, folder_id, day, it.blob.size_bytes, sign)


def record(tx: Tx, change: Change) -> None:
    """Count the asset for the tenant, and once more for its folder."""
    folders = [ALL_FOLDERS] + ([change.folder_id] if change.folder_id is not None else [])
    common = {
        "tenant_id": change.tenant_id,
        "kind": change.kind,
        "is_public": change.is_public,
        "day": change.day,
        "assets": change.sign,
        "size_bytes": change.sign * change.size_bytes,
    }
    tx.execute(insert(tally), [common | {"folder_id": folder_id} for folder_id in folders])


def total(tx: Tx, scope: Scope) -> int:
    """Number of assets."""
    values = {"tenant": scope.tenant_id, "folder": scope.folder_id or ALL_FOLDERS, "kind": scope.kind,
              "public": scope.is_public}  # fmt: skip
    return int(tx.execute(_TOTAL if scope.is_public is None else _TOTAL_OF_VISIBILITY, values).scalar_one())


def by_day(tx: Tx, scope: Scope) -> list[tuple[int, int]]:
    """(day, number of assets), newest day first."""
    query = select(tally.c.day, func.sum(tally.c.assets)).where(*_in(scope))
    days = tx.execute(query.group_by(tally.c.day).order_by(tally.c.day.desc())).all()
    return [(day, int(count)) for day, count in days]


def days_of(tx: Tx, tenant_id: int, folder_id: int | None) -> dict[str, dict[int, int]]:
    """Number of assets by kind and day, in a folder or in all."""
    query = (
        select(tally.c.kind, tally.c.day, func.sum(tally.c.assets))
        .where(tally.c.tenant_id == tenant_id, tally.c.folder_id == (folder_id or ALL_FOLDERS))
        .group_by(tally.c.kind, tally.c.day)
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for kind, day, count in tx.execute(query).all():
        if count:
            found[kind][day] = int(count)
    return found


def counts_of(tx: Tx, tenant_id: int, folder_id: int | None) -> dict[str, int]:
    """Number of assets by kind, of the kinds of which there are some, in a folder or in all."""
    rows = tx.execute(_COUNTS, {"tenant": tenant_id, "folder": folder_id or ALL_FOLDERS})
    return {kind: int(count) for kind, count in rows if count}


def assets_of(tx: Tx, tenant_id: int) -> int:
    mine = tally.c.tenant_id == tenant_id, tally.c.folder_id == ALL_FOLDERS
    return int(tx.execute(select(func.coalesce(func.sum(tally.c.assets), 0)).where(*mine)).scalar_one())


def bytes_of(tx: Tx, tenant_id: int) -> int:
    mine = tally.c.tenant_id == tenant_id, tally.c.folder_id == ALL_FOLDERS
    return int(tx.execute(select(func.coalesce(func.sum(tally.c.size_bytes), 0)).where(*mine)).scalar_one())


def fold(tx: Tx) -> int:
    """Merge rows of the same tenant, folder, kind, visibility and day; returns how many rows that saved.

    Safe beside other folders: a row counts for whoever deletes it, and nobody waits for a row in other hands.
    """
    keys = (tally.c.tenant_id, tally.c.folder_id, tally.c.kind, tally.c.is_public, tally.c.day)
    crowded = select(*keys).group_by(*keys).having(func.count() > 1).limit(_FOLD_LIMIT).subquery()
    same = and_(*(column == crowded.c[column.name] for column in keys))
    doomed = (
        select(tally.c.id).join(crowded, same).limit(_FOLD_LIMIT).with_for_update(of=tally, skip_locked=True)
    )  # fmt: skip
    rows = tx.execute(
        delete(tally).where(tally.c.id.in_(doomed)).returning(*keys, tally.c.assets, tally.c.size_bytes)
    ).all()
    sums: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
    for *key, assets, size_bytes in rows:
        total = sums[tuple(key)]
        total[0] += assets
        total[1] += size_bytes
    merged = [
        dict(zip((column.name for column in keys), key, strict=True)) | {"assets": assets, "size_bytes": size_bytes}
        for key, (assets, size_bytes) in sums.items()
        if assets or size_bytes
    ]
    if merged:
        tx.execute(insert(tally), merged)
    return len(rows) - len(merged)


def _in(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    mine = and_(tally.c.tenant_id == scope.tenant_id, tally.c.folder_id == (scope.folder_id or ALL_FOLDERS))
    conditions = (mine, tally.c.kind == scope.kind)
    return conditions if scope.is_public is None else (*conditions, tally.c.is_public == scope.is_public)


_TOTAL = select(func.coalesce(func.sum(tally.c.assets), 0)).where(
    tally.c.tenant_id == bindparam("tenant"),
    tally.c.folder_id == bindparam("folder"),
    tally.c.kind == bindparam("kind"),
)
_TOTAL_OF_VISIBILITY = _TOTAL.where(tally.c.is_public == bindparam("public"))


_COUNTS = (
    select(tally.c.kind, func.sum(tally.c.assets))
    .where(tally.c.tenant_id == bindparam("tenant"), tally.c.folder_id == bindparam("folder"))
    .group_by(tally.c.kind)
)

"""Assets that failed: they are few, so no tally counts them, and an index of their own finds them."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, select

from mediatheque.records.assets import day_of
from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset

FAILED: ColumnElement[bool] = asset.c.state == literal_column("'failed'")
"""Written as it is in the partial index, so that the planner sees it."""


def failed() -> tuple[ColumnElement[bool], ...]:
    """The condition of that index."""
    return asset.c.deleted_at.is_(None), FAILED


def by_day(
    tx: Tx, tenant_id: int, *, kind: str | None = None, folder_id: int | None = None
) -> dict[str, dict[int, int]]:
    """How many assets failed, by kind and the day they came (of `records.tallies`); of one kind, in one folder.

    Asked for in the order of their index, and counted here: to group them SQLite takes any index, and walks all assets.
    """
    query = _failed(kind is not None, folder_id is not None)
    days: dict[str, dict[int, int]] = {}
    for its_kind, created_at in tx.execute(query, {"tenant": tenant_id, "kind": kind, "folder": folder_id}):
        of_kind = days.setdefault(its_kind, {})
        of_kind[day_of(created_at)] = of_kind.get(day_of(created_at), 0) + 1
    return days


@cache
def _failed(by_kind: bool, by_folder: bool) -> Select[Any]:
    mine = [asset.c.tenant_id == bindparam("tenant"), *failed()]
    mine += [asset.c.kind == bindparam("kind")] if by_kind else []
    mine += [asset.c.folder_id == bindparam("folder")] if by_folder else []
    return select(asset.c.kind, asset.c.created_at).where(*mine).order_by(asset.c.kind, asset.c.created_at)

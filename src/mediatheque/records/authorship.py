"""Who wrote the words of an asset: a run, or a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from mediatheque.model import Asset
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import authorship


def of_asset(tx: Tx, asset_id: int) -> dict[str, Row]:
    """The last word about each field of which it is known whose it was."""
    rows = tx.execute(select(authorship).where(authorship.c.asset_id == asset_id)).mappings()
    return {row["field"]: row for row in rows}


def put(tx: Tx, it: Asset, before: Mapping[str, Any], run_id: int | None, now: datetime) -> None:
    """These fields were written over what stood there `before`, by a run or (None) a person."""
    drop(tx, it.id, list(before))
    rows = [
        {
            "asset_id": it.id,
            "tenant_id": it.tenant_id,
            "field": name,
            "run_id": run_id,
            "before": value,
            "written_at": now,
        }
        for name, value in before.items()
    ]
    if rows:
        tx.execute(insert(authorship), rows)


def drop(tx: Tx, asset_id: int, fields: list[str]) -> None:
    tx.execute(delete(authorship).where(authorship.c.asset_id == asset_id, authorship.c.field.in_(fields)))

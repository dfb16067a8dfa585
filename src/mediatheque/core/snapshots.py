"""Snapshots: what crawls of a link kept of its page, so that it can be read when it is gone, and compared."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mediatheque.model import Asset
from mediatheque.records import links
from mediatheque.records.engine import Tx

MAX_SNAPSHOTS = 30
"""Kept of one link; older ones make room."""


def keep(tx: Tx, it: Asset, values: dict[str, Any], now: datetime) -> None:
    """Note a snapshot whose bytes are recorded as variants of the link."""
    links.add_snapshot(tx, values | {"tenant_id": it.tenant_id, "asset_id": it.id, "created_at": now})


def superseded(tx: Tx, it: Asset) -> Sequence[str]:
    """Forget the oldest beyond the number that is kept; the names of their variants."""
    old = links.snapshots_of(tx, it.id, it.blob.id)[MAX_SNAPSHOTS:]
    links.drop_snapshots(tx, [one.uuid for one in old])
    return [name for one in old for name in (one.page, one.text)]

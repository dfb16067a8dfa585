"""Rows of links: where they lead, and the snapshots that their crawls kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, insert, select, update

from mediatheque.filing import Link, Snapshot
from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset, link, snapshot, variant

PAGE, TEXT = "page_", "text_"
"""What the names of a snapshot's two variants begin with."""


def add(tx: Tx, asset_id: int, tenant_id: int, values: dict[str, Any]) -> None:
    """`url`, `url_key`, `domain`, `site`"""
    tx.execute(insert(link), {"asset_id": asset_id, "tenant_id": tenant_id, **values})


def of(tx: Tx, asset_ids: Sequence[int]) -> dict[int, Link]:
    """The links among these assets."""
    if not asset_ids:
        return {}
    rows = tx.execute(select(link).where(link.c.asset_id.in_(asset_ids))).mappings()
    return {row["asset_id"]: _link(row) for row in rows}


def is_known(tx: Tx, tenant_id: int, url_key: str, but: int) -> bool:
    """Whether the tenant has another link to this address, outside of the trash."""
    other = link.c.tenant_id == tenant_id, link.c.url_key == url_key, link.c.asset_id != but
    there = select(link.c.asset_id).join(asset, asset.c.id == link.c.asset_id)
    return tx.execute(there.where(*other, asset.c.deleted_at.is_(None)).limit(1)).first() is not None


def key_of(tx: Tx, asset_id: int) -> str:
    """What all spellings of the link's address have in common."""
    return str(tx.execute(select(link.c.url_key).where(link.c.asset_id == asset_id)).scalar_one())


def ask_again(tx: Tx, asset_id: int, moment: datetime) -> None:
    """Somebody has asked for another crawl."""
    tx.execute(update(link).where(link.c.asset_id == asset_id).values(recrawl_asked_at=moment))


def names_of(uuid: UUID) -> tuple[str, str]:
    """The names of the two variants that a snapshot with this id consists of."""
    return f"{PAGE}{uuid.hex[:16]}", f"{TEXT}{uuid.hex[:16]}"


def add_snapshot(tx: Tx, values: dict[str, Any]) -> None:
    """`uuid`, `tenant_id`, `asset_id`, `url`, `title`, `text_chars`, `created_at`"""
    tx.execute(insert(snapshot), values)


def snapshots_of(tx: Tx, asset_id: int, blob_id: int) -> list[Snapshot]:
    """Those whose bytes are recorded, the newest first."""
    kept = select(variant.c.name, variant.c.size_bytes, variant.c.sha256).where(variant.c.blob_id == blob_id)
    made = {row.name: row for row in tx.execute(kept)}
    rows = tx.execute(select(snapshot).where(snapshot.c.asset_id == asset_id).order_by(snapshot.c.id.desc()))
    found = (_snapshot(row, made) for row in rows.mappings())
    return [it for it in found if it is not None]


def drop_snapshots(tx: Tx, uuids: Sequence[UUID]) -> None:
    """Forget these; what becomes of their bytes is the caller's."""
    tx.execute(delete(snapshot).where(snapshot.c.uuid.in_(uuids)))


def _snapshot(row: RowMapping, made: dict[str, Any]) -> Snapshot | None:
    page, text = names_of(row["uuid"])
    if page not in made or text not in made:
        return None
    own = (row["uuid"], row["url"], row["title"], row["text_chars"], row["created_at"])
    return Snapshot(*own, page, text, made[page].size_bytes, made[text].sha256)


def _link(row: RowMapping) -> Link:
    return Link(row["asset_id"], row["url"], row["domain"], row["site"], row["recrawl_asked_at"])

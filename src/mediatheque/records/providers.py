"""Rows of AI providers, and how often a tenant has asked one today."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import ai_provider, spending, tenant


def all_of(tx: Tx, tenant_id: int) -> list[Row]:
    """The active one first, then by name."""
    query = select(ai_provider).where(ai_provider.c.tenant_id == tenant_id)
    return list(tx.execute(query.order_by(ai_provider.c.is_active.desc(), ai_provider.c.name)).mappings())


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID) -> Row | None:
    query = select(ai_provider).where(ai_provider.c.tenant_id == tenant_id, ai_provider.c.uuid == uuid)
    return tx.execute(query).mappings().first()


def active(tx: Tx, tenant_id: int) -> Row | None:
    query = select(ai_provider).where(ai_provider.c.tenant_id == tenant_id, ai_provider.c.is_active)
    return tx.execute(query).mappings().first()


def hold(tx: Tx, tenant_id: int) -> None:
    """One change of a tenant's providers at a time, so that at most one is active."""
    tx.execute(select(tenant.c.id).where(tenant.c.id == tenant_id).with_for_update())


def add(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(ai_provider), values)


def change(tx: Tx, provider_id: int, values: dict[str, Any]) -> None:
    tx.execute(update(ai_provider).where(ai_provider.c.id == provider_id).values(values))


def deactivate_all(tx: Tx, tenant_id: int) -> None:
    mine = ai_provider.c.tenant_id == tenant_id, ai_provider.c.is_active
    tx.execute(update(ai_provider).where(*mine).values(is_active=False))


def remove(tx: Tx, provider_id: int) -> None:
    tx.execute(delete(ai_provider).where(ai_provider.c.id == provider_id))


def spend(tx: Tx, tenant_id: int, purpose: str, day: int, limit: int) -> bool:
    """Count one more of today; False when the limit is reached."""
    mine = spending.c.tenant_id == tenant_id, spending.c.purpose == purpose, spending.c.day == day
    hold(tx, tenant_id)
    used = tx.execute(select(spending.c.amount).where(*mine)).scalar()
    if used is None:
        tx.execute(delete(spending).where(spending.c.tenant_id == tenant_id, spending.c.purpose == purpose))
        tx.execute(insert(spending).values(tenant_id=tenant_id, purpose=purpose, day=day, amount=0))
        used = 0
    if used >= limit:
        return False
    tx.execute(update(spending).where(*mine).values(amount=used + 1))
    return True

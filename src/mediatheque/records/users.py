"""Rows of users, as they log in and as they are administered. Password hashes leave only through `for_login`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import tenant, user

_SHOWN = (
    user.c.id, user.c.uuid, user.c.tenant_id, user.c.name, user.c.role, user.c.permissions, user.c.generation,
    user.c.disabled_at, user.c.created_at, user.c.updated_at, user.c.last_login_at,
)  # fmt: skip


def users(tx: Tx, tenant_id: int) -> list[Row]:
    """Newest first."""
    query = select(*_SHOWN).where(user.c.tenant_id == tenant_id)
    return list(tx.execute(query.order_by(user.c.created_at.desc(), user.c.id.desc())).mappings())


def user_with(tx: Tx, tenant_id: int, uuid: UUID) -> Row | None:
    return tx.execute(_with(tenant_id, uuid)).mappings().first()


def held(tx: Tx, tenant_id: int, uuid: UUID) -> Row | None:
    """The user's row, which nobody else changes until the transaction ends."""
    return tx.execute(_with(tenant_id, uuid).with_for_update(key_share=True)).mappings().first()


def held_by_id(tx: Tx, user_id: int) -> Row:
    """As `held`, with its tenant's state."""
    query = select(*_SHOWN, tenant.c.disabled_at.label("tenant_disabled_at")).join(tenant).where(user.c.id == user_id)
    return tx.execute(query.with_for_update(of=user, key_share=True)).mappings().one()


def for_login(tx: Tx, tenant_name: str, name: str) -> Row | None:
    query = select(*_SHOWN, user.c.password_hash, tenant.c.disabled_at.label("tenant_disabled_at")).join(tenant)
    return tx.execute(query.where(tenant.c.name == tenant_name, user.c.name == name)).mappings().first()


def logged_in(tx: Tx, user_id: int, password_hash: str, now: datetime) -> bool:
    """Note the login; False when password or state have changed since they were checked."""
    same = user.c.id == user_id, user.c.password_hash == password_hash, user.c.disabled_at.is_(None)
    return tx.execute(update(user).where(*same).values(last_login_at=now)).rowcount == 1


def change(tx: Tx, user_id: int, values: dict[str, Any]) -> None:
    tx.execute(update(user).where(user.c.id == user_id).values(values))


def end_generation(tx: Tx, user_id: int) -> None:
    """Access tokens name their generation: those of this one end."""
    tx.execute(update(user).where(user.c.id == user_id).values(generation=user.c.generation + 1))


def first_with_role(tx: Tx, tenant_name: str, role: str) -> int | None:
    query = select(user.c.id).join(tenant).where(tenant.c.name == tenant_name, user.c.role == role)
    return tx.execute(query.order_by(user.c.id).limit(1)).scalar()


def _with(tenant_id: int, uuid: UUID) -> Select[Any]:
    return select(*_SHOWN).where(user.c.tenant_id == tenant_id, user.c.uuid == uuid)

"""Rows of the audit log: only ever added."""

from typing import Any

from sqlalchemy import func, insert, select

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import audit, user


def add(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(audit).values(values))


def page(tx: Tx, tenant_id: int, offset: int, limit: int) -> list[Row]:
    """Newest first, with the name that the user has now."""
    query = (
        select(
            audit.c.id, audit.c.action, audit.c.subject, user.c.uuid.label("user_uuid"),
            user.c.name.label("user_name"), audit.c.credential, audit.c.details, audit.c.created_at,
        )
        .outerjoin(user, user.c.id == audit.c.user_id)
        .where(audit.c.tenant_id == tenant_id)
        .order_by(audit.c.id.desc())
        .offset(offset)
        .limit(limit)
    )  # fmt: skip
    return list(tx.execute(query).mappings())


def count(tx: Tx, tenant_id: int) -> int:
    return int(tx.execute(select(func.count()).where(audit.c.tenant_id == tenant_id)).scalar_one())

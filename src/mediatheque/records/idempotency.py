"""Rows of idempotency keys: who is answering a request, and what the first answer was."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from mediatheque.records.engine import Tx
from mediatheque.records.tables import idempotency


@dataclass(frozen=True, slots=True)
class Remembered:
    fingerprint: str
    status: int | None
    body: str | None
    lease_until: int


def remembered(tx: Tx, tenant_id: int, key: str) -> Remembered | None:
    query = select(idempotency).where(idempotency.c.tenant_id == tenant_id, idempotency.c.key == key).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    return Remembered(row["fingerprint"], row["status"], row["body"], row["lease_until"])


def begin(tx: Tx, tenant_id: int, key: str, fingerprint: str, lease_until: int, now: datetime) -> None:
    """Raises SQLAlchemy's IntegrityError when somebody else began at the same moment."""
    row = {"tenant_id": tenant_id, "key": key, "fingerprint": fingerprint, "lease_until": lease_until}
    tx.execute(insert(idempotency), row | {"created_at": now})


def keep(tx: Tx, tenant_id: int, key: str, status: int, body: str) -> None:
    mine = idempotency.c.tenant_id == tenant_id, idempotency.c.key == key
    tx.execute(update(idempotency).where(*mine).values(status=status, body=body))


def forget(tx: Tx, tenant_id: int, key: str) -> None:
    """Give the key free again, unless it has its answer."""
    mine = idempotency.c.tenant_id == tenant_id, idempotency.c.key == key
    tx.execute(delete(idempotency).where(*mine, idempotency.c.status.is_(None)))


def drop_before(tx: Tx, moment: datetime) -> None:
    tx.execute(delete(idempotency).where(idempotency.c.created_at < moment))

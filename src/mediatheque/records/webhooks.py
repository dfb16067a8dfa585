"""Rows of webhooks and of what is delivered to them: one delivery after another for each webhook.

`free_at` of a webhook lies in the future while somebody delivers to it, and while it is left alone after a failure. Of
one thing's deliveries only the first that waits can be had, so that they come in their order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, case, delete, exists, func, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from mediatheque.records.engine import Row, Tx
from mediatheque.records.runs import POSTGRESQL_NOW, SQLITE_NOW, come, now
from mediatheque.records.tables import MICROSECOND, webhook, webhook_delivery

PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"


def add(tx: Tx, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(webhook).returning(webhook.c.id), dict(values)).scalar_one())


def all_of(tx: Tx, tenant_id: int) -> list[Row]:
    """Oldest first."""
    query = select(webhook).where(webhook.c.tenant_id == tenant_id).order_by(webhook.c.id)
    return list(tx.execute(query).mappings())


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID, *, lock: bool = False) -> Row | None:
    query = select(webhook).where(webhook.c.tenant_id == tenant_id, webhook.c.uuid == uuid)
    return tx.execute(query.with_for_update() if lock else query).mappings().first()


def with_id(tx: Tx, webhook_id: int, *, lock: bool = False) -> Row | None:
    query = select(webhook).where(webhook.c.id == webhook_id)
    return tx.execute(query.with_for_update() if lock else query).mappings().first()


def change(tx: Tx, webhook_id: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(webhook).where(webhook.c.id == webhook_id).values(**values))


def remove(tx: Tx, webhook_id: int) -> None:
    tx.execute(delete(webhook_delivery).where(webhook_delivery.c.webhook_id == webhook_id))
    tx.execute(delete(webhook).where(webhook.c.id == webhook_id))


def listening(tx: Tx, tenant_id: int, kind: str) -> list[int]:
    """Row ids of the tenant's active webhooks that want to know of such events."""
    return [row.id for row in tx.execute(_LISTENING, {"tenant": tenant_id}) if kind in row.events]


def deliver(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let these wait for their turn, which may come at once."""
    due_at = tx.execute(select(now(tx))).scalar_one()
    tx.execute(insert(webhook_delivery), [{"due_at": due_at, **row} for row in rows])


def take(tx: Tx, holder: str, *, hold_seconds: float) -> int | None:
    """Hold the webhook that has been free for longest, of those to which something is to be delivered."""
    hold = {"turn": holder, "hold": round(hold_seconds * MICROSECOND)}
    taken = tx.execute(_TAKE[tx.dialect.name == "sqlite"], hold).scalar()
    return None if taken is None else int(taken)


def hold(tx: Tx, webhook_id: int, holder: str, *, hold_seconds: float) -> bool:
    """Go on holding it; False when somebody else has it by now."""
    mine = webhook.c.id == webhook_id, webhook.c.holder == holder
    until = now(tx) + round(hold_seconds * MICROSECOND)
    return tx.execute(update(webhook).where(*mine).values(free_at=until)).rowcount == 1


def free(tx: Tx, webhook_id: int, holder: str, *, pause_seconds: float) -> None:
    mine = webhook.c.id == webhook_id, webhook.c.holder == holder
    pause = now(tx) + round(pause_seconds * MICROSECOND)
    tx.execute(update(webhook).where(*mine).values(holder="", free_at=pause))


def next_of(tx: Tx, webhook_id: int) -> Row | None:
    """What is to be delivered next."""
    ready = webhook_delivery.c.webhook_id == webhook_id, webhook_delivery.c.state == PENDING, *_ready(now(tx))
    query = select(webhook_delivery).where(*ready).order_by(webhook_delivery.c.id).limit(1)
    return tx.execute(query).mappings().first()


def next_due_seconds(tx: Tx) -> float | None:
    """Until something can be delivered; None when nothing waits."""
    micros = tx.execute(_NEXT_DUE[tx.dialect.name == "sqlite"]).scalar()
    return None if micros is None else max(0.0, micros / MICROSECOND)


def settle(tx: Tx, delivery_id: int, values: Mapping[str, Any], *, delay_seconds: float = 0.0) -> None:
    """Note what came of an attempt; one that is to be tried again is so after the delay."""
    due_at = now(tx) + round(delay_seconds * MICROSECOND)
    mine = webhook_delivery.c.id == delivery_id
    tx.execute(update(webhook_delivery).where(mine).values(due_at=due_at, **values))


def deliveries(tx: Tx, webhook_id: int, *, skip: int, limit: int) -> tuple[list[Row], int]:
    """(newest first, how many there are)."""
    mine = webhook_delivery.c.webhook_id == webhook_id
    query = select(webhook_delivery).where(mine).order_by(webhook_delivery.c.id.desc()).offset(skip).limit(limit)
    total = tx.execute(select(func.count()).where(mine)).scalar_one()
    return list(tx.execute(query).mappings()), int(total)


def delivery_with(tx: Tx, webhook_id: int, uuid: UUID) -> Row | None:
    mine = webhook_delivery.c.webhook_id == webhook_id, webhook_delivery.c.uuid == uuid
    return tx.execute(select(webhook_delivery).where(*mine)).mappings().first()


def forget_before(tx: Tx, moment: datetime) -> None:
    """Deliveries that have come to an end."""
    old = webhook_delivery.c.created_at < moment, webhook_delivery.c.state != PENDING
    tx.execute(delete(webhook_delivery).where(*old))


_EARLIER = webhook_delivery.alias("earlier")
_BLOCKED = exists().where(
    _EARLIER.c.webhook_id == webhook_delivery.c.webhook_id,
    _EARLIER.c.subject == webhook_delivery.c.subject,
    _EARLIER.c.state == PENDING,
    _EARLIER.c.id < webhook_delivery.c.id,
)
"""Something about the same thing goes before."""


def _ready(moment: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return webhook_delivery.c.due_at <= moment, ~_BLOCKED


def _take(moment: ColumnElement[int]) -> ReturningUpdate[Any]:
    waiting = exists().where(
        webhook_delivery.c.webhook_id == webhook.c.id, webhook_delivery.c.state == PENDING, *_ready(moment)
    )
    first = (
        select(webhook.c.id)
        .where(webhook.c.is_active, *come(moment, webhook.c.free_at), waiting.correlate(webhook))
        .order_by(webhook.c.free_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    until = moment + bindparam("hold", type_=BigInteger)
    taken = update(webhook).where(webhook.c.id == first.scalar_subquery())
    return taken.values(holder=bindparam("turn"), free_at=until).returning(webhook.c.id)


def _next_due(moment: ColumnElement[int]) -> Select[Any]:
    due = webhook_delivery.c.due_at
    later = case((webhook.c.free_at > due, webhook.c.free_at), else_=due)
    both = webhook_delivery.join(webhook, webhook.c.id == webhook_delivery.c.webhook_id)
    query = select(func.min(later) - moment).select_from(both)
    return query.where(webhook.c.is_active, webhook_delivery.c.state == PENDING, ~_BLOCKED)


_NEXT_DUE = {True: _next_due(SQLITE_NOW), False: _next_due(POSTGRESQL_NOW)}
_LISTENING = select(webhook.c.id, webhook.c.events).where(
    webhook.c.tenant_id == bindparam("tenant"), webhook.c.is_active
)
_TAKE = {True: _take(SQLITE_NOW), False: _take(POSTGRESQL_NOW)}

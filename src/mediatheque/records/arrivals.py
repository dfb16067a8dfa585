"""Rows of arrivals: files that are promised, coming in, or waiting to be taken into the library.

Whoever takes one in holds a lease on it and names the fence of that lease at the end, as with jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, or_, select, update

from mediatheque.model import Actor, Role
from mediatheque.records.engine import Row, Tx
from mediatheque.records.runs import POSTGRESQL_NOW, SQLITE_NOW
from mediatheque.records.tables import MICROSECOND, arrival, tenant, user
from mediatheque.records.tables.arrivals import EXPIRING
from mediatheque.records.tables.arrivals import UNSETTLED as IS_UNSETTLED
from mediatheque.records.tables.arrivals import WAITING as IS_WAITING

OPEN, WAITING, SETTLING = "open", "waiting", "settling"
LEASE_MICROS = 15 * MICROSECOND
BYTES_PER_MICROSECOND = 2
DONE, SKIPPED, FAILED, EXPIRED = "done", "skipped", "failed", "expired"
UNSETTLED = (OPEN, SETTLING, WAITING)
"""Conditions on these are written as the partial indexes are, so that the planner sees them."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file on its way. `staged_key` names its bytes in the server's own store, `object_key` where they will be."""

    id: int
    uuid: UUID
    tenant_id: int
    user_id: int
    batch_id: int | None
    position: int
    method: str
    state: str
    filename: str
    media_type: str
    size_bytes: int
    received_bytes: int
    options: dict[str, Any]
    object_key: str | None
    staged_key: str | None
    asset_uuid: UUID | None
    error: str | None
    retryable: bool
    fence: int
    lease_until: int
    created_at: datetime
    expires_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def add(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.execute(insert(arrival).returning(arrival.c.id), values).scalar_one())


def arrival_with(tx: Tx, uuid: UUID, tenant_id: int | None, *, for_update: bool = False) -> Arrival | None:
    """`tenant_id` None only where a signature is the permission."""
    query = select(arrival).where(arrival.c.uuid == uuid)
    if tenant_id is not None:
        query = query.where(arrival.c.tenant_id == tenant_id)
    row = tx.execute(query.with_for_update() if for_update else query).mappings().first()
    return None if row is None else _arrival(row)


def promised_key(tx: Tx, key: str, tenant_id: int) -> Arrival | None:
    """The arrival whose bytes were promised this storage key."""
    query = select(arrival).where(arrival.c.object_key == key, arrival.c.tenant_id == tenant_id)
    row = tx.execute(query).mappings().first()
    return None if row is None else _arrival(row)


def of_batch(tx: Tx, batch_id: int) -> list[Arrival]:
    """In the order in which they were sent."""
    query = select(arrival).where(arrival.c.batch_id == batch_id).order_by(arrival.c.position)
    return [_arrival(row) for row in tx.execute(query).mappings()]


def change(tx: Tx, arrival_id: int, values: dict[str, Any], *, among: Sequence[str] | None = None) -> bool:
    """Change it; with `among` only while it is in one of these states. False: nothing was changed."""
    where = [arrival.c.id == arrival_id]
    if among is not None:
        where.append(arrival.c.state.in_(among))
    return tx.execute(update(arrival).where(*where).values(values)).rowcount == 1


def take(tx: Tx, arrival_id: int, among: Sequence[str], now_micros: int) -> int | None:
    """Lease it: the fence, or None when it is in another state or in somebody else's hands."""
    free = or_(arrival.c.state.in_(among), _abandoned(now_micros))
    query = update(arrival).where(arrival.c.id == arrival_id, free).values(_leased(now_micros))
    return tx.execute(query.returning(arrival.c.fence)).scalar()


def take_next(tx: Tx, now_micros: int) -> Arrival | None:
    """Lease one whose bytes wait to be taken in, the longest waiting first."""
    free = and_(IS_WAITING, arrival.c.lease_until <= now_micros)
    first = select(arrival.c.id).where(free).order_by(arrival.c.lease_until, arrival.c.id).limit(1)
    query = update(arrival).where(arrival.c.id == first.with_for_update(skip_locked=True).scalar_subquery())
    row = tx.execute(query.values(_leased(now_micros)).returning(*arrival.c)).mappings().first()
    return None if row is None else _arrival(row)


def any_waits(tx: Tx) -> bool:
    """Whether there are bytes that can be taken in now."""
    return tx.execute(_ANY_WAITS[tx.dialect.name == "sqlite"]).first() is not None


def settle(tx: Tx, arrival_id: int, fence: int, values: dict[str, Any]) -> bool:
    """End the lease with these values; False when it is no longer ours."""
    mine = arrival.c.id == arrival_id, arrival.c.state == SETTLING, arrival.c.fence == fence
    return tx.execute(update(arrival).where(*mine).values(values | {"lease_until": 0})).rowcount == 1


def reserved_bytes(tx: Tx, tenant_id: int, *, but: int | None = None) -> int:
    """Bytes that are promised to arrivals of a tenant, `but` for one of them."""
    query = select(func.coalesce(func.sum(arrival.c.size_bytes), 0)).where(
        arrival.c.tenant_id == tenant_id, IS_UNSETTLED
    )
    return int(tx.execute(query if but is None else query.where(arrival.c.id != but)).scalar_one())


def expired(tx: Tx, moment: datetime, limit: int) -> list[Arrival]:
    """Those whose time was up before the moment; what is being taken in is none of them."""
    query = select(arrival).where(EXPIRING, arrival.c.expires_at < moment, arrival.c.state.not_in((SETTLING, WAITING)))
    return [_arrival(row) for row in tx.execute(query.order_by(arrival.c.expires_at).limit(limit)).mappings()]


def open_among(tx: Tx, uuids: Sequence[UUID]) -> set[UUID]:
    """Those of the arrivals whose bytes are still coming in."""
    query = select(arrival.c.uuid).where(arrival.c.uuid.in_(uuids), arrival.c.state == OPEN)
    return set(tx.execute(query).scalars()) if uuids else set()


def forget(tx: Tx, ids: Sequence[int]) -> None:
    tx.execute(delete(arrival).where(arrival.c.id.in_(ids)))


def actor_of(tx: Tx, it: Arrival) -> Actor:
    """Who sent it, as far as taking it in needs that."""
    query = select(tenant.c.uuid, user.c.uuid.label("user_uuid"))
    query = query.select_from(user.join(tenant, tenant.c.id == user.c.tenant_id)).where(user.c.id == it.user_id)
    row = tx.execute(query).mappings().one()
    return Actor(it.tenant_id, row["uuid"], it.user_id, row["user_uuid"], Role.EDITOR, frozenset(), "arrival")


def hold_tenant(tx: Tx, tenant_id: int) -> None:
    """Keep others from counting this tenant's bytes until the transaction ends."""
    tx.execute(select(tenant.c.id).where(tenant.c.id == tenant_id).with_for_update())


def leased_until(now_micros: int, size_bytes: int) -> int:
    """When a lease on so many bytes ends: they move at 2 MB a second at least."""
    return now_micros + LEASE_MICROS + size_bytes // BYTES_PER_MICROSECOND


def _leased(now_micros: int) -> dict[str, Any]:
    until = now_micros + LEASE_MICROS + arrival.c.size_bytes // BYTES_PER_MICROSECOND
    return {"state": SETTLING, "fence": arrival.c.fence + 1, "lease_until": until}


def _abandoned(now_micros: int) -> ColumnElement[bool]:
    return and_(arrival.c.state == SETTLING, arrival.c.lease_until <= now_micros)


def _arrival(row: Row) -> Arrival:
    return Arrival(**{column.name: row[column.name] for column in arrival.c})


def _any_waits(now: ColumnElement[int]) -> Select[Any]:
    return select(arrival.c.id).where(IS_WAITING, arrival.c.lease_until <= now).limit(1)


# Built once: every worker asks after each job.
_ANY_WAITS = {True: _any_waits(SQLITE_NOW), False: _any_waits(POSTGRESQL_NOW)}

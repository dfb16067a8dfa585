"""Rows of what happens in the library, and of who looks at which artifact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact, event, room, tenant, user, viewing


@dataclass(frozen=True, slots=True)
class Told:
    """One event; `content` is JSON. What does not happen in a room has none."""

    id: int
    uuid: UUID
    tenant_uuid: UUID
    room_id: int | None
    room_uuid: UUID | None
    subject: UUID
    kind: str
    content: str
    created_at: datetime


def add(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(_ADD, dict(values))


def newest(tx: Tx) -> int:
    return int(tx.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one())


def after(tx: Tx, event_id: int, limit: int) -> list[Told]:
    """Events of rooms with higher numbers, in their order."""
    query = _EVENTS.where(event.c.id > event_id, event.c.room_id.is_not(None)).order_by(event.c.id).limit(limit)
    return [_told(row) for row in tx.execute(query).mappings()]


def of_tenant(tx: Tx, tenant_id: int, event_id: int, limit: int, *, but: str) -> list[Told]:
    """All events of a tenant with higher numbers, in their order, except of this kind."""
    mine = event.c.tenant_id == tenant_id, event.c.id > event_id, event.c.kind != but
    return [_told(row) for row in tx.execute(_EVENTS.where(*mine).order_by(event.c.id).limit(limit)).mappings()]


def oldest(tx: Tx) -> int | None:
    return tx.execute(select(func.min(event.c.id))).scalar()


def forget_before(tx: Tx, moment: datetime, kind: str | None = None) -> None:
    """Of this kind or all; not the last one: SQLite would give the numbers of a table that is empty out again."""
    last = select(func.max(event.c.id)).scalar_subquery()
    old = delete(event).where(event.c.created_at < moment, event.c.id < last)
    tx.execute(old if kind is None else old.where(event.c.kind == kind))


def view(tx: Tx, session: UUID, tenant_id: int, artifact_id: int, user_id: int, until: datetime) -> None:
    """Note that this connection looks at an artifact, and at no other, until then."""
    what = {"artifact_id": artifact_id, "user_id": user_id, "until": until}
    insert_here = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    putting = insert_here(viewing).values(session=session, tenant_id=tenant_id, **what)
    tx.execute(putting.on_conflict_do_update(index_elements=["session"], set_=what))


def viewed(tx: Tx, session: UUID) -> int | None:
    """The artifact that this connection looks at."""
    return tx.execute(select(viewing.c.artifact_id).where(viewing.c.session == session)).scalar()


def turn_away(tx: Tx, session: UUID) -> None:
    tx.execute(delete(viewing).where(viewing.c.session == session))


def viewers(tx: Tx, artifact_id: int, now: datetime) -> list[UUID]:
    """Ids of the users who look at an artifact, each once."""
    query = select(user.c.uuid).join(viewing, viewing.c.user_id == user.c.id)
    mine = viewing.c.artifact_id == artifact_id, viewing.c.until > now
    return sorted(set(tx.execute(query.where(*mine)).scalars()))


def lapsed(tx: Tx, now: datetime, limit: int) -> list[Row]:
    """(session, artifact, tenant) of connections that are gone without a word."""
    query = select(viewing.c.session, viewing.c.artifact_id, viewing.c.tenant_id).where(viewing.c.until <= now)
    return list(tx.execute(query.order_by(viewing.c.until).limit(limit)).mappings())


def place_of(tx: Tx, artifact_id: int) -> Row | None:
    """Tenant and room of an artifact that is there, and its id."""
    shown = artifact.c.tenant_id, artifact.c.room_id, artifact.c.uuid
    query = select(*shown).where(artifact.c.id == artifact_id, artifact.c.deleted_at.is_(None))
    return tx.execute(query).mappings().first()


_ADD = insert(event)
_EVENTS = (
    select(
        event.c.id, event.c.uuid, event.c.room_id, event.c.subject, event.c.kind, event.c.content,
        event.c.created_at, tenant.c.uuid.label("tenant_uuid"), room.c.uuid.label("room_uuid"),
    )
    .join(tenant, tenant.c.id == event.c.tenant_id)
    .outerjoin(room, room.c.id == event.c.room_id)
)  # fmt: skip


def _told(row: Row) -> Told:
    return Told(**{name: row[name] for name in Told.__dataclass_fields__})

"""Rows of what is told to the websockets, and of who looks at which artifact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact, room, room_event, tenant, user, viewing


@dataclass(frozen=True, slots=True)
class Told:
    """One event; `content` is JSON."""

    id: int
    uuid: UUID
    tenant_uuid: UUID
    room_id: int
    room_uuid: UUID
    kind: str
    content: str
    created_at: datetime


def add(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(insert(room_event), dict(values))


def newest(tx: Tx) -> int:
    return int(tx.execute(select(func.coalesce(func.max(room_event.c.id), 0))).scalar_one())


def after(tx: Tx, event_id: int, limit: int) -> list[Told]:
    """Events with higher numbers, in their order."""
    query = _EVENTS.where(room_event.c.id > event_id).order_by(room_event.c.id).limit(limit)
    return [_told(row) for row in tx.execute(query).mappings()]


def forget_before(tx: Tx, moment: datetime) -> None:
    """All but the last one: SQLite would give the numbers of a table that is empty out again."""
    last = select(func.max(room_event.c.id)).scalar_subquery()
    tx.execute(delete(room_event).where(room_event.c.created_at < moment, room_event.c.id < last))


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


_EVENTS = (
    select(
        room_event.c.id, room_event.c.uuid, room_event.c.room_id, room_event.c.kind, room_event.c.content,
        room_event.c.created_at, tenant.c.uuid.label("tenant_uuid"), room.c.uuid.label("room_uuid"),
    )
    .join(tenant, tenant.c.id == room_event.c.tenant_id)
    .join(room, room.c.id == room_event.c.room_id)
)  # fmt: skip


def _told(row: Row) -> Told:
    return Told(**{name: row[name] for name in Told.__dataclass_fields__})

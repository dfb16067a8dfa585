"""Rows of rooms and of their members."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.authoring import Member, Room, RoomState
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import room, room_member, user


def add(tx: Tx, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(room).returning(room.c.id), dict(values)).scalar_one())


def room_with(tx: Tx, tenant_id: int, uuid: UUID, *, hold: bool = False, change: bool = False) -> Room | None:
    """The room; `hold`: nobody changes its state before the transaction ends, `change`: nobody else looks at it so."""
    query = select(room).where(room.c.tenant_id == tenant_id, room.c.uuid == uuid)
    if hold or change:
        query = query.with_for_update(read=not change)
    row = tx.execute(query).mappings().first()
    return None if row is None else _room(row)


def change(tx: Tx, room_id: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(room).where(room.c.id == room_id).values(dict(values)))


def page(tx: Tx, tenant_id: int, user_id: int | None, *, skip: int, limit: int) -> tuple[list[Room], int]:
    """Rooms, newest first, and how many: those that the user is a member of, or (None) all of the tenant."""
    narrow: list[ColumnElement[bool]] = [room.c.tenant_id == tenant_id]
    if user_id is not None:
        narrow.append(exists().where(room_member.c.room_id == room.c.id, room_member.c.user_id == user_id))
    total = tx.execute(select(func.count()).select_from(room).where(*narrow)).scalar_one()
    found = tx.execute(select(room).where(*narrow).order_by(room.c.id.desc()).offset(skip).limit(limit)).mappings()
    return [_room(row) for row in found], int(total)


def power_of(tx: Tx, room_id: int, user_id: int) -> int | None:
    """The member's level; None: no member."""
    mine = room_member.c.room_id == room_id, room_member.c.user_id == user_id
    return tx.execute(select(room_member.c.power_level).where(*mine)).scalar()


def put_member(tx: Tx, it: Room, user_id: int, power_level: int, now: datetime) -> None:
    """Add a member, or change its level."""
    values = {"room_id": it.id, "user_id": user_id, "tenant_id": it.tenant_id, "power_level": power_level}
    insert_here = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    putting = insert_here(room_member).values(values | {"joined_at": now})
    tx.execute(
        putting.on_conflict_do_update(
            index_elements=[room_member.c.room_id, room_member.c.user_id], set_={"power_level": power_level}
        )
    )


def remove_member(tx: Tx, room_id: int, user_id: int) -> bool:
    """False when there was none."""
    mine = room_member.c.room_id == room_id, room_member.c.user_id == user_id
    return tx.execute(delete(room_member).where(*mine)).rowcount == 1


def member(tx: Tx, room_id: int, user_id: int) -> Member | None:
    row = tx.execute(_members(room_id).where(room_member.c.user_id == user_id)).mappings().first()
    return None if row is None else _member(row)


def members(tx: Tx, room_id: int, *, skip: int, limit: int) -> tuple[list[Member], int]:
    """The strongest first, then in the order they came; and how many."""
    order = room_member.c.power_level.desc(), room_member.c.joined_at, room_member.c.user_id
    found = tx.execute(_members(room_id).order_by(*order).offset(skip).limit(limit)).mappings()
    count = select(func.count()).select_from(room_member).where(room_member.c.room_id == room_id)
    return [_member(row) for row in found], int(tx.execute(count).scalar_one())


def readers(tx: Tx, room_ids: Sequence[int]) -> dict[int, set[int]]:
    """Rows of the users who may read artifacts, by room."""
    query = (
        select(room_member.c.room_id, room_member.c.user_id)
        .join(room, room.c.id == room_member.c.room_id)
        .where(room.c.id.in_(room_ids), room_member.c.power_level >= room.c.artifact_read_power)
    )
    found: dict[int, set[int]] = {room_id: set() for room_id in room_ids}
    for room_id, user_id in tx.execute(query):
        found[room_id].add(user_id)
    return found


def readable_by(user_id: int) -> Select[int]:
    """Rows of the rooms whose artifacts the user may read."""
    mine = room_member.c.user_id == user_id, room_member.c.power_level >= room.c.artifact_read_power
    return select(room_member.c.room_id).join(room, room.c.id == room_member.c.room_id).where(*mine)


def _members(room_id: int) -> Select[Any]:
    shown = room_member.c.power_level, room_member.c.joined_at, user.c.uuid.label("user_uuid")
    return (
        select(*shown).join_from(room_member, user, user.c.id == room_member.c.user_id)
        .where(room_member.c.room_id == room_id)
    )  # fmt: skip


def _room(row: Row) -> Room:
    values = {name: row[name] for name in Room.__dataclass_fields__}
    return Room(**values | {"state": RoomState(row["state"])})


def _member(row: Row) -> Member:
    return Member(**{name: row[name] for name in Member.__dataclass_fields__})

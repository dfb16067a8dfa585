"""Rooms: made, changed, and who is in them (running.md, "Rooms and the AI's tools"; contract, 10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from mediatheque.authoring import MAX_POWER, Member, Room, RoomState
from mediatheque.core import admission, names
from mediatheque.core.idempotency import Keeper
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Actor, Role
from mediatheque.records import rooms, users
from mediatheque.records.engine import Database, Tx

READ_POWER, WRITE_POWER = 0, 10
"""Of a new room (contract, 4.1)."""
POWERS = ("artifact_read_power", "artifact_write_power")

Thing = TypeVar("Thing")
Asked = Callable[[], Thing]
"""What a request's body asks for. It is read, and found to be good or bad, only after everything else was looked at."""


@dataclass(frozen=True, slots=True)
class RoomPage:
    rooms: list[Room]
    total: int


@dataclass(frozen=True, slots=True)
class MemberPage:
    members: list[Member]
    total: int


class Rooms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, actor: Actor, asked: Asked[str], *, remembering: Keeper[Room] | None = None) -> Room:
        """A new room of that name, with the actor in full power; raises `Invalid`."""
        name = _name(asked())
        values: dict[str, Any] = {
            "uuid": uuid4(), "tenant_id": actor.tenant_id, "name": name, "state": RoomState.OPEN,
            "artifact_read_power": READ_POWER, "artifact_write_power": WRITE_POWER, "created_at": datetime.now(UTC),
        }  # fmt: skip
        with self._database.write() as tx:
            made = Room(id=rooms.add(tx, values), **values)
            rooms.put_member(tx, made, actor.user_id, MAX_POWER, made.created_at)
            if remembering:
                remembering.keep(tx, made)
        return made

    def page(self, actor: Actor, *, skip: int, limit: int) -> RoomPage:
        """The actor's rooms, newest first; an administrator sees all of the tenant."""
        user_id = None if actor.role is Role.ADMIN else actor.user_id
        with self._database.read() as tx:
            return RoomPage(*rooms.page(tx, actor.tenant_id, user_id, skip=skip, limit=limit))

    def get(self, actor: Actor, room: UUID | None) -> Room:
        """Raises `NotFound`, `NotMember`."""
        with self._database.read() as tx:
            return admission.seen(tx, actor, room)

    def change(self, actor: Actor, room: UUID | None, asked: Asked[Mapping[str, Any]]) -> Room:
        """Set the name, the state, the powers. Raises `NotFound`, `NotMember`, `Forbidden`, `RoomFrozen`, `Invalid`."""
        with self._database.write() as tx:
            it = admission.ruled(tx, actor, room)
            changes = _checked(asked())
            if changes:
                rooms.change(tx, it.id, changes)
            return admission.room_of(tx, actor, room)

    def put_member(self, actor: Actor, room: UUID | None, user: UUID | None, asked: Asked[int]) -> Member:
        """Add somebody of the tenant, or change the level. Raises as `change` does, `NotFound` also of the user."""
        with self._database.write() as tx:
            it = admission.staffed(tx, actor, room)
            user_id = _user(tx, actor, user)
            rooms.put_member(tx, it, user_id, _power(asked(), "power_level"), datetime.now(UTC))
            found = rooms.member(tx, it.id, user_id)
        assert found is not None
        return found

    def remove_member(self, actor: Actor, room: UUID | None, user: UUID | None) -> None:
        """Take somebody out; members may go by themselves. Raises as `put_member` does."""
        with self._database.write() as tx:
            it = admission.staffed(tx, actor, room, user)
            if not rooms.remove_member(tx, it.id, _user(tx, actor, user)):
                raise NotFound("Member not found").about("member")

    def members(self, actor: Actor, room: UUID | None, *, skip: int, limit: int) -> MemberPage:
        """Raises `NotFound`, `NotMember`."""
        with self._database.read() as tx:
            it = admission.seen(tx, actor, room)
            return MemberPage(*rooms.members(tx, it.id, skip=skip, limit=limit))


def _user(tx: Tx, actor: Actor, uuid: UUID | None) -> int:
    row = None if uuid is None else users.user_with(tx, actor.tenant_id, uuid)
    if row is None:
        raise NotFound("User not found").about("member")
    return int(row["id"])


def _checked(asked: Mapping[str, Any]) -> dict[str, Any]:
    changes = dict(asked)
    if "name" in changes:
        changes["name"] = _name(changes["name"])
    for name in POWERS:
        if name in changes:
            _power(changes[name], name)
    return changes


def _name(value: str) -> str:
    name = (names.text(value, "name", names.MAX_NAME_CHARS) or "").strip()
    if not name:
        raise Invalid("String should have at least 1 character", field=("name",), kind="string_too_short")
    return name


def _power(value: int, field: str) -> int:
    if not 0 <= value <= MAX_POWER:
        raise Invalid(f"Must be between 0 and {MAX_POWER}", field=(field,), kind="out_of_range")
    return value

"""Who may do what in a room: always looked at in the same order (contract, 4.1): room, membership, power, state."""

from enum import StrEnum
from uuid import UUID

from mediatheque.authoring import MAX_POWER, Room, RoomState
from mediatheque.errors import Forbidden, NotFound, NotMember, RoomFrozen
from mediatheque.model import Actor, Role
from mediatheque.records import rooms
from mediatheque.records.engine import Tx


class Need(StrEnum):
    """What somebody wants to do with a room's artifacts."""

    READ = "read"
    OVERSEE = "oversee"
    """See and take back what was given away: for those who may write, also where nothing is written any more."""
    WRITE = "write"


def room_of(tx: Tx, actor: Actor, uuid: UUID | None, *, hold: bool = False, change: bool = False) -> Room:
    """A room of the actor's tenant; raises `NotFound`."""
    it = None if uuid is None else rooms.room_with(tx, actor.tenant_id, uuid, hold=hold, change=change)
    if it is None:
        raise NotFound("Room not found").about("room")
    return it


def admitted(tx: Tx, actor: Actor, uuid: UUID | None, need: Need) -> Room:
    """The room, for somebody who may read or write artifacts there; to write holds its state.

    Raises `NotFound`, `NotMember`, `Forbidden` of too little power, `RoomFrozen`.
    """
    it = room_of(tx, actor, uuid, hold=need is Need.WRITE)
    power = _power(tx, actor, it)
    demand(power, it.artifact_read_power)
    if need is not Need.READ:
        demand(power, it.artifact_write_power)
    if need is Need.WRITE and it.state is not RoomState.OPEN:
        raise RoomFrozen(f"The room is {it.state}")
    return it


def seen(tx: Tx, actor: Actor, uuid: UUID | None) -> Room:
    """The room, for a member or an administrator; raises `NotFound`, `NotMember`."""
    it = room_of(tx, actor, uuid)
    if actor.role is not Role.ADMIN:
        _power(tx, actor, it)
    return it


def ruled(tx: Tx, actor: Actor, uuid: UUID | None) -> Room:
    """The room, held, for a member who may change it; raises `NotFound`, `NotMember`, `Forbidden`, `RoomFrozen`."""
    it = room_of(tx, actor, uuid, change=True)
    demand(_power(tx, actor, it), MAX_POWER)
    return _not_closed(it)


def staffed(tx: Tx, actor: Actor, uuid: UUID | None, user_uuid: UUID | None = None) -> Room:
    """The room, held, for somebody who may say who is in it: full power, an administrator, or whom it concerns."""
    it = room_of(tx, actor, uuid, change=True)
    if actor.role is not Role.ADMIN:
        power = _power(tx, actor, it)
        if user_uuid != actor.user_uuid:
            demand(power, MAX_POWER)
    return _not_closed(it)


def demand(power: int, needed: int) -> None:
    """Raise `Forbidden` for too little power."""
    if power < needed:
        raise Forbidden(f"This needs power level {needed} in the room; yours is {power}")


def _power(tx: Tx, actor: Actor, it: Room) -> int:
    power = rooms.power_of(tx, it.id, actor.user_id)
    if power is None:
        raise NotMember
    return power


def _not_closed(it: Room) -> Room:
    if it.state is RoomState.CLOSED:
        raise RoomFrozen("The room is closed")
    return it

"""What happens to artifacts, told to every process as it happens, and who looks at which just now (contract, 4.4).

An event is a row of the transaction that it tells of, so that none is told that did not happen and none that
happened is lost to somebody who listens; a signal only says that there are new rows.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mediatheque.authoring import Artifact, Event
from mediatheque.core import admission
from mediatheque.core.admission import Need
from mediatheque.core.events import BATCH, SETTLED, tell
from mediatheque.core.news import News as Hints
from mediatheque.errors import NotFound, Unavailable
from mediatheque.model import Actor
from mediatheque.records import artifacts, events, rooms
from mediatheque.records.engine import Database, Tx
from mediatheque.records.events import Told
from mediatheque.records.signals import Signals

VIEW_SECONDS = 60
"""How long a connection counts as looking without saying so again."""


@dataclass(frozen=True, slots=True)
class News:
    """An event and the rows of the users whom it may be told to."""

    event: Told
    readers: set[int]


class Stream:
    def __init__(self, database: Database, signals: Signals, hints: Hints, listening: Callable[[], Signals]) -> None:
        self._database = database
        self._signals = signals
        self._hints = hints
        self._listening = listening

    def tell(self, tx: Tx, it: Artifact, kind: Event, **more: Any) -> None:
        """Record what happens to an artifact, in the transaction in which it does; `wake` follows the commit."""
        content = {"artifact_id": str(it.uuid), "version": it.version, "title": it.title,
                   "editor_id": str(it.editor_uuid)} | more  # fmt: skip
        tell(tx, it.tenant_id, kind, it.uuid, content, room=(it.room_id, it.room_uuid))

    def wake(self) -> None:
        self._signals.send()
        self._hints.tell()

    def listener(self) -> "Listener":
        """For one process: what is new since it began to listen."""
        return Listener(self._database, self._listening())

    def view(self, actor: Actor, session: UUID, room: UUID | None, artifact: UUID | None) -> None:
        """Note that this connection looks at an artifact, for a minute; raises as reading it does."""
        with self._database.write() as tx:
            it = _artifact(tx, actor, room, artifact)
            before = events.viewed(tx, session)
            until = datetime.now(UTC) + timedelta(seconds=VIEW_SECONDS)
            events.view(tx, session, it.tenant_id, it.id, actor.user_id, until)
            if before != it.id:
                _tell_presence(tx, it.id)
                if before is not None:
                    _tell_presence(tx, before)
        if before != it.id:
            self.wake()

    def leave(self, session: UUID) -> None:
        """This connection looks at nothing any more."""
        with self._database.write() as tx:
            before = events.viewed(tx, session)
            if before is None:
                return
            events.turn_away(tx, session)
            _tell_presence(tx, before)
        self.wake()

    def viewers(self, actor: Actor, room: UUID | None, artifact: UUID | None) -> list[UUID]:
        """Ids of the users who look at an artifact; raises as reading it does."""
        with self._database.read() as tx:
            it = _artifact(tx, actor, room, artifact)
            return events.viewers(tx, it.id, datetime.now(UTC))

    def tidy(self) -> None:
        """Forget connections that are gone without a word."""
        now = datetime.now(UTC)
        with self._database.hasten() as tx:
            gone = events.lapsed(tx, now, BATCH)
            for row in gone:
                events.turn_away(tx, row["session"])
            for artifact_id in {row["artifact_id"] for row in gone}:
                _tell_presence(tx, artifact_id)
        if gone:
            self.wake()


class Listener:
    """One process's ear. Numbers are given out before transactions end, so an event may come after one with a higher
    number: what was told lately is remembered, and looked past again."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._settled = 0
        self._lately: dict[int, datetime] = {}
        signals.wait(0)  # from here on signals are heard
        with suppress(Unavailable), database.read() as tx:
            self._settled = events.newest(tx)

    def wait(self, timeout_seconds: float) -> bool:
        """Until a signal (True), or so long."""
        return self._signals.wait(timeout_seconds)

    def news(self) -> list[News]:
        """What has not been told yet, in its order; raises `Unavailable`."""
        with self._database.read() as tx:
            found = [it for it in _all_after(tx, self._settled) if it.id not in self._lately]
            readers = rooms.readers(tx, sorted({it.room_id for it in found if it.room_id is not None}))
        self._remember(found)
        return [News(it, readers.get(it.room_id or 0, set())) for it in found]

    def close(self) -> None:
        self._signals.close()

    def _remember(self, told: Sequence[Told]) -> None:
        self._lately |= {it.id: it.created_at for it in told}
        until = datetime.now(UTC) - SETTLED
        for event_id in [event_id for event_id, created_at in self._lately.items() if created_at < until]:
            self._settled = max(self._settled, event_id)
            del self._lately[event_id]


def _all_after(tx: Tx, event_id: int) -> list[Told]:
    found: list[Told] = []
    while True:
        page = events.after(tx, found[-1].id if found else event_id, BATCH)
        found += page
        if len(page) < BATCH:
            return found


def _artifact(tx: Tx, actor: Actor, room: UUID | None, artifact: UUID | None) -> Artifact:
    place = admission.admitted(tx, actor, room, Need.READ)
    it = None if artifact is None else artifacts.artifact_with(tx, place.id, artifact)
    if it is None:
        raise NotFound("Artifact not found").about("artifact")
    return it


def _tell_presence(tx: Tx, artifact_id: int) -> None:
    place = events.place_of(tx, artifact_id)
    if place is not None:
        viewers = [str(uuid) for uuid in events.viewers(tx, artifact_id, datetime.now(UTC))]
        content = {"artifact_id": str(place["uuid"]), "viewers": viewers}
        tell(tx, place["tenant_id"], Event.PRESENCE, place["uuid"], content, room=(place["room_id"], None))

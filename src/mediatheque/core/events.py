"""What happens in the library: rows of the transactions that they tell of, and who is told of them (decision 0022).

One row, whoever listens: rooms' websockets read the same rows as event streams, and a webhook's delivery is added in
the same transaction, so that none is told that did not happen and none that happened is lost.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from mediatheque.authoring import Event
from mediatheque.core.access import require
from mediatheque.errors import Forbidden, Gone
from mediatheque.model import Actor, Asset, Role
from mediatheque.records import assets, events, rooms, webhooks
from mediatheque.records.engine import Database, Tx
from mediatheque.records.events import Told

KEPT = timedelta(days=3)
"""How long an event can be gone on from."""
SETTLED = timedelta(seconds=10)
"""How long a transaction may take: by then all that have lower numbers than an event are there too."""
BATCH = 500


class Topic(StrEnum):
    """What the outside is told of."""

    ASSET_READY = "asset.ready"
    ASSET_DELETED = "asset.deleted"
    ASSET_RESTORED = "asset.restored"
    FINDING_WRITTEN = "finding.written"
    CRAWL_DONE = "crawl.done"
    ARTIFACT_CHANGED = "artifact.changed"


@dataclass(frozen=True, slots=True)
class News:
    """An event as the outside sees it; `cursor`: where to go on after it."""

    uuid: UUID
    topic: Topic
    created_at: datetime
    content: Mapping[str, Any]
    cursor: int


def tell_of(tx: Tx, it: Asset, topic: Topic, **more: Any) -> None:
    """Record what happens to an asset, in the transaction in which it does."""
    content = {"asset_id": str(it.uuid), "kind": it.kind, "filename": it.original_filename or it.filename,
               "media_type": it.blob.media_type, "size_bytes": it.blob.size_bytes}  # fmt: skip
    tell(tx, it.tenant_id, topic, it.uuid, content | more)


def tell_if_ready(tx: Tx, it: Asset, *, is_awaited: bool) -> None:
    """Of a new asset: it can be used at once unless a run is awaited, which then tells."""
    if not is_awaited and assets.make_ready(tx, it.id, it.created_at):
        tell_of(tx, it, Topic.ASSET_READY)


def tell(
    tx: Tx,
    tenant_id: int,
    kind: Topic | Event,
    subject: UUID,
    content: Mapping[str, Any],
    *,
    room: tuple[int, UUID | None] | None = None,
) -> None:
    """Record an event about `subject`, and what of it is to be delivered. Who listens is woken after the commit."""
    uuid, now = uuid4(), datetime.now(UTC)
    room_id, room_uuid = room or (None, None)
    values = {"uuid": uuid, "tenant_id": tenant_id, "room_id": room_id, "subject": subject, "kind": kind}
    events.add(tx, values | {"content": json.dumps(content), "created_at": now})
    topic = topic_of(kind)
    told = webhooks.listening(tx, tenant_id, topic) if topic else []
    if topic and told:
        body = body_of(topic, now, outside(kind, content, room_uuid))
        row = {"tenant_id": tenant_id, "event_uuid": uuid, "subject": subject, "kind": topic, "body": body,
               "state": webhooks.PENDING, "created_at": now}  # fmt: skip
        webhooks.deliver(tx, [row | {"uuid": uuid4(), "webhook_id": webhook_id} for webhook_id in told])


def topic_of(kind: str) -> Topic | None:
    """None for what stays inside: who looks at what."""
    if kind == Event.PRESENCE:
        return None
    return Topic(kind) if kind in set(Topic) else Topic.ARTIFACT_CHANGED


def outside(kind: str, content: Mapping[str, Any], room_uuid: UUID | None) -> dict[str, Any]:
    """An event's content as the outside sees it: what happens to an artifact says so, and in which room."""
    if kind in set(Topic):
        return dict(content)
    return {"change": kind.rpartition(".")[2], "room_id": str(room_uuid), **content}


def body_of(topic: str, created_at: datetime, content: Mapping[str, Any]) -> str:
    """JSON as the Standard Webhooks have it: `type`, `timestamp`, `data`."""
    return json.dumps({"type": topic, "timestamp": created_at.isoformat().replace("+00:00", "Z"), "data": content})


class Events:
    def __init__(self, database: Database) -> None:
        self._database = database

    def follow(self, actor: Actor, after: int | None) -> "Following":
        """From the cursor on, or from now on; raises `Gone` when what came after the cursor is no longer kept."""
        with self._database.read() as tx:
            oldest = events.oldest(tx)
            start = events.newest(tx) if after is None else after
        if after is not None and oldest is not None and after < oldest - 1:
            raise Gone("What came after this cursor is no longer kept: read the state, and begin without one")
        return Following(self._database, actor, start)

    def tidy(self) -> None:
        """Forget what is no longer kept, and who looked at what an hour ago."""
        now = datetime.now(UTC)
        with self._database.hasten() as tx:
            events.forget_before(tx, now - KEPT)
            events.forget_before(tx, now - timedelta(hours=1), Event.PRESENCE)


class Following:
    """Somebody who is told of a tenant's events, each in its turn; after a break some may be told once more.

    PostgreSQL gives numbers out before transactions end, so an event may come after one with a higher number: what was
    told lately is looked past again, and the cursor stays behind it.
    """

    def __init__(self, database: Database, actor: Actor, start: int) -> None:
        self._database = database
        self._actor = actor
        self._lately: dict[int, datetime] = {}
        self._waits = timedelta(0) if database.is_sqlite else SETTLED
        self.cursor = start

    def news(self) -> list[News]:
        """What has not been told yet, a batch at most; raises `Unavailable`."""
        with self._database.read() as tx:
            limit = BATCH + len(self._lately)
            page = events.of_tenant(tx, self._actor.tenant_id, self.cursor, limit, but=Event.PRESENCE)
            found = [it for it in page if it.id not in self._lately]
            readers = rooms.readers(tx, sorted({it.room_id for it in found if it.room_id is not None}))
        told = [(it, self._remember(it)) for it in found]
        self._settle()
        return [news for it, news in told if self._may_read(it, readers)]

    def _may_read(self, it: Told, readers: Mapping[int, set[int]]) -> bool:
        if it.room_id is None:
            return True
        try:
            require(self._actor, "artifacts.read")
        except Forbidden:
            return False
        return self._actor.role is Role.ADMIN or self._actor.user_id in readers.get(it.room_id, ())

    def _remember(self, it: Told) -> News:
        self._lately[it.id] = it.created_at
        self._settle()
        topic = topic_of(it.kind)
        assert topic is not None
        return News(it.uuid, topic, it.created_at, outside(it.kind, json.loads(it.content), it.room_uuid), self.cursor)

    def _settle(self) -> None:
        until = datetime.now(UTC) - self._waits
        for event_id in [event_id for event_id, created_at in self._lately.items() if created_at <= until]:
            self.cursor = max(self.cursor, event_id)
            del self._lately[event_id]

"""Webhooks: a tenant's own addresses that are told what happens in its library (decision 0022, docs/webhooks.md)."""

import base64
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque.clients.addresses import FetchFailed
from mediatheque.core import audit, names
from mediatheque.core.delivering import Post, attempted
from mediatheque.core.events import Topic, body_of
from mediatheque.core.sealing import Sealer
from mediatheque.errors import Conflict, Invalid, NotFound, Unavailable
from mediatheque.model import Actor
from mediatheque.records import webhooks
from mediatheque.records.engine import Database, Row, Tx
from mediatheque.records.signals import Signals

MAX_WEBHOOKS = 20
"""Of one tenant: each costs a row for every event."""
MAX_URL_CHARS, MAX_DESCRIPTION_CHARS = 2048, 255
SECRET_BYTES = 24
FORMER_HOURS = 24
"""How long what is delivered is signed with the former secret, too."""
TESTS_AT_ONCE = 4
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """`disabled_reason`: why we gave it up; `failures`: attempts since the last that succeeded."""

    uuid: UUID
    url: str
    description: str | None
    events: tuple[Topic, ...]
    is_active: bool
    disabled_reason: str | None
    failures: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook. `next_attempt_at` None: it has come to an end."""

    uuid: UUID
    event_uuid: UUID
    kind: str
    state: str
    attempts: int
    status: int | None
    error: str | None
    duration_ms: int | None
    body: str
    created_at: datetime
    attempted_at: datetime | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    deliveries: list[Delivery]
    total: int


class Webhooks:
    def __init__(self, database: Database, post: Post, sealer: Sealer, signals: Signals) -> None:
        self._database = database
        self._post = post
        self._sealer = sealer
        self._signals = signals
        self._tests = threading.BoundedSemaphore(TESTS_AT_ONCE)

    def all(self, actor: Actor) -> list[Webhook]:
        """Oldest first."""
        with self._database.read() as tx:
            return [_webhook(row) for row in webhooks.all_of(tx, actor.tenant_id)]

    def get(self, actor: Actor, uuid: UUID) -> Webhook:
        with self._database.read() as tx:
            return _webhook(_row(tx, actor, uuid))

    def create(self, actor: Actor, given: Mapping[str, Any]) -> tuple[Webhook, str]:
        """`url`, `events`, `description`, `is_active`; (it, its secret, which is told only now).

        Raises `Invalid`, also of an address that may not be reached, and `Conflict` when there are too many.
        """
        values = {"events": list(Topic), "is_active": True} | self._checked(actor, given)
        secret, uuid, now = _new_secret(), uuid4(), datetime.now(UTC)
        with self._database.write() as tx:
            if len(webhooks.all_of(tx, actor.tenant_id)) >= MAX_WEBHOOKS:
                raise Conflict(f"A tenant has at most {MAX_WEBHOOKS} webhooks")
            fixed = {"uuid": uuid, "tenant_id": actor.tenant_id, "sealed_secret": self._sealer.seal(secret),
                     "created_at": now, "updated_at": now}  # fmt: skip
            webhooks.add(tx, values | fixed)
            audit.note(tx, actor, "webhook.created", uuid, url=values["url"])
            return _webhook(_row(tx, actor, uuid)), secret

    def change(self, actor: Actor, uuid: UUID, given: Mapping[str, Any]) -> Webhook:
        """Set what is named and leave the rest; one that is active again goes on where it was given up.

        Raises `NotFound`, `Invalid`.
        """
        self.get(actor, uuid)
        values = self._checked(actor, given)
        if values.get("is_active"):
            values |= {"disabled_reason": None, "failures": 0, "free_at": 0}
        with self._database.write() as tx:
            row = _row(tx, actor, uuid, lock=True)
            if values:
                webhooks.change(tx, row["id"], values | {"updated_at": datetime.now(UTC)})
                audit.note(tx, actor, "webhook.changed", uuid, fields=sorted(given))
            it = _webhook(_row(tx, actor, uuid))
        self._signals.send()
        return it

    def delete(self, actor: Actor, uuid: UUID) -> None:
        """It is told nothing more, and its log is gone."""
        with self._database.write() as tx:
            row = _row(tx, actor, uuid, lock=True)
            webhooks.remove(tx, row["id"])
            audit.note(tx, actor, "webhook.deleted", uuid, url=row["url"])

    def rotate(self, actor: Actor, uuid: UUID) -> tuple[Webhook, str]:
        """A new secret, told only now; the former one signs beside it for a day."""
        secret, now = _new_secret(), datetime.now(UTC)
        with self._database.write() as tx:
            row = _row(tx, actor, uuid, lock=True)
            values = {"sealed_secret": self._sealer.seal(secret), "sealed_former": row["sealed_secret"],
                      "former_until": now + timedelta(hours=FORMER_HOURS), "updated_at": now}  # fmt: skip
            webhooks.change(tx, row["id"], values)
            audit.note(tx, actor, "webhook.rotated", uuid)
            return _webhook(_row(tx, actor, uuid)), secret

    def test(self, actor: Actor, uuid: UUID) -> Delivery:
        """Deliver something now, once, whether it is active or not; raises `Unavailable` when too many do so."""
        with self._database.read() as tx:
            row = _row(tx, actor, uuid)
        if not self._tests.acquire(blocking=False):
            raise Unavailable("Too many tests at once", retry_after_seconds=10)
        try:
            now, event_uuid = datetime.now(UTC), uuid4()
            body = body_of(TEST, now, {"webhook_id": str(uuid)})
            attempt = self._post.send(row, event_uuid, body)
        finally:
            self._tests.release()
        state = webhooks.DELIVERED if attempt.is_success else webhooks.FAILED
        values = {"uuid": uuid4(), "tenant_id": actor.tenant_id, "webhook_id": row["id"], "event_uuid": event_uuid,
                  "subject": uuid, "kind": TEST, "body": body, "created_at": now}  # fmt: skip
        return self._added(actor, uuid, values | attempted(attempt, 1, state))

    def deliveries(self, actor: Actor, uuid: UUID, *, skip: int, limit: int) -> DeliveryPage:
        """Its log, newest first, as far as it is kept."""
        with self._database.read() as tx:
            rows, total = webhooks.deliveries(tx, _row(tx, actor, uuid)["id"], skip=skip, limit=limit)
            return DeliveryPage([_delivery(row) for row in rows], total)

    def redeliver(self, actor: Actor, uuid: UUID, delivery: UUID) -> Delivery:
        """Deliver the same event again, behind all that waits; raises `NotFound`."""
        with self._database.read() as tx:
            row = _row(tx, actor, uuid)
            told = webhooks.delivery_with(tx, row["id"], delivery)
        if told is None:
            raise NotFound("Delivery not found")
        copied = ("tenant_id", "webhook_id", "event_uuid", "subject", "kind", "body")
        again = {"uuid": uuid4(), "state": webhooks.PENDING, "created_at": datetime.now(UTC)}
        made = self._added(actor, uuid, {name: told[name] for name in copied} | again)
        self._signals.send()
        return made

    def _added(self, actor: Actor, uuid: UUID, values: Mapping[str, Any]) -> Delivery:
        with self._database.write() as tx:
            row = _row(tx, actor, uuid, lock=True)
            webhooks.deliver(tx, [values])
            made = webhooks.delivery_with(tx, row["id"], values["uuid"])
            assert made is not None
            return _delivery(made)

    def _checked(self, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(given)
        if "url" in values:
            values["url"] = self._checked_url(actor, values["url"])
        if "events" in values:
            values["events"] = _checked_events(values["events"])
        if "description" in values:
            values["description"] = names.text(values["description"], "description", MAX_DESCRIPTION_CHARS) or None
        return values

    def _checked_url(self, actor: Actor, url: str) -> str:
        """An absolute http or https URL that the tenant may name (decisions 22)."""
        url = (names.text(url, "url", MAX_URL_CHARS) or "").strip()
        try:
            self._post.check(actor.tenant_id, url)
        except FetchFailed as error:
            raise Invalid(f"The URL is not allowed: {error.message}", field=("url",), kind="url") from error
        return url


def _checked_events(asked: Sequence[str]) -> list[str]:
    known = set(Topic)
    if not asked or not set(asked) <= known:
        raise Invalid(f"One or more of {', '.join(sorted(known))}", field=("events",), kind="events")
    return [topic for topic in Topic if topic in asked]


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def _row(tx: Tx, actor: Actor, uuid: UUID, *, lock: bool = False) -> Row:
    row = webhooks.with_uuid(tx, actor.tenant_id, uuid, lock=lock)
    if row is None:
        raise NotFound("Webhook not found")
    return row


def _webhook(row: Row) -> Webhook:
    values = {name: row[name] for name in Webhook.__dataclass_fields__}
    return Webhook(**values | {"events": tuple(Topic(it) for it in row["events"])})


def _delivery(row: Row) -> Delivery:
    copied = {name: row[name] for name in Delivery.__dataclass_fields__ if name != "next_attempt_at"}
    due_at = datetime.fromtimestamp(row["due_at"] / 1_000_000, UTC) if row["state"] == webhooks.PENDING else None
    return Delivery(**copied, next_attempt_at=due_at)

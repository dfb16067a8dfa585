"""Delivering: events on their way to webhooks, at least once and of each thing in order (decision 0022).

Webhooks take turns: whoever holds one delivers to it alone, one event after another. A receiver that fails is left
alone for a while, so that those who hang keep nobody else waiting for long.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque import __version__
from mediatheque.clients.addresses import FetchFailed
from mediatheque.clients.fetch import Fetch
from mediatheque.core import audit
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.sealing import Sealer
from mediatheque.errors import Unavailable
from mediatheque.model import Reach
from mediatheque.records import webhooks
from mediatheque.records.engine import Database, Row, Tx

DELAYS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 28_800.0)
"""Seconds between the attempts: eleven in 22 hours."""
DEADLINE_SECONDS = 10.0
ANSWER_BYTES = 64 << 10
HOLD_SECONDS = 60.0
TURN_SECONDS = 20.0
"""How long a webhook is delivered to before it is another's turn."""
MAX_PAUSE_SECONDS = 300.0
GONE = 410
LOG_KEPT = timedelta(days=7)
USER_AGENT = f"Mediatheque/{__version__} (webhooks)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one; `status` None: no answer came."""

    status: int | None
    error: str | None
    duration_ms: int
    at: datetime

    @property
    def is_success(self) -> bool:
        return self.error is None


class Post:
    """Sends signed events, to addresses that the tenant may name."""

    def __init__(self, endpoints: Endpoints, sealer: Sealer) -> None:
        self._endpoints = endpoints
        self._sealer = sealer
        self._fetches: dict[Reach, Fetch] = {}

    def check(self, tenant_id: int, url: str) -> None:
        """Raise `FetchFailed` unless the address may be named."""
        self._fetch(tenant_id).check(url)

    def send(self, hook: Row, event_uuid: UUID, body: str) -> Attempt:
        """One POST, without redirects; whatever the receiver does is told in the answer."""
        started, at = time.monotonic(), datetime.now(UTC)
        status, error = None, None
        try:
            headers = {"Content-Type": "application/json", **self._signed(hook, f"evt-{event_uuid}", at, body)}
            with self._fetch(hook["tenant_id"]).stream(
                "POST", hook["url"], headers=headers, content=body.encode(), deadline_seconds=DEADLINE_SECONDS,
                max_bytes=ANSWER_BYTES,
            ) as answer:  # fmt: skip
                status = answer.status
                with suppress(FetchFailed):  # read, so that the connection can be used again
                    for _ in answer.pieces:
                        pass
            error = None if 200 <= status < 300 else f"The receiver answered {status}"
        except (FetchFailed, Unavailable) as problem:
            error = problem.message
        return Attempt(status, error, round((time.monotonic() - started) * 1000), at)

    def _fetch(self, tenant_id: int) -> Fetch:
        reach = self._endpoints.reach(tenant_id)
        if reach not in self._fetches:
            self._fetches[reach] = Fetch(reach, user_agent=USER_AGENT)
        return self._fetches[reach]

    def _signed(self, hook: Row, message: str, at: datetime, body: str) -> dict[str, str]:
        """The three headers of the Standard Webhooks; for a while a former secret signs, too."""
        sealed = [hook["sealed_secret"]]
        if hook["sealed_former"] and hook["former_until"] > at:
            sealed.append(hook["sealed_former"])
        moment = str(int(at.timestamp()))
        signatures = [signature(self._sealer.open(secret), message, moment, body) for secret in sealed]
        return {"webhook-id": message, "webhook-timestamp": moment, "webhook-signature": " ".join(signatures)}


def signature(secret: str, message: str, moment: str, body: str) -> str:
    """`v1,` and the HMAC-SHA256 over id, unix seconds and body, by the key that follows `whsec_` in base 64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message}.{moment}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def attempted(attempt: Attempt, attempts: int, state: str) -> dict[str, Any]:
    """The columns that an attempt leaves behind."""
    return {"state": state, "attempts": attempts, "status": attempt.status, "error": attempt.error,
            "duration_ms": attempt.duration_ms, "attempted_at": attempt.at}  # fmt: skip


class Delivering:
    def __init__(self, database: Database, post: Post) -> None:
        self._database = database
        self._post = post

    def next_due_seconds(self) -> float | None:
        """Until something can be delivered; None when nothing waits."""
        with self._database.read() as tx:
            return webhooks.next_due_seconds(tx)

    def take_turn(self, is_stopping: Callable[[], bool]) -> bool:
        """Deliver what waits for one webhook, for a while; False when nothing waits for any."""
        holder = uuid4().hex
        with self._database.hasten() as tx:
            webhook_id = webhooks.take(tx, holder, hold_seconds=HOLD_SECONDS)
        if webhook_id is None:
            return False
        until, pause_seconds = time.monotonic() + TURN_SECONDS, 0.0
        try:
            while time.monotonic() < until and not is_stopping():
                pause = self._deliver_next(webhook_id, holder)
                if pause is None:
                    break
                if pause:
                    pause_seconds = pause
                    break
        finally:
            with self._database.hasten() as tx:
                webhooks.free(tx, webhook_id, holder, pause_seconds=pause_seconds)
        return True

    def tidy(self) -> None:
        """Forget deliveries that ended long ago."""
        with self._database.hasten() as tx:
            webhooks.forget_before(tx, datetime.now(UTC) - LOG_KEPT)

    def _deliver_next(self, webhook_id: int, holder: str) -> float | None:
        """Seconds for which the webhook is to be left alone; None when there is nothing more to be done here."""
        with self._database.hasten() as tx:
            if not webhooks.hold(tx, webhook_id, holder, hold_seconds=HOLD_SECONDS):
                return None
            hook, told = webhooks.with_id(tx, webhook_id), webhooks.next_of(tx, webhook_id)
        if hook is None or told is None or not hook["is_active"]:
            return None
        attempt = self._post.send(hook, told["event_uuid"], told["body"])
        with self._database.hasten() as tx:
            if not webhooks.hold(tx, webhook_id, holder, hold_seconds=HOLD_SECONDS):
                return None  # we were thought dead, and somebody else delivers it again
            return _settle(tx, webhook_id, told, attempt)


def _settle(tx: Tx, webhook_id: int, told: Row, attempt: Attempt) -> float:
    hook, attempts = webhooks.with_id(tx, webhook_id), told["attempts"] + 1
    assert hook is not None  # it is held
    if attempt.is_success:
        webhooks.settle(tx, told["id"], attempted(attempt, attempts, webhooks.DELIVERED))
        webhooks.change(tx, webhook_id, {"failures": 0, "last_success_at": attempt.at})
        return 0.0
    failures = hook["failures"] + 1
    webhooks.change(tx, webhook_id, {"failures": failures, "last_failure_at": attempt.at})
    if attempts > len(DELAYS):
        webhooks.settle(tx, told["id"], attempted(attempt, attempts, webhooks.FAILED))
        if hook["last_success_at"] is None or hook["last_success_at"] < told["created_at"]:
            _disable(tx, hook, f"Nothing could be delivered for {_hours(told, attempt)} hours: {attempt.error}")
    else:
        values = attempted(attempt, attempts, webhooks.PENDING)
        webhooks.settle(tx, told["id"], values, delay_seconds=DELAYS[attempts - 1])
        if attempt.status == GONE:
            _disable(tx, hook, "The receiver answered 410: it wants nothing more")
    return float(min(2.0 ** min(failures, 20), MAX_PAUSE_SECONDS))


def _hours(told: Row, attempt: Attempt) -> int:
    waited: timedelta = attempt.at - told["created_at"]
    return round(waited.total_seconds() / 3600)


def _disable(tx: Tx, hook: Row, reason: str) -> None:
    webhooks.change(tx, hook["id"], {"is_active": False, "disabled_reason": reason, "updated_at": datetime.now(UTC)})
    audit.note_outside(tx, hook["tenant_id"], "webhook.disabled", hook["uuid"], reason=reason)

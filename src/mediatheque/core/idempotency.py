"""`Idempotency-Key`: the same request again gets the first answer, and never makes a second thing (contract, 10).

What makes an asset or a job keeps its answer in the transaction that makes it (`Remembering`). Other things keep it
right afterwards (`settle`): should the process be killed in between, they are things that cannot be made twice, as
their names are unique.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from mediatheque.errors import BadRequest, Conflict, KeyReused
from mediatheque.model import Actor
from mediatheque.records import idempotency
from mediatheque.records.engine import Database, Duplicate, Tx

Made = TypeVar("Made")
Kept_contra = TypeVar("Kept_contra", contravariant=True)

MAX_KEY_CHARS = 255
KEPT_HOURS = 24
LEASE_SECONDS = 90
"""How long a request may take from its last byte to its answer before another try may take over: more than anybody
waits for a skill."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str


class Keeper(Protocol[Kept_contra]):
    """Something that is written down in the transaction that makes a thing."""

    def keep(self, tx: Tx, made: Kept_contra) -> None: ...


@dataclass(slots=True)
class Remembering(Generic[Made]):
    """Keeps the answer of one request in the transaction that makes the thing."""

    tenant_id: int
    key: str
    status: int
    render: Callable[[Made], str]
    body: str | None = None
    """The answer, once it is kept."""

    def keep(self, tx: Tx, made: Made) -> None:
        self.body = self.render(made)
        idempotency.keep(tx, self.tenant_id, self.key, self.status, self.body)


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, actor: Actor, key: str, request: Iterable[str]) -> Answer | None:
        """The first answer to this request, or None: then it is ours to answer, and `keep` or `release` must follow.

        Raises `BadRequest` for a bad key, `Invalid` when the key was another request's, `Conflict` while the first
        one runs.
        """
        if not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable():
            raise BadRequest(f"Idempotency-Key has 1 to {MAX_KEY_CHARS} printable characters")
        fingerprint = hashlib.sha256("\0".join(request).encode("utf-8", "surrogatepass")).hexdigest()
        try:
            with self._database.write() as tx:
                return self._begin(tx, actor.tenant_id, key, fingerprint)
        except Duplicate:
            raise Conflict("A request with this Idempotency-Key is being processed") from None

    def settle(self, actor: Actor, key: str, status: int, body: str) -> None:
        """Keep what the request was answered, unless the trouble was ours (5xx), which frees the key."""
        if status >= 500:
            self.release(actor, key)
        else:
            with self._database.write() as tx:
                idempotency.keep(tx, actor.tenant_id, key, status, body)

    def release(self, actor: Actor, key: str) -> None:
        """The request failed: its key is free again."""
        with self._database.write() as tx:
            idempotency.forget(tx, actor.tenant_id, key)

    def _begin(self, tx: Tx, tenant_id: int, key: str, fingerprint: str) -> Answer | None:
        known = idempotency.remembered(tx, tenant_id, key)
        if known is not None and known.status is None and known.lease_until < time.time():
            idempotency.forget(tx, tenant_id, key)
            known = None
        if known is None:
            until = int(time.time()) + LEASE_SECONDS
            idempotency.begin(tx, tenant_id, key, fingerprint, until, datetime.now(UTC))
            return None
        if known.fingerprint != fingerprint:
            raise KeyReused("Idempotency-Key was used for another request", field=("Idempotency-Key",))
        if known.status is None or known.body is None:
            raise Conflict("A request with this Idempotency-Key is being processed")
        return Answer(known.status, known.body)


def expired() -> datetime:
    """Keys from before this moment are forgotten."""
    return datetime.now(UTC) - timedelta(hours=KEPT_HOURS)

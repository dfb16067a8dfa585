"""What a tenant may ask of models behind endpoints: so many questions a day, so many at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from mediatheque.errors import ProviderFailed, Unavailable
from mediatheque.records import permits, providers
from mediatheque.records.engine import Database
from mediatheque.records.tables import MICROSECOND

DESCRIPTIONS, TRANSCRIPTS = "descriptions", "transcripts"
"""What endpoints are asked for; each is counted by itself."""
SECONDS_PER_DAY = 86400
AWAITED_SECONDS, TURN_LOOK_SECONDS, TURN_GRACE_SECONDS = 20.0, 0.2, 30.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """`daily_limit` 0: any number; `concurrent` turns of one tenant at a time, 0: any number. What is done in a turn
    takes `deadline_seconds` at most."""

    database: Database
    purpose: str
    daily_limit: int
    concurrent: int
    deadline_seconds: float

    def spend(self, tenant_id: int) -> None:
        """Count one question; raises `ProviderFailed` when today's are used up."""
        if not self.daily_limit:
            return
        day = int(time.time() // SECONDS_PER_DAY)
        with self.database.write() as tx:
            if not providers.spend(tx, tenant_id, self.purpose, day, self.daily_limit):
                raise ProviderFailed(f"The AI provider was asked {self.daily_limit} times today: the budget is used up")

    @contextmanager
    def turn(self, tenant_id: int, *, is_awaited: bool) -> Iterator[None]:
        """One of the tenant's few turns to talk to a model, for as long as the block lasts.

        Raises `Unavailable` when none comes free, soon, or in time for somebody who waits: the run is tried again.
        """
        if not self.concurrent:
            yield
            return
        holder, patience = uuid4().hex, AWAITED_SECONDS if is_awaited else 0.0
        until = time.monotonic() + patience
        while not self._takes_turn(tenant_id, holder):
            if time.monotonic() >= until:
                raise Unavailable("The AI provider is busy with other files of yours", retry_after_seconds=5)
            time.sleep(TURN_LOOK_SECONDS)
        try:
            yield
        finally:
            with self.database.hasten() as tx:
                permits.give_back(tx, tenant_id, self.purpose, holder)

    def _takes_turn(self, tenant_id: int, holder: str) -> bool:
        lasts = round((self.deadline_seconds + TURN_GRACE_SECONDS) * MICROSECOND)
        with self.database.write() as tx:
            providers.hold(tx, tenant_id)
            now = self.database.now_micros(tx)
            return permits.take(tx, tenant_id, self.purpose, holder, now, until=now + lasts, limit=self.concurrent)

"""Rate limits: in this process, or shared through Redis when there are several API processes."""

import time
from dataclasses import dataclass
from typing import cast

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from mediatheque.errors import RateLimited

FAILED_CREDENTIALS = parse("60/minute")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a credential may still do in this window; `reset_at` is unix seconds."""

    limit: int
    remaining: int
    reset_at: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


class Exceeded(RateLimited):
    """A refusal that carries the allowance, for the headers."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        super().__init__(retry_after_seconds=max(1, allowance.reset_at - int(time.time())))


class Limiter:
    def __init__(self, rate: str, redis_url: str) -> None:
        self._rate = None if rate == "0" else parse(rate)
        self._own = MemoryStorage()
        self._shared = cast(Storage, storage_from_string(redis_url)) if redis_url else None

    def spend(self, credential: str) -> Allowance | None:
        """Count one request; raises `Exceeded`. None when limits are off."""
        return None if self._rate is None else self._spend(self._rate, "credential", credential)

    def spend_failure(self, address: str) -> None:
        """Count one bad credential from this address; raises `Exceeded` beyond 60 a minute."""
        self._spend(FAILED_CREDENTIALS, "failure", address)

    def _spend(self, rate: RateLimitItem, what: str, who: str) -> Allowance:
        storage = self._shared
        if storage is not None and not storage.check():
            storage = None  # Redis is away: each process limits by itself until it is back
        window = FixedWindowRateLimiter(storage or self._own)
        allowed = window.hit(rate, what, who)
        stats = window.get_window_stats(rate, what, who)
        allowance = Allowance(rate.amount, max(0, stats.remaining), int(stats.reset_time) + 1)
        if not allowed:
            raise Exceeded(allowance)
        return allowance

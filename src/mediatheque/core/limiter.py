"""Rate limits: in this process, or shared through Redis when there are several API processes."""

import hashlib
import time
from dataclasses import dataclass
from typing import cast

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from mediatheque.errors import RateLimited

FAILED_CREDENTIALS = parse("60/minute")
LOGINS_FROM_ONE_ADDRESS = parse("10/minute")
LOGINS_FROM_ANYWHERE = parse("60/minute")
NOTICES = parse("1/minute")


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

    @property
    def is_shared(self) -> bool:
        """Whether counting takes a word with another server."""
        return self._shared is not None

    def spend(self, credential: str) -> Allowance | None:
        """Count one request; raises `Exceeded`. None when limits are off."""
        return None if self._rate is None else self._spend(self._rate, "credential", credential)

    def spend_failure(self, address: str) -> None:
        """Count one bad credential from this address; raises `Exceeded` beyond 60 a minute."""
        self._spend(FAILED_CREDENTIALS, "failure", address)

    def spend_login(self, name: str, address: str) -> None:
        """Count a login before its password is looked at; raises `Exceeded`.

        Ten a minute for one name from one address: who is let through by guessing needs years. Somebody else's guesses
        lock nobody out who comes from another address, until they come from many addresses at once.
        """
        self._spend(LOGINS_FROM_ONE_ADDRESS, "login", f"{_digest(name)} {address}")
        self._spend(LOGINS_FROM_ANYWHERE, "login", _digest(name))

    def forgive_login(self, name: str, address: str) -> None:
        """A login that went well makes up for those before it."""
        window = FixedWindowRateLimiter(self._storage())
        window.clear(LOGINS_FROM_ONE_ADDRESS, "login", f"{_digest(name)} {address}")
        window.clear(LOGINS_FROM_ANYWHERE, "login", _digest(name))

    def is_news(self, what: str) -> bool:
        """Whether this was not said within the last minute: keeps a flood out of the audit log."""
        return FixedWindowRateLimiter(self._storage()).hit(NOTICES, "notice", _digest(what))

    def _storage(self) -> Storage:
        if self._shared is not None and self._shared.check():
            return self._shared
        return self._own  # without Redis, or while it is away, each process limits by itself

    def _spend(self, rate: RateLimitItem, what: str, who: str) -> Allowance:
        window = FixedWindowRateLimiter(self._storage())
        allowed = window.hit(rate, what, who)
        stats = window.get_window_stats(rate, what, who)
        allowance = Allowance(rate.amount, max(0, stats.remaining), int(stats.reset_time) + 1)
        if not allowed:
            raise Exceeded(allowance)
        return allowance


def _digest(name: str) -> str:
    """A name of any length and any characters as a key."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()

"""A distant store that has failed several times in a row is left alone for a while, so that nobody waits for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mediatheque import meters
from mediatheque.errors import Unavailable

FAILURES = 3
REST_SECONDS = 5.0


class Circuit:
    """Counts failures in a row; when there were too many, one call in `REST_SECONDS` is let through to look again."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        self._message: str | None = None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Raises `Unavailable` at once while the store rests; what the block raises as such counts."""
        self._enter()
        try:
            with meters.timed(meters.STORE, self._kind):
                yield
        except Unavailable as error:
            self._failed(error)
            raise
        except Exception:
            self._succeeded()  # it answered, if only with a refusal
            raise
        self._succeeded()

    def rest(self, seconds: float, message: str) -> None:
        """Leave the store alone for so long: it asked for it."""
        with self._lock:
            self._failures = FAILURES
            self._closed_until = time.monotonic() + seconds
            self._message = message

    def _enter(self) -> None:
        with self._lock:
            left = self._closed_until - time.monotonic()
            if self._failures < FAILURES:
                return
            if left > 0:
                raise Unavailable(self._message, retry_after_seconds=max(1, round(left)))
            self._closed_until = time.monotonic() + REST_SECONDS

    def _failed(self, error: Unavailable) -> None:
        with self._lock:
            self._failures += 1
            self._message = error.message
            if self._failures == FAILURES:
                self._closed_until = time.monotonic() + REST_SECONDS

    def _succeeded(self) -> None:
        with self._lock:
            self._failures = 0

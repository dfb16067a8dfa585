"""News: who waits for something to happen in the library is woken when it may have, whichever process did it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from mediatheque.records.signals import Signals

LISTEN_SECONDS = 15.0
AWAY_SECONDS = 1.0

log = structlog.get_logger()


class News:
    """Hints, as all signals are: they may be lost, and say nothing but that a look is worth while."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._waiting: set[Callable[[], None]] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self.is_over = False
        """Whether this process ends: who waits for news should go."""

    def tell(self) -> None:
        """Something has happened, and its transaction is over; never fails and never waits."""
        self._signals.send()

    @contextmanager
    def heard(self, wake: Callable[[], None]) -> Iterator[None]:
        """While the block lasts, `wake` is called in another thread whenever there is news."""
        with self._lock:
            self._waiting.add(wake)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="news", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.discard(wake)

    def end(self) -> None:
        """This process is about to end: wake whoever waits."""
        self.is_over = True
        with self._lock:
            waiting = list(self._waiting)
        for wake in waiting:
            wake()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._signals.send()
            self._thread.join(AWAY_SECONDS)
        self._signals.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                is_news = self._signals.wait(LISTEN_SECONDS)
            except Exception:
                log.exception("news cannot be heard")
                self._closed.wait(AWAY_SECONDS)
                continue
            with self._lock:
                waiting = list(self._waiting) if is_news else []
            for wake in waiting:
                wake()

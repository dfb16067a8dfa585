"""The lock file at which the writers of all processes queue for the one SQLite database.

Whoever waits sleeps in the kernel and is woken by it, which SQLite's own polling cannot do. The kernel knows no limit
for that wait, so it is a thread that sleeps there, and its caller gives up when a process holds the lock for too long.
"""

import fcntl
import os
import threading

from mediatheque.errors import Unavailable


class WriterLock:
    """One process's handle; its own threads take turns before they come here."""

    def __init__(self, path: str, wait_seconds: float) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._file: int | None = None
        self._waiter: _Waiter | None = None

    def acquire(self) -> None:
        """Raises `Unavailable` when no other process gave the lock up in time."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._waiter is None or not self._waiter.resume():
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._waiter = _Waiter(self._file)
                self._waiter.start()
        if not self._waiter.has_got_it(self._wait_seconds):
            raise Unavailable(retry_after_seconds=1)
        self._waiter = None

    def release(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Nobody holds the lock or waits for it through this handle any more."""
        if self._file is not None and self._waiter is None:
            os.close(self._file)
            self._file = None


class _Waiter(threading.Thread):
    """Takes the lock, and gives it back at once when its caller has gone; another caller may come before that."""

    def __init__(self, file: int) -> None:
        super().__init__(name="writer-lock", daemon=True)
        self._file = file
        self._ended = threading.Event()
        self._holds = False
        self._is_wanted = True
        self._mutex = threading.Lock()

    def run(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            with self._mutex:
                self._holds = self._is_wanted
                if not self._is_wanted:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
                self._ended.set()
        finally:
            self._ended.set()

    def has_got_it(self, seconds: float) -> bool:
        """Whether the lock is held when the time is up; if not, nobody wants it any more."""
        self._ended.wait(seconds)
        with self._mutex:
            self._is_wanted = False
            return self._holds

    def resume(self) -> bool:
        """Want the lock again; False when this wait has ended."""
        with self._mutex:
            self._is_wanted = True
            return not self._ended.is_set()

"""Signals between machines: PostgreSQL's LISTEN and NOTIFY, never inside a transaction that does anything else."""

import threading
import time

import psycopg
import psycopg.sql

PREFIX = "mediatheque"
_RECONNECT_SECONDS = 1.0
_PAUSE_SECONDS = 0.01
"""Between two notices of a process: each costs the server as much as a write, and a hint can be one for many."""


class PostgresSignals:
    """One thread sends what was asked for since it last did, so that no transaction carries a NOTIFY."""

    def __init__(self, url: str, channel: str) -> None:
        self._channel = psycopg.sql.Identifier(f"{PREFIX}_{channel}")
        self._notice = psycopg.sql.SQL("NOTIFY {}").format(self._channel)
        self._url = f"postgresql://{url.partition('://')[2]}"
        self._asked = threading.Event()
        self._closed = False
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None
        self._thread = threading.Thread(target=self._notify, name="signals", daemon=True)
        self._thread.start()

    def send(self) -> None:
        self._asked.set()

    def wait(self, timeout_seconds: float) -> bool:
        try:
            if self._listener is None:
                self._listener = psycopg.connect(self._url, autocommit=True)
                self._listener.execute(psycopg.sql.SQL("LISTEN {}").format(self._channel))
                return True  # what was sent while nobody listened
            return any(True for _ in self._listener.notifies(timeout=timeout_seconds, stop_after=1))
        except psycopg.OperationalError:
            self._listener = None
            time.sleep(_RECONNECT_SECONDS)
            return True

    def close(self) -> None:
        self._closed = True
        self._asked.set()
        self._thread.join()
        if self._listener is not None:
            self._listener.close()

    def _notify(self) -> None:
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        while True:
            self._asked.wait()
            if self._closed:
                break
            self._asked.clear()
            try:
                connection = connection or psycopg.connect(self._url, autocommit=True)
                connection.execute(self._notice)
                time.sleep(_PAUSE_SECONDS)
            except psycopg.OperationalError:
                connection = None  # listeners look by themselves until the database is back
                time.sleep(_RECONNECT_SECONDS)
        if connection is not None:
            connection.close()

"""Locks over a whole library: held by one process at a time, given back by the kernel or the database when it dies."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from mediatheque.records.engine import Database


@contextmanager
def exclusive(database: Database, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of that name inside the block; with `wait` False, False is yielded when somebody else holds it."""
    taking = _file(database, name, wait) if database.is_sqlite else _advisory(database, name, wait)
    with taking as held:
        yield held


@contextmanager
def _file(database: Database, name: str, wait: bool) -> Iterator[bool]:
    with Path(f"{database.url.removeprefix('sqlite:///')}-{name}").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _advisory(database: Database, name: str, wait: bool) -> Iterator[bool]:
    key = int.from_bytes(hashlib.sha256(f"mediatheque {name}".encode()).digest()[:8], "big", signed=True)
    with database.read() as connection:
        connection.execute(text("SET statement_timeout = 0"))  # whoever has the lock may take its time
        take = "SELECT pg_advisory_lock(:key) IS NOT NULL" if wait else "SELECT pg_try_advisory_lock(:key)"
        held = bool(connection.execute(text(take), {"key": key}).scalar())
        connection.execute(text("RESET statement_timeout"))
        try:
            yield held
        finally:
            if held:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})

"""One database behind a few words: `read`, `write` (durable when it returns), `hasten` and `at_once` (not synced, for
the queue).

On SQLite every process has one writing connection: threads that write at the same time share one commit, so that
one sync of the disk serves them all. PostgreSQL groups commits by itself.
"""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, RowMapping, create_engine, event, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from mediatheque.errors import Invalid, StorageFull, Unavailable
from mediatheque.records import wal
from mediatheque.records.groupcommit import GroupCommit

BUSY_SECONDS = 5
STATEMENT_SECONDS = 30
"""What a statement may take on PostgreSQL; after that it is `Unavailable`, and its connection free for others."""
IDLE_SECONDS = 60
"""How long a process that is stopped within a transaction holds its locks there."""
SILENT_SECONDS = 30
"""A connection that nobody has used for longer is tried before it is."""
POOL_SIZE = 24
POOL_OVERFLOW = 24
"""Connections beyond the size are closed after use; to open one costs PostgreSQL more than most statements do."""
SQLITE_UNAVAILABLE = ("locked", "busy", "disk I/O error", "unable to open", "readonly")

Tx = Connection
Row = RowMapping


class Duplicate(Exception):
    """A row that must be unique is there already: somebody else was first."""


class Database:
    """The open database; `url` is `sqlite:///path` or `postgresql://…`."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.url = url
        engine = _sqlite_engine(url, isolation_level="AUTOCOMMIT") if self.is_sqlite else _postgresql_engine(url, "on")
        self._reads = engine if self.is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._durable: _Writer = GroupCommit(self._reads, url, "FULL") if self.is_sqlite else _Plain(engine)
        quick = None if self.is_sqlite else _postgresql_engine(url, "off")
        self._quick: _Writer = _Plain(quick) if quick else GroupCommit(self._reads, url, "NORMAL")
        self._single: _Writer = _Single(quick) if quick else self._quick
        self._watch = _Watch(self._reads)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A connection for reading: each statement sees what was committed before it."""
        with _meanings(), self._reads.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """A connection for reading one moment of the whole database, however long that takes; nobody waits for it."""
        with _meanings(), self._reads.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # the moment is that of this look
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK") if self.is_sqlite else connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction: all or nothing, and on disk when the block has ended."""
        with _meanings(), self._durable.transaction() as tx:
            yield tx

    @contextmanager
    def hasten(self) -> Iterator[Tx]:
        """A transaction that survives kill -9 but perhaps not a power cut: for claims, which run again anyway."""
        with _meanings(), self._quick.transaction() as tx:
            yield tx

    @contextmanager
    def at_once(self) -> Iterator[Tx]:
        """As `hasten`, for what PostgreSQL does in one statement, which needs no transaction around it."""
        with _meanings(), self._single.transaction() as tx:
            yield tx

    @contextmanager
    def migrating(self) -> Iterator[Tx]:
        """A connection on which DDL is transactional, on SQLite too."""
        engine = _sqlite_engine(self.url) if self.is_sqlite else _postgresql_engine(self.url, "on", patient=True)
        if self.is_sqlite:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with _meanings(), engine.connect() as connection:
            yield connection
        engine.dispose()

    def check(self) -> None:
        """Raise `errors.Unavailable` unless the database answers now."""
        with self.read() as tx:
            tx.exec_driver_sql("SELECT 1")

    def now_micros(self, tx: Tx) -> int:
        """The database's own clock: leases are held against it, so that workers' clocks need not agree."""
        return int(tx.execute(_SQLITE_NOW if self.is_sqlite else _POSTGRESQL_NOW).scalar_one())

    def version(self) -> int | None:
        """A number that changes with every commit of any process, told without waiting; None where it cannot be."""
        return self._watch.version() if self.is_sqlite else None

    def close(self) -> None:
        self._watch.close()
        self._durable.close()
        self._quick.close()
        self._reads.dispose()


_SQLITE_NOW = text("SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")
_POSTGRESQL_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


class _Writer(Protocol):
    def transaction(self) -> AbstractContextManager[Tx]: ...

    def close(self) -> None: ...


class _Plain:
    """A transaction of its own for each writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def transaction(self) -> AbstractContextManager[Tx]:
        return self._engine.begin()

    def close(self) -> None:
        self._engine.dispose()


class _Single(_Plain):
    """A connection on which each statement commits by itself."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.execution_options(isolation_level="AUTOCOMMIT"))

    def transaction(self) -> AbstractContextManager[Tx]:
        return self._engine.connect()


class _Watch:
    """A connection that only ever asks SQLite whether others have committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._connection: Any = None

    def version(self) -> int | None:
        try:
            with self._turn:
                if self._connection is None:
                    self._connection = self._engine.raw_connection()
                    self._connection.driver_connection.execute("PRAGMA busy_timeout = 0")
                rows = self._connection.driver_connection.execute("PRAGMA data_version").fetchall()
        except (sqlite3.Error, SQLAlchemyError):
            return None
        return int(rows[0][0])

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _sqlite_engine(url: str, **options: Any) -> Engine:
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=BUSY_SECONDS,
        **options,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        wal.switch(connection, BUSY_SECONDS)
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -16000", "mmap_size = 268435456"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql_engine(url: str, synchronous_commit: str, *, patient: bool = False) -> Engine:
    options = {"timezone": "UTC", "synchronous_commit": synchronous_commit}
    if not patient:
        options |= {
            "statement_timeout": f"{STATEMENT_SECONDS}s",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        }
    engine = create_engine(
        f"postgresql+psycopg://{url.partition('://')[2]}",
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=BUSY_SECONDS,
        connect_args={
            "connect_timeout": BUSY_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )

    @event.listens_for(engine, "connect")
    @event.listens_for(engine, "checkin")
    def _leave(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["left_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, record: ConnectionPoolEntry, _lent: Any) -> None:
        """Ask the server whether it is still there, if it seems to have said something or has been silent for long."""
        try:
            if time.monotonic() - record.info["left_at"] > SILENT_SECONDS or _is_readable(connection.fileno()):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()  # select() takes no descriptor above 1,023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _meanings() -> Iterator[None]:
    """A full disk, a locked or an absent database, in the library's own words; other errors are bugs and stay."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(retry_after_seconds=1) from error
    except DBAPIError as error:
        raise _meaning(error) or error from error


def _meaning(error: DBAPIError) -> Exception | None:
    reason = str(error.orig)
    if isinstance(error, IntegrityError):
        return Duplicate(reason)
    if isinstance(error, DataError) and "NUL (0x00)" in reason:  # SQLite merely finds nothing of that name
        return Invalid("String holds characters that cannot be stored", kind="string_invalid")
    if "is full" in reason or getattr(error.orig, "sqlstate", None) == "53100":
        return StorageFull()
    is_sqlite = type(error.orig).__module__ == "sqlite3"
    if isinstance(error, OperationalError) and (not is_sqlite or any(word in reason for word in SQLITE_UNAVAILABLE)):
        return Unavailable(retry_after_seconds=1)
    return Unavailable(retry_after_seconds=1) if error.connection_invalidated else None

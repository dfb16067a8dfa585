"""Group commit: threads that write to SQLite at the same time share one commit, and so one sync of the disk."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mediatheque.errors import Unavailable
from mediatheque.records.writerlock import WriterLock

TURN_SECONDS = 5
"""How long a thread waits for those before it."""
LOCK_SECONDS = 10
"""How long a process waits for another one that writes: one that is stopped holds up nobody for ever."""
GROUP_LIMIT = 64


class _Group:
    """Transactions that share one commit."""

    def __init__(self) -> None:
        self.size = 0
        self.done = threading.Event()
        self.error: BaseException | None = None


class GroupCommit:
    """Lets threads write one after another in one transaction, and commits when nobody else waits.

    The first is undone with the whole transaction; who joins it has a savepoint for that. Between processes the
    writers queue at a lock file: SQLite's own waiting polls, which costs milliseconds.
    """

    def __init__(self, engine: Engine, url: str, synchronous: str) -> None:
        self._engine = engine
        self._synchronous = synchronous
        self._lock = WriterLock(url.removeprefix("sqlite:///") + "-writer", LOCK_SECONDS)
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._connection: Connection | None = None
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        group, connection = self._enter()
        try:
            yield connection
        except BaseException as failure:
            self._leave(group, connection, failure)
            raise
        self._leave(group, connection, None)
        if group.error is not None:
            raise group.error

    def close(self) -> None:
        with self._turn:
            self._drop_connection()
            self._lock.close()

    def _enter(self) -> tuple[_Group, Connection]:
        self._take_turn()
        try:
            connection = self._open()
            if self._group is None:
                self._begin(connection)
                self._group = _Group()
            else:
                connection.exec_driver_sql("SAVEPOINT one")
        except BaseException as error:
            self._abandon(error)
            self._turn.release()
            raise
        self._group.size += 1
        return self._group, connection

    def _take_turn(self) -> None:
        with self._count:
            self._waiting += 1
        has_turn = self._turn.acquire(timeout=TURN_SECONDS)
        with self._count:
            self._waiting -= 1
            # A group may count on us by now to go on with it.
            has_turn = has_turn or self._turn.acquire(blocking=False)
        if not has_turn:
            raise Unavailable(retry_after_seconds=1)

    def _leave(self, group: _Group, connection: Connection, failure: BaseException | None) -> None:
        """End one member's part; the last one commits for all, the others wait for it."""
        passes = False
        try:
            is_first = group.size == 1
            if is_first and failure is not None:
                connection.exec_driver_sql("ROLLBACK")
                self._end(group)
                return
            if failure is not None:
                connection.exec_driver_sql("ROLLBACK TO one")
            if not is_first:
                connection.exec_driver_sql("RELEASE one")
            passes = self._pass_turn(group)
            if not passes:
                connection.exec_driver_sql("COMMIT")
                self._end(group)
        except BaseException as error:
            # A full disk makes SQLite undo the whole transaction: then the first failure is the one to tell.
            self._abandon(failure if isinstance(failure, DBAPIError) else error)
            if failure is None:
                raise
        finally:
            if not passes:
                self._turn.release()
        if passes and failure is None:
            group.done.wait()

    def _pass_turn(self, group: _Group) -> bool:
        """Let one who waits go on with the group; False when nobody does, or it is large enough."""
        with self._count:  # so that nobody whom we count on gives up unseen
            passes = self._waiting > 0 and group.size < GROUP_LIMIT
            if passes:
                self._turn.release()
            return passes

    def _begin(self, connection: Connection) -> None:
        self._lock.acquire()
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _end(self, group: _Group) -> None:
        self._group = None
        self._lock.release()
        group.done.set()

    def _abandon(self, error: BaseException) -> None:
        """The whole group failed: tell its members, and start over with a fresh connection."""
        self._drop_connection()
        group = self._group or _Group()
        group.error = error
        self._end(group)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.exec_driver_sql(f"PRAGMA synchronous = {self._synchronous}")
        return self._connection

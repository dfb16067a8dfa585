"""Group commit: many writers, one sync, and each of them with its own success or failure."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine

from mediatheque.errors import Invalid
from mediatheque.records import accounts
from mediatheque.records.engine import Database, Duplicate
from mediatheque.records.groupcommit import GroupCommit
from tests.support import wait_for

WRITE_AND_TELL = """
import sys, threading
from datetime import UTC, datetime
from uuid import uuid4
from mediatheque.records import accounts
from mediatheque.records.engine import Database

database = Database(sys.argv[1])

def write():
    while True:
        name = uuid4().hex
        with database.write() as tx:
            accounts.add_tenant(tx, name, datetime.now(UTC))
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()

for _ in range(8):
    threading.Thread(target=write).start()
"""


def add(database: Database, name: str) -> None:
    with database.write() as tx:
        accounts.add_tenant(tx, name, datetime.now(UTC))


def is_there(database: Database, name: str) -> bool:
    with database.read() as tx:
        return accounts.tenant_named(tx, name) is not None


def test_writers_at_the_same_time_all_succeed(database: Database) -> None:
    names = [uuid4().hex for _ in range(200)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda name: add(database, name), names))
    assert all(is_there(database, name) for name in names)


def test_a_writer_that_fails_takes_none_of_the_others_along(database: Database) -> None:
    add(database, "taken")

    def write(number: int) -> bool:
        try:
            add(database, "taken" if number % 3 == 0 else f"free-{number}")
        except Duplicate:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        succeeded = list(threads.map(write, range(150)))
    assert succeeded == [number % 3 != 0 for number in range(150)]
    assert all(is_there(database, f"free-{number}") == (number % 3 != 0) for number in range(150))


def test_a_transaction_that_is_broken_off_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as tx:
        accounts.add_tenant(tx, "half", datetime.now(UTC))
        raise RuntimeError
    assert not is_there(database, "half")
    add(database, "half")


def test_what_was_acknowledged_survives_kill_9(url: str, database: Database) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITE_AND_TELL, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(50)]
        writer.kill()
        told += writer.stdout.readlines()
    whole = [line.strip() for line in told if line.endswith("\n")]
    assert len(whole) >= 50
    assert all(is_there(database, name) for name in whole)


def test_two_processes_write_without_locking_each_other_out(url: str, database: Database) -> None:
    """The writer in the other process never stops, and ours still gets its turn."""
    with subprocess.Popen([sys.executable, "-c", WRITE_AND_TELL, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        reading = threading.Thread(target=writer.stdout.read)
        reading.start()
        started = time.monotonic()
        for number in range(20):
            add(database, f"ours-{number}")
        took_seconds = time.monotonic() - started
        writer.kill()
        reading.join()
    assert took_seconds < 30  # `LOCK_SECONDS` for each, if it had to wait for the other to pause


def test_the_version_of_sqlite_changes_with_a_commit_of_anybody_and_with_nothing_else(
    url: str, database: Database
) -> None:
    other = Database(url)
    if not database.is_sqlite:
        assert database.version() is None
        return
    before = database.version()
    assert is_there(database, "somebody") is False
    assert database.version() == before
    add(other, "somebody")
    after = database.version()
    assert after != before
    add(database, "ourselves")
    assert database.version() != after
    other.close()


def test_a_writer_who_is_counted_on_at_the_moment_of_giving_up_goes_on(tmp_path: Path) -> None:
    """The first leaves its commit to the second, whose wait ends just then: one of them must commit."""
    url = f"sqlite:///{tmp_path}/group.db"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    writers, turn = GroupCommit(engine, url, "FULL"), _AtTheLastMoment()
    writers._turn = turn  # type: ignore[assignment]

    def first() -> None:
        with writers.transaction() as tx:
            tx.exec_driver_sql("CREATE TABLE first (id INTEGER)")
            turn.is_awaited.wait(30)

    def second() -> None:
        turn.is_impatient.set()
        with writers.transaction() as tx:
            tx.exec_driver_sql("CREATE TABLE second (id INTEGER)")

    threads = [threading.Thread(target=act, daemon=True) for act in (first, second)]
    threads[0].start()
    wait_for(turn.locked, "the first to write", 30)
    threads[1].start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    with engine.connect() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 2
    engine.dispose()


class _AtTheLastMoment:
    """A lock for which the impatient waits in vain: only when its time is up does the holder let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_impatient = threading.Event()
        self.is_awaited = threading.Event()
        self._is_let_go = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking and self.is_impatient.is_set() and not self.is_awaited.is_set():
            self.is_awaited.set()
            self._is_let_go.wait(30)
            return False
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        self._lock.release()
        self._is_let_go.set()

    def locked(self) -> bool:
        return self._lock.locked()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_connections_that_postgresql_has_ended_are_replaced_and_nobody_notices(url: str, database: Database) -> None:
    add(database, "before")
    with psycopg.connect(url, autocommit=True) as administrator:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
        administrator.execute(f"SELECT pg_terminate_backend(pid) {others}")
        wait_for(lambda: administrator.execute(f"SELECT count(*) {others}").fetchone() == (0,), "their end", 30)
    assert is_there(database, "before")
    add(database, "after")


def test_a_text_that_postgresql_cannot_hold_is_the_fault_of_who_sent_it(database: Database) -> None:
    if database.is_sqlite:
        assert is_there(database, "a\0b") is False
        return
    with pytest.raises(Invalid):
        is_there(database, "a\0b")
    assert is_there(database, "ab") is False

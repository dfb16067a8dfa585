"""Signals: who waits is woken, on both databases, and the dead leave nothing behind."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mediatheque.records.engine import Database
from mediatheque.records.signals import NEWS, LocalSignals, Signals, signals_for

LISTEN_FOREVER = """
import sys
from pathlib import Path
from mediatheque.records.engine import Database
from mediatheque.records.signals import signals_for
signals = signals_for(Database(sys.argv[1]), Path(sys.argv[2]))
signals.wait(0)
print("listening", flush=True)
while signals.wait(60):
    print("woken", flush=True)
"""


@pytest.fixture
def signals(database: Database, tmp_path: Path) -> Iterator[Signals]:
    opened = signals_for(database, tmp_path)
    yield opened
    opened.close()


@contextmanager
def listener(url: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that listens."""
    command = [sys.executable, "-c", LISTEN_FOREVER, url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield process
        process.kill()


def test_a_signal_wakes_every_process_that_waits(signals: Signals, url: str, tmp_path: Path) -> None:
    with listener(url, tmp_path) as one, listener(url, tmp_path) as another:
        started = time.monotonic()
        signals.send()
        for process in (one, another):
            assert process.stdout is not None
            assert process.stdout.readline() == "woken\n"
        assert time.monotonic() - started < 30  # they would wait for a minute


def test_without_a_signal_the_wait_ends_by_itself(signals: Signals) -> None:
    while signals.wait(0):
        pass
    started = time.monotonic()
    assert not signals.wait(0.2)
    assert time.monotonic() - started >= 0.19


def test_a_signal_sent_before_the_wait_is_not_lost(signals: Signals) -> None:
    while signals.wait(0.1):
        pass
    signals.send()
    assert signals.wait(30)


def test_a_flood_of_signals_is_one(signals: Signals) -> None:
    def flood() -> None:
        for _ in range(200):
            signals.send()

    while signals.wait(0):
        pass
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert signals.wait(30)


def test_those_who_wait_for_something_else_are_not_woken(signals: Signals, database: Database, tmp_path: Path) -> None:
    other = signals_for(database, tmp_path, NEWS)
    for one in (signals, other):
        while one.wait(0.1):
            pass
    other.send()
    assert other.wait(30)
    assert not signals.wait(0.2)
    other.close()


def test_the_socket_of_a_killed_listener_is_swept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mediatheque.db'}"
    signals = LocalSignals(tmp_path)
    with listener(url, tmp_path) as process:
        (address,) = list(signals._folder.iterdir())
        process.kill()
        process.wait()
        assert address.exists()
        signals.send()
        assert not address.exists()
    signals.close()


def test_closing_takes_the_socket_away(tmp_path: Path) -> None:
    signals = LocalSignals(tmp_path)
    signals.wait(0)
    assert len(list(signals._folder.iterdir())) == 1
    signals.close()
    assert list(signals._folder.iterdir()) == []

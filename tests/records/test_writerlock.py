"""The writers' lock file: waited for, but not for ever, and never kept by somebody who has gone."""

import threading
import time
from functools import partial
from pathlib import Path

import pytest

from mediatheque.errors import Unavailable
from mediatheque.records.writerlock import WriterLock
from tests.support import wait_for

SHORT_SECONDS = 0.2


def lock(folder: Path, seconds: float = SHORT_SECONDS) -> WriterLock:
    return WriterLock(str(folder / "lock"), seconds)


def is_free(folder: Path) -> bool:
    other = lock(folder, 0.01)
    try:
        other.acquire()
    except Unavailable:
        return False
    other.release()
    return True


def gets(it: WriterLock) -> bool:
    try:
        it.acquire()
    except Unavailable:
        return False
    return True


def test_who_waits_gets_the_lock_as_soon_as_it_is_given_up(tmp_path: Path) -> None:
    first, second = lock(tmp_path), lock(tmp_path, 30)
    first.acquire()
    started = time.monotonic()
    threading.Timer(SHORT_SECONDS, first.release).start()
    second.acquire()
    assert SHORT_SECONDS / 2 < time.monotonic() - started < 10
    assert not is_free(tmp_path)
    second.release()
    wait_for(lambda: is_free(tmp_path), "the lock to be nobody's")  # of who looked before, too


def test_who_waits_too_long_is_told_and_takes_nothing_later(tmp_path: Path) -> None:
    first, second = lock(tmp_path), lock(tmp_path)
    first.acquire()
    for _ in range(3):
        with pytest.raises(Unavailable):
            second.acquire()
    first.release()
    wait_for(lambda: is_free(tmp_path), "the lock to be nobody's")


def test_who_comes_back_while_the_lock_is_held_gets_it_then(tmp_path: Path) -> None:
    first, second = lock(tmp_path, 30), lock(tmp_path)
    for _ in range(20):
        first.acquire()
        with pytest.raises(Unavailable):
            second.acquire()
        releasing = threading.Timer(SHORT_SECONDS / 20, first.release)
        releasing.start()
        wait_for(partial(gets, second), "the lock to be given up")
        assert not is_free(tmp_path)
        second.release()
        releasing.join()

"""How the threads of a worker wait together; what workers do is in the tests of the surfaces and of faults."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from mediatheque.worker import Lookout
from tests.support import wait_for

THREADS = 4


@contextmanager
def _crew(lookout: Lookout, stopping: threading.Event, size: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are told to go in the end, whatever comes of the test."""
    with ThreadPoolExecutor(size) as pool:
        try:
            yield pool
        finally:
            stopping.set()
            lookout.ring()


def _has(asked: list[int], times: int) -> bool:
    return len(asked) >= times


def test_while_nothing_is_due_one_thread_alone_looks_out_and_all_go_when_told() -> None:
    stopping = threading.Event()
    lookout = Lookout(stopping)
    asked: list[int] = []

    def nothing() -> None:
        asked.append(threading.get_ident())

    with _crew(lookout, stopping, THREADS) as pool:
        waiting = [pool.submit(lookout.wait, nothing, 60) for _ in range(THREADS)]
        for _ in range(3):
            times = len(asked)
            lookout.ring()
            wait_for(partial(_has, asked, times + 1), "a look", 30)
        assert len(set(asked)) == 1
        stopping.set()
        lookout.ring()
        assert [one.result(30) for one in waiting] == [False] * THREADS


def test_who_finds_something_due_goes_and_another_looks_out() -> None:
    stopping = threading.Event()
    lookout = Lookout(stopping)
    due: list[float | None] = [0.01, 0.0]
    asked: list[int] = []

    def next_due() -> float | None:
        asked.append(threading.get_ident())
        return due.pop(0) if due else None

    with _crew(lookout, stopping, 2) as pool:
        first, second = (pool.submit(lookout.wait, next_due, 60) for _ in range(2))
        wait_for(lambda: first.done() or second.done(), "what is due", 30)
        found, other = (first, second) if first.done() else (second, first)
        assert found.result() is True
        wait_for(partial(_has, asked, 3), "the other's look", 30)
        assert asked[0] == asked[1] != asked[2]
        assert not other.done()
        stopping.set()
        lookout.ring()
        assert other.result(30) is False


def test_who_comes_from_work_has_the_others_look_again_for_what_it_left() -> None:
    stopping = threading.Event()
    lookout = Lookout(stopping)
    asked: list[int] = []

    def later() -> float:
        asked.append(threading.get_ident())
        return 60

    with _crew(lookout, stopping, 2) as pool:
        waiting = [pool.submit(lookout.wait, later, 60)]
        wait_for(partial(_has, asked, 1), "a look", 30)
        waiting.append(pool.submit(lookout.wait, later, 60))
        wait_for(partial(_has, asked, 2), "another look", 30)
        assert len(set(asked)) == 1
        stopping.set()
        lookout.ring()
        assert [one.result(30) for one in waiting] == [False, False]

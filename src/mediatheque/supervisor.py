"""The parent of the process tree: forks web and worker processes, replaces what dies, ends them in order.

Children share the memory of what the parent has imported, and none imports it again. Whoever forks has one thread and
no connection: what opens some at the start happens in a child that ends (`apart`).
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from mediatheque.errors import LibraryError, Told

STOP_SECONDS = 25
"""What all children together have to finish after SIGTERM before they are killed; `serve` ends within 30 s."""
WEB_STOP_SECONDS = 20
"""The API processes' part of it; workers go after them, since requests may wait for jobs."""
CRASH_WINDOW_SECONDS = 10.0
MAX_CRASHES = 5
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

Begin = Callable[[str, tuple[str, ...]], None]
"""What a child does: `(role, arguments)`."""

_forking = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Child:
    """A place in the tree and the process that fills it now."""

    role: str
    arguments: tuple[str, ...]
    process: BaseProcess
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._children: list[Child] = []
        self._stopping = False
        self._changed: SimpleQueue[None] = SimpleQueue()  # unlike an Event safe to use in a signal handler

    def run(self, web: int, workers: int, lanes: tuple[str, ...], metrics_port: int = 0) -> None:
        """Keep that many processes until SIGTERM or SIGINT, and one that shows their metrics; raises `Told`."""
        gc.freeze()  # what is there now stays where it is, in memory that all share
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        signal.signal(signal.SIGCHLD, lambda *_: self._changed.put(None))
        showing = [("metrics", (str(metrics_port),))] if metrics_port else []
        for role, arguments in [("web", ())] * web + [("worker", lanes)] * workers + showing:
            self._children.append(Child(role, arguments, self._start(role, arguments)))
        try:
            while not self._stopping:
                self._changed.get()
                if not self._stopping:
                    self._replace_dead()
        finally:
            started = time.monotonic()
            self._stop("web", started + WEB_STOP_SECONDS)
            self._stop("worker", started + STOP_SECONDS)
            self._stop("metrics", started + STOP_SECONDS)

    def _end(self, *_: object) -> None:
        self._stopping = True
        self._changed.put(None)

    def _start(self, role: str, arguments: tuple[str, ...]) -> BaseProcess:
        process = _forking.Process(target=_live, args=(os.getpid(), self._begin, role, arguments))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the child has no handlers of ours any more
        process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return process

    def _replace_dead(self) -> None:
        for child in self._children:
            if child.process.exitcode is None:
                continue
            now = time.monotonic()
            child.deaths = [at for at in child.deaths if now - at < CRASH_WINDOW_SECONDS] + [now]
            if len(child.deaths) >= MAX_CRASHES:
                raise Told(f"{child.role} process keeps ending (exit code {child.process.exitcode})")
            child.process = self._start(child.role, child.arguments)

    def _stop(self, role: str, deadline: float) -> None:
        processes = [child.process for child in self._children if child.role == role]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(max(0.1, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()


T = TypeVar("T")


def apart(work: Callable[[], T], meanwhile: Callable[[], None]) -> T:
    """What `work` returns in a process of its own, so that none of its threads and connections is here when we fork.

    Raises what it raises of `Told` and `LibraryError`; anything else is told by that process, and `Told` that it ended.
    """
    receiver, sender = _forking.Pipe(duplex=False)
    process = _forking.Process(target=_work, args=(os.getpid(), work, sender))
    process.start()
    sender.close()
    meanwhile()
    try:
        is_refused, outcome = receiver.recv()
    except EOFError:
        process.join()
        raise Told(f"the start was broken off (exit code {process.exitcode})") from None
    process.join()
    if is_refused:
        raise outcome
    done: T = outcome
    return done


def check_port(host: str, port: int) -> None:
    """Raise `OSError` when somebody listens there already; our processes share the port and would not notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def end_with(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent is gone, however it went (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("mediatheque: the supervisor was gone before this process began")


def _live(parent: int, begin: Begin, role: str, arguments: tuple[str, ...]) -> None:
    for name in SIGNALS:
        signal.signal(name, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    gc.enable()
    end_with(parent)
    begin(role, arguments)


def _work(parent: int, work: Callable[[], Any], sender: Connection) -> None:
    end_with(parent)
    try:
        outcome = False, work()
    except (Told, LibraryError) as refusal:
        outcome = True, refusal
    sender.send(outcome)

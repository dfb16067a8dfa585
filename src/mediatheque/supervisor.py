"""The parent of the process tree: starts web and worker processes, replaces what dies, ends them in order."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import NoReturn

STOP_SECONDS = 25
"""What all children together have to finish after SIGTERM before they are killed; `serve` ends within 30 s."""
WEB_STOP_SECONDS = 20
"""The API processes' part of it; workers go after them, since requests may wait for jobs."""
CRASH_WINDOW_SECONDS = 10.0
MAX_CRASHES = 5
PARENT = "MEDIATHEQUE_SUPERVISOR"
"""Tells a child whose child it is, in case we are gone before it can ask the kernel to end with us."""


@dataclass(slots=True)
class Child:
    """A place in the tree and the process that fills it now."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    deaths: list[float] = field(default_factory=list)


class CrashLoop(Exception):
    """A child that dies again and again at once."""


class Supervisor:
    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment | {PARENT: str(os.getpid())}
        self._children: list[Child] = []
        self._stopping = False
        self._changed: SimpleQueue[None] = SimpleQueue()  # unlike an Event safe to use in a signal handler

    def run(self, web: int, workers: int, lanes: tuple[str, ...], metrics_port: int = 0) -> None:
        """Keep that many processes until SIGTERM or SIGINT, and one that shows their metrics; raises `CrashLoop`."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        signal.signal(signal.SIGCHLD, lambda *_: self._changed.put(None))
        showing = [("metrics", str(metrics_port))] if metrics_port else []
        for arguments in [("web",)] * web + [("worker", *lanes)] * workers + showing:
            self._children.append(Child(arguments, self._start(arguments)))
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

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mediatheque.process", *arguments]
        return subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL)  # noqa: S603

    def _replace_dead(self) -> None:
        for child in self._children:
            if child.process.poll() is None:
                continue
            now = time.monotonic()
            child.deaths = [at for at in child.deaths if now - at < CRASH_WINDOW_SECONDS] + [now]
            if len(child.deaths) >= MAX_CRASHES:
                raise CrashLoop(f"{child.arguments[0]} process keeps ending (exit code {child.process.returncode})")
            child.process = self._start(child.arguments)

    def _stop(self, role: str, deadline: float) -> None:
        processes = [child.process for child in self._children if child.arguments[0] == role]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def supervise(
    environment: dict[str, str], web: int, workers: int, lanes: tuple[str, ...], metrics_port: int = 0
) -> NoReturn:
    """Become the supervisor: this process starts afresh as this file alone, without the libraries it needed so far."""
    counts = [str(number) for number in (web, workers, metrics_port)]
    command = [sys.executable, "-m", "mediatheque.supervisor", *counts, *lanes]
    os.execve(sys.executable, command, environment)  # noqa: S606


def main() -> None:
    web, workers, metrics_port, *lanes = sys.argv[1:]
    try:
        Supervisor(dict(os.environ)).run(int(web), int(workers), tuple(lanes), int(metrics_port))
    except CrashLoop as error:
        sys.exit(f"mediatheque: {error}")


def check_port(host: str, port: int) -> None:
    """Raise `OSError` when somebody listens there already; our processes share the port and would not notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def environment(host: str, port: int) -> dict[str, str]:
    return {**os.environ, "MEDIATHEQUE_HOST": host, "MEDIATHEQUE_PORT": str(port)}


if __name__ == "__main__":
    main()

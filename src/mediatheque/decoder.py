"""A small pool of decoder children: the only processes in which bytes from users are decoded."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from mediatheque import errors
from mediatheque.decoder_child import receive, send

ALLOWED = ("mediatheque.kinds.", "mediatheque.skills.")
MEMORY_BYTES = 512 << 20
REFUSALS: dict[str, type[errors.LibraryError]] = {
    refusal.__name__: refusal for refusal in (errors.Unsupported, errors.Malformed, errors.TooLarge, errors.StorageFull)
}
MAX_TEXT_CHARS = 200
PASSED_ON = ("PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_WARNING": "0",
}


class DecoderFailed(Exception):
    """A decoder child did not answer: time, memory, a crash or a bug. `reason` is short and safe to show."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Decoders:
    """Up to `size` children, started when needed; each is replaced after `files_per_child` files and whenever
    something went wrong in it, and ends by itself when it had nothing to do for `idle_seconds`.

    A child's address space may grow by `memory_bytes` beyond what its libraries take. `preload` names modules that a
    child imports before its first request. A call that finds no free child within `wait_seconds` is refused with
    `errors.Unavailable`.
    """

    def __init__(
        self,
        size: int,
        *,
        memory_bytes: int = MEMORY_BYTES,
        files_per_child: int = 200,
        idle_seconds: float = 60,
        wait_seconds: float = 60,
        preload: tuple[str, ...] = (),
        allowed: tuple[str, ...] = ALLOWED,
    ) -> None:
        self._files_per_child = files_per_child
        self._wait_seconds = wait_seconds
        self._allowed = allowed
        self._options = {
            "memory_bytes": memory_bytes,
            "idle_seconds": idle_seconds,
            "preload": preload,
            "allowed": allowed,
        }
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._children: set[Child] = set()
        self._is_closed = False
        # A child dies with the thread that started it (PR_SET_PDEATHSIG), so one lasting thread starts them all.
        self._starter = ThreadPoolExecutor(1, "decoder-starter")

    def run(self, function: str, /, *, timeout_seconds: float = 60, **arguments: Any) -> Any:
        """The result of `module:function` called with JSON arguments in a child; waits until one is free.

        Raises what the function raised when it is one of REFUSALS, otherwise DecoderFailed.
        """
        if not function.startswith(self._allowed):
            raise ValueError(f"not a decoding function: {function}")
        with self._turn():
            answer = self._ask({"function": function, "arguments": arguments}, timeout_seconds)
        return result_of(answer)

    def warm(self) -> None:
        """Start one child ahead, without waiting for it."""
        self._starter.submit(lambda: self._give_back(self._start(), {}))

    def close(self) -> None:
        """End all children; calls that are under way fail."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            busy = self._children.difference(idle)
        for child in idle:
            self._end(child)
        for child in busy:
            child.kill()
        self._starter.shutdown()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._is_closed:
            raise errors.Unavailable
        if not self._free.acquire(timeout=self._wait_seconds):
            raise errors.Unavailable("Too many files at once", retry_after_seconds=5)
        try:
            yield
        finally:
            self._free.release()

    def _ask(self, request: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_seconds
        for _ in range(2):
            child = self._take()
            try:
                answer = child.ask(request, deadline)
            except BaseException:
                self._end(child)
                raise
            self._give_back(child, answer)
            if answer is not None:
                return answer
        raise DecoderFailed("ended early")

    def _take(self) -> "Child":
        return self._living() or self._starter.submit(lambda: self._living() or self._start()).result()

    def _living(self) -> "Child | None":
        with suppress(IndexError):
            while True:
                child = self._idle.pop()
                if child.is_alive():
                    return child
                self._end(child)
        return None

    def _give_back(self, child: "Child", answer: dict[str, Any] | None) -> None:
        is_used_up = answer is None or "failed" in answer or child.files >= self._files_per_child
        with self._lock:
            if not is_used_up and not self._is_closed:
                self._idle.append(child)
                return
        self._end(child)

    def _start(self) -> "Child":
        try:
            child = Child(self._options)
        except OSError as problem:
            raise errors.Unavailable from problem
        with self._lock:
            self._children.add(child)
        return child

    def _end(self, child: "Child") -> None:
        child.end()
        with self._lock:
            self._children.discard(child)


class Child:
    """One decoder child and our end of its socket."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.files = 0
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-s", "-m", "mediatheque.decoder_child"]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, json.dumps({**options, "fd": theirs.fileno()})],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )

    def is_alive(self) -> bool:
        """Whether the child waits for a request: it has not ended, and says nothing unasked."""
        if self._process.poll() is not None:
            return False
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False

    def ask(self, request: dict[str, Any], deadline: float) -> dict[str, Any] | None:
        """The child's answer, or None when it had just ended for want of work. Raises DecoderFailed."""
        self.files += 1
        try:
            send(self._socket, request)
            answer = receive(self._socket, deadline)
        except TimeoutError:
            raise DecoderFailed("timed out") from None
        except (EOFError, ConnectionError):
            self._check_end()
            return None
        except (ValueError, RecursionError):
            raise DecoderFailed("gave no valid answer") from None
        if not isinstance(answer, dict):
            raise DecoderFailed("gave no valid answer")
        return answer

    def kill(self) -> None:
        """Kill the child and whatever it started: it leads a process group of its own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._socket.close()

    def _check_end(self) -> None:
        """Return if the child ended in good order, raise DecoderFailed if not."""
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            raise DecoderFailed("closed its connection") from None
        if code == 0:
            return
        if code == -signal.SIGXCPU:
            raise DecoderFailed("out of CPU time")
        raise DecoderFailed(f"crashed (signal {-code})" if code < 0 else f"crashed (exit {code})")


def result_of(answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    if refusal := REFUSALS.get(str(answer.get("error"))):
        raise refusal(str(answer.get("message"))[:MAX_TEXT_CHARS])
    failure = DecoderFailed(str(answer.get("failed"))[:MAX_TEXT_CHARS])
    failure.add_note(str(answer.get("trace", "")))
    raise failure

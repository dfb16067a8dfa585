"""One decoder child: reads a request, runs one function under limits, answers, waits for the next.

Started by `mediatheque.decoder` only. Requests and answers are JSON behind a length of four bytes, never pickle, so
that a child taken over by a hostile file can say wrong things to its parent but not run anything there.
"""

import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from mediatheque import errors

MAX_MESSAGE_BYTES = 16 << 20
CPU_SECONDS = 60
MAX_FILE_BYTES = 256 << 20
MAX_OPEN_FILES = 128
IMPORT_ROOM_BYTES = 1 << 30

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def main(options: dict[str, Any]) -> None:
    """Serve requests on the socket `options["fd"]` until the parent is gone or nothing came for `idle_seconds`."""
    tie_to_parent()
    drop_rights()
    _limit_process(options["memory_bytes"])
    functions = Functions(tuple(options["allowed"]), options["memory_bytes"])
    functions.load(options["preload"])
    with socket.socket(fileno=options["fd"]) as parent:
        serve(parent, functions, options["idle_seconds"])


def serve(parent: socket.socket, functions: "Functions", idle_seconds: float) -> None:
    while True:
        try:
            request = receive(parent, time.monotonic() + idle_seconds)
        except (TimeoutError, EOFError):
            return
        _extend_cpu_limit()
        answer = functions.answer(request["function"], request["arguments"])
        send(parent, answer)
        if "failed" in answer:
            return


def send(peer: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    if len(data) > MAX_MESSAGE_BYTES:
        raise ValueError("message too long")
    peer.settimeout(None)
    peer.sendall(len(data).to_bytes(4, "big") + data)


def receive(peer: socket.socket, deadline: float) -> Any:
    """The next message. Raises TimeoutError at `deadline` (monotonic), EOFError when the peer is gone and ValueError
    for what is no message."""
    size = int.from_bytes(_receive_exactly(peer, 4, deadline), "big")
    if size > MAX_MESSAGE_BYTES:
        raise ValueError("message too long")
    return json.loads(_receive_exactly(peer, size, deadline))


class Functions:
    """The functions that may be called here, each `module:function` under one of the allowed prefixes."""

    def __init__(self, allowed: tuple[str, ...], memory_bytes: int) -> None:
        self._allowed = allowed
        self._memory_bytes = memory_bytes

    def load(self, modules: list[str]) -> None:
        """Import and only then set the memory limit: what libraries map for themselves is not the file's doing."""
        for module in modules:
            importlib.import_module(module)
        _limit_memory(self._memory_bytes)

    def answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._find(name)(**arguments)}
        except errors.LibraryError as refusal:
            return {"error": type(refusal).__name__, "message": refusal.message}
        except MemoryError:
            return {"failed": "out of memory"}
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                return {"error": errors.StorageFull.__name__, "message": errors.StorageFull.default_message}
            return _bug(problem)
        except BaseException as problem:
            return _bug(problem)

    def _find(self, name: str) -> Callable[..., Any]:
        module, _, function = name.partition(":")
        if not module.startswith(self._allowed):
            raise PermissionError(name)
        if module not in sys.modules:
            self.load([module])
        found: Callable[..., Any] = getattr(sys.modules[module], function)
        return found


def _bug(problem: BaseException) -> dict[str, Any]:
    return {
        "failed": f"failed ({type(problem).__name__})",
        "trace": "".join(traceback.format_exception(problem))[-4000:],
    }


def _receive_exactly(peer: socket.socket, size: int, deadline: float) -> bytes:
    parts = []
    while size:
        peer.settimeout(max(deadline - time.monotonic(), 0.001))
        part = peer.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def tie_to_parent() -> None:
    """Die with the parent, even in the middle of a file (Linux; elsewhere the closed socket ends us a little later)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def drop_rights() -> None:
    """No new privileges and, where the kernel lets us, no network.

    Many containers forbid new namespaces: decoding must go on there, so a refusal is not an error. Root takes no user
    namespace, since it would lose the right to read other users' files.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.unshare(CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit_process(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower_limit(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
    _lower_limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower_limit(resource.RLIMIT_AS, _address_space_bytes() + IMPORT_ROOM_BYTES + memory_bytes)


def _limit_memory(memory_bytes: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = _address_space_bytes() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _extend_cpu_limit() -> None:
    """RLIMIT_CPU counts from the start of the process: each file gets its own seconds on top of what is used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_seconds = int(usage.ru_utime + usage.ru_stime) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = used_seconds + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _lower_limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _address_space_bytes() -> int:
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib would cost its import
        return int(statm.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

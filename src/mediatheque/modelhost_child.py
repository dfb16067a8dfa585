"""The process that holds the models: answers each connection in a thread, and ends when nobody has asked for long.

Started by `mediatheque.modelhost` only; a lock says that there is one for a data folder, however many are started.
"""

import fcntl
import importlib
import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediatheque import errors
from mediatheque.decoder_child import drop_rights, receive, send, tie_to_parent

NICENESS = 5
"""What waits for a model yields to what does not."""
REQUEST_SECONDS = 30.0


class Host:
    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = allowed
        self._lock = threading.Lock()
        self.under_way = 0
        self.asked_at = time.monotonic()

    def serve(self, connection: socket.socket) -> None:
        """One request; whatever happens, the others' go on."""
        with self._lock:
            self.under_way += 1
        try:
            with connection, suppress(EOFError, OSError, ValueError):
                request = receive(connection, time.monotonic() + REQUEST_SECONDS)
                send(connection, self._answer(request["function"], request["arguments"]))
        finally:
            with self._lock:
                self.under_way -= 1
                self.asked_at = time.monotonic()

    def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        module, _, function = name.partition(":")
        try:
            if not module.startswith(self._allowed):
                raise PermissionError(name)
            return {"result": getattr(importlib.import_module(module), function)(**arguments)}
        except errors.MissingExtra as missing:
            return {"missing": missing.extra}
        except errors.LibraryError as refusal:
            return {"failed": refusal.message}
        except Exception as problem:
            return {"failed": f"The model failed ({type(problem).__name__})"}


def main(options: dict[str, Any]) -> None:
    """Listen in `options["folder"]` until nothing was asked for `idle_seconds`, or the parent is gone."""
    tie_to_parent()
    folder = Path(options["folder"])
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    drop_rights()
    os.nice(NICENESS)
    address = folder / "socket"
    address.unlink(missing_ok=True)  # of one that was killed
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(address))
        listener.listen(64)
        _listen(listener, Host(tuple(options["allowed"])), options["idle_seconds"])
    address.unlink(missing_ok=True)


def _listen(listener: socket.socket, host: Host, idle_seconds: float) -> None:
    listener.settimeout(min(idle_seconds, 1.0))
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            if not host.under_way and time.monotonic() - host.asked_at > idle_seconds:
                return
            continue
        threading.Thread(target=host.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

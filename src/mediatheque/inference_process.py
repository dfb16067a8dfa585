"""The one process of a machine that holds models: loads each on its first use, ends when nobody asks any more.

Started by `mediatheque.inference` only. It is given raw pixels and plain text, never a file from a user as it came:
those are decoded in decoder children, under tighter limits.
"""

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from mediatheque.decoder_child import Functions, drop_rights, receive, send, tie_to_parent

NICENESS = 19
"""Whoever waits for an answer over HTTP goes first."""
LOOK_SECONDS = 0.5
REQUEST_SECONDS = 30.0
"""For a request to come after its connection."""


class Host:
    """Answers the requests of several workers, those to one module one after another."""

    def __init__(self, listener: socket.socket, functions: Functions, options: dict[str, Any]) -> None:
        self._listener = listener
        self._functions = functions
        self._idle_seconds = options["idle_seconds"]
        self._requests_left = options["requests"]
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._deadlines: dict[int, float] = {}
        self._used_at = time.monotonic()

    def serve(self) -> None:
        """Until nobody has asked for a while, or so often that the memory of the models is given back.

        Whoever connects just then finds nobody, and starts our successor.
        """
        self._listener.settimeout(LOOK_SECONDS)
        while self._requests_left > 0 and not self._is_idle():
            self._check_deadlines()
            with suppress(TimeoutError):
                peer, _ = self._listener.accept()
                with self._guard:
                    self._deadlines[id(peer)] = time.monotonic() + REQUEST_SECONDS
                self._requests_left -= 1
                threading.Thread(target=self._answer, args=(peer,), daemon=True).start()
        self._listener.close()
        while self._deadlines:
            self._check_deadlines()
            time.sleep(LOOK_SECONDS)

    def _answer(self, peer: socket.socket) -> None:
        with suppress(OSError, EOFError, TimeoutError, ValueError), peer:
            request = receive(peer, time.monotonic() + REQUEST_SECONDS)
            with self._guard:
                lock = self._locks.setdefault(request["function"].partition(":")[0], threading.Lock())
                self._deadlines[id(peer)] = time.monotonic() + request["timeout_seconds"]
            with lock:
                answer = self._functions.answer(request["function"], request["arguments"])
            send(peer, answer)
        with self._guard:
            self._used_at = time.monotonic()
            self._deadlines.pop(id(peer), None)

    def _is_idle(self) -> bool:
        return not self._deadlines and time.monotonic() - self._used_at > self._idle_seconds

    def _check_deadlines(self) -> None:
        """A model that does not come to an end takes the process with it: nothing else stops native code."""
        with self._guard:
            is_late = any(until < time.monotonic() for until in self._deadlines.values())
        if is_late:
            os._exit(1)


def main(options: dict[str, Any]) -> None:
    tie_to_parent()
    drop_rights()
    with suppress(OSError):
        os.nice(NICENESS)
    functions = Functions(tuple(options["allowed"]), options["memory_bytes"])
    with socket.socket(fileno=options["fd"]) as listener:
        Host(listener, functions, options).serve()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

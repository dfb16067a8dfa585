"""Models are asked here: one process of the machine holds them all, whoever of the workers asks.

The first who asks starts it, on a socket that it inherits; so nobody waits for it to be up. It dies with the worker
that started it, and ends by itself when it had nothing to do: the next who asks starts another.
"""

import fcntl
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediatheque import errors, meters
from mediatheque.decoder import ALLOWED, ENVIRONMENT, PASSED_ON, DecoderFailed, result_of
from mediatheque.decoder_child import receive, send
from mediatheque.understanding import Model

MEMORY_BYTES = 3 << 30
IDLE_SECONDS = 300.0
REQUESTS = 1000
"""After so many the process is replaced: what the engines keep for themselves only grows."""
TIMEOUT_SECONDS = 120.0
TRIES = 3
BACKLOG = 64
TURNED_OFF = "Models are turned off (MEDIATHEQUE_MODELS=off)"


class Models:
    """The models of this machine. `folder` gives the process that holds them its place: it makes a short path that
    only we may enter."""

    def __init__(
        self,
        folder: Callable[[], Path],
        *,
        is_on: bool = True,
        allowed: tuple[str, ...] = ALLOWED,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._folder = folder
        self._is_on = is_on
        self._options = {"allowed": allowed, "memory_bytes": MEMORY_BYTES, "idle_seconds": idle_seconds,
                         "requests": REQUESTS}  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        # The process dies with the thread that started it (PR_SET_PDEATHSIG), so one lasting thread starts it.
        self._starter = ThreadPoolExecutor(1, "model-starter")

    def check(self, model: Model) -> None:
        """Raise `NotInstalled`, naming the extra, unless the model is there. Imports nothing."""
        if not self._is_on:
            raise errors.NotInstalled(TURNED_OFF)
        if not all(importlib.util.find_spec(module) for module in model.modules):
            raise errors.NotInstalled(f"The extra `{model.extra}` is not installed: mediatheque[{model.extra}]")
        missing = [path.name for path in model.files if not path.exists()]
        if missing:
            raise errors.NotInstalled(f"The extra `{model.extra}` lacks {', '.join(missing)}: run `make models`")

    def run(self, model: Model, function: str, /, *, timeout_seconds: float = TIMEOUT_SECONDS, **arguments: Any) -> Any:
        """The result of `module:function` called with JSON arguments beside the loaded models.

        Raises `NotInstalled`, what the function refused, and `DecoderFailed` when the process did not answer.
        """
        self.check(model)
        request = {"function": function, "arguments": arguments, "timeout_seconds": timeout_seconds}
        deadline = time.monotonic() + timeout_seconds
        for attempt in range(1, TRIES + 1):
            try:
                with meters.timed(meters.MODEL, model.name):
                    return result_of(self._ask(request, deadline))
            except TimeoutError:
                raise DecoderFailed("the model did not answer in time") from None
            except (EOFError, OSError, ValueError) as problem:  # it ended: of age, or not
                if attempt == TRIES:
                    raise DecoderFailed("the model ended early") from problem
        raise DecoderFailed("the model ended early")

    def close(self) -> None:
        """End the process, if it is ours."""
        self._starter.shutdown()
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _ask(self, request: dict[str, Any], deadline: float) -> dict[str, Any]:
        with self._connected() as peer:
            send(peer, request)
            answer = receive(peer, deadline)
        if not isinstance(answer, dict):
            raise ValueError("no answer")
        return answer

    def _connected(self) -> socket.socket:
        folder = self._folder()
        address = str(folder / "models")
        with suppress(OSError):
            return _connection(address)
        with (folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(OSError):  # somebody else was faster
                return _connection(address)
            self._starter.submit(self._start, address).result()
            return _connection(address)

    def _start(self, address: str) -> None:
        Path(address).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(BACKLOG)
            if self._process is not None:
                self._process.poll()
            command = [sys.executable, "-P", "-s", "-m", "mediatheque.inference_process"]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, json.dumps({**self._options, "fd": listener.fileno()})],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
                env=ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )


def _connection(address: str) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(address)
    except BaseException:
        peer.close()
        raise
    return peer

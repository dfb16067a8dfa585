"""The one process of a machine that holds models: started on first use, asked over a socket, gone when nobody asks.

No bytes from users are decoded there: it gets texts, and samples that a decoder child has made.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediatheque import errors
from mediatheque.decoder_child import receive, send
from mediatheque.sockets import private_folder

ALLOWED = ("mediatheque.skills.",)
IDLE_SECONDS = 300.0
START_SECONDS = 30.0
PAUSE_SECONDS = 0.05
PASSED_ON = ("PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
ENVIRONMENT = {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


class ModelFailed(Exception):
    """The model process did not answer: time, memory, a crash or a bug. The message is safe to show."""


class Models:
    """The model process of the machine's servers on one data folder, from the side of those who ask."""

    def __init__(self, data_dir: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._data_dir = data_dir
        self._idle_seconds = idle_seconds
        self._child: subprocess.Popen[bytes] | None = None
        # A child dies with the thread that started it (PR_SET_PDEATHSIG), so one lasting thread starts them all.
        self._starter = ThreadPoolExecutor(1, "model-starter")

    def run(self, function: str, /, *, timeout_seconds: float = 60, **arguments: Any) -> Any:
        """The result of `module:function`, called with JSON arguments where the models are.

        Raises `errors.Unavailable` when there is no such process to be had, ModelFailed when it fails, and
        `errors.MissingExtra` when it lacks the model.
        """
        deadline = time.monotonic() + START_SECONDS + timeout_seconds
        for is_last in (False, True):
            try:
                with self._connected() as connection:
                    send(connection, {"function": function, "arguments": arguments})
                    return _result(receive(connection, deadline))
            except TimeoutError:
                raise ModelFailed("The model took too long") from None
            except (EOFError, OSError) as problem:  # it ended just then, for want of work or with its parent
                if is_last:
                    raise ModelFailed("The model process ended") from problem
        raise AssertionError

    def close(self) -> None:
        """End the process, if this is the one that started it; others start one anew."""
        self._starter.shutdown()
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def _connected(self) -> socket.socket:
        """A connection to the process, which is started when there is none."""
        folder, until = private_folder(self._data_dir, "-models"), time.monotonic() + START_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(folder / "socket"))
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
            else:
                return connection
            if time.monotonic() > until:
                raise errors.Unavailable("The model process does not start")
            self._starter.submit(self._start, folder).result()
            time.sleep(PAUSE_SECONDS)

    def _start(self, folder: Path) -> None:
        """Start it unless ours is on its way; of several that are started at a time all but one end at once."""
        if self._child is not None and self._child.poll() is None:
            return
        options = {"folder": str(folder), "idle_seconds": self._idle_seconds, "allowed": ALLOWED}
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-s", "-m", "mediatheque.modelhost_child", json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env=ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )
        except OSError as problem:
            raise errors.Unavailable from problem


def _result(answer: Any) -> Any:
    if "result" in answer:
        return answer["result"]
    if "missing" in answer:
        raise errors.MissingExtra(str(answer["missing"]))
    raise ModelFailed(str(answer.get("failed"))[:200])

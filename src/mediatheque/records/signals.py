"""Wakes the other processes: datagrams on one machine (SQLite), LISTEN/NOTIFY between machines (PostgreSQL).

A signal is a hint and may be lost; whoever waits also looks by itself now and then.
"""

import hashlib
import os
import select
import socket
import stat
import tempfile
from pathlib import Path
from typing import Protocol

from mediatheque.records.engine import Database


class Signals(Protocol):
    def send(self) -> None:
        """Tell every listener that there may be work; never fails and never waits."""

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until a signal or the timeout; True for a signal."""

    def close(self) -> None: ...


def signals_for(database: Database, data_dir: Path) -> Signals:
    if database.is_sqlite:
        return LocalSignals(data_dir)
    from mediatheque.records.notify import PostgresSignals

    return PostgresSignals(database.url)


class LocalSignals:
    """Each listener owns a datagram socket in one folder; a sender writes a byte to all of them."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = socket_folder(data_dir)
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        self._listener: socket.socket | None = None

    def send(self) -> None:
        for address in self._folder.iterdir():
            try:
                self._sender.sendto(b"!", str(address))
            except (ConnectionRefusedError, FileNotFoundError):
                address.unlink(missing_ok=True)  # its owner was killed
            except BlockingIOError:
                continue  # it has unread signals, so it will wake anyway

    def wait(self, timeout_seconds: float) -> bool:
        listener = self._listen()
        poll = select.poll()  # select() takes no descriptor above 1,023
        poll.register(listener, select.POLLIN)
        if not poll.poll(timeout_seconds * 1000):
            return False
        try:
            while listener.recv(16):
                pass
        except BlockingIOError:
            return True
        return True

    def close(self) -> None:
        self._sender.close()
        if self._listener is not None:
            Path(self._listener.getsockname()).unlink(missing_ok=True)
            self._listener.close()

    def _listen(self) -> socket.socket:
        if self._listener is None:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._listener.setblocking(False)
            self._listener.bind(str(self._folder / f"{os.getpid()}-{id(self):x}"))
        return self._listener


def socket_folder(data_dir: Path, suffix: str = "") -> Path:
    """A short path (socket names have at most 107 bytes), one for a data folder, that only this user may enter."""
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"mediatheque-{os.getuid()}-{digest}{suffix}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder

"""Wakes the other processes: datagrams on one machine (SQLite), LISTEN/NOTIFY between machines (PostgreSQL).

A signal is a hint and may be lost; whoever waits also looks by itself now and then.
"""

import hashlib
import os
import select
import socket
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import Protocol

import psycopg

from mediatheque.records.engine import Database

CHANNEL = "mediatheque"
_RECONNECT_SECONDS = 1.0


class Signals(Protocol):
    def send(self) -> None:
        """Tell every listener that there may be work; never fails and never waits."""

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until a signal or the timeout; True for a signal."""

    def close(self) -> None: ...


def signals_for(database: Database, data_dir: Path) -> Signals:
    return LocalSignals(data_dir) if database.is_sqlite else PostgresSignals(database.url)


class LocalSignals:
    """Each listener owns a datagram socket in one folder; a sender writes a byte to all of them."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = _socket_folder(data_dir)
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
        ready, _, _ = select.select([listener], [], [], timeout_seconds)
        if not ready:
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


class PostgresSignals:
    """One thread sends what was asked for since it last did, so that no transaction carries a NOTIFY."""

    def __init__(self, url: str) -> None:
        self._url = f"postgresql://{url.partition('://')[2]}"
        self._asked = threading.Event()
        self._closed = False
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None
        self._thread = threading.Thread(target=self._notify, name="signals", daemon=True)
        self._thread.start()

    def send(self) -> None:
        self._asked.set()

    def wait(self, timeout_seconds: float) -> bool:
        try:
            if self._listener is None:
                self._listener = psycopg.connect(self._url, autocommit=True)
                self._listener.execute(f"LISTEN {CHANNEL}")
                return True  # what was sent while nobody listened
            return any(True for _ in self._listener.notifies(timeout=timeout_seconds, stop_after=1))
        except psycopg.OperationalError:
            self._listener = None
            time.sleep(_RECONNECT_SECONDS)
            return True

    def close(self) -> None:
        self._closed = True
        self._asked.set()
        self._thread.join()
        if self._listener is not None:
            self._listener.close()

    def _notify(self) -> None:
        connection: psycopg.Connection[tuple[object, ...]] | None = None
        while True:
            self._asked.wait()
            if self._closed:
                break
            self._asked.clear()
            try:
                connection = connection or psycopg.connect(self._url, autocommit=True)
                connection.execute(f"NOTIFY {CHANNEL}")
            except psycopg.OperationalError:
                connection = None  # listeners look by themselves until the database is back
                time.sleep(_RECONNECT_SECONDS)
        if connection is not None:
            connection.close()


def _socket_folder(data_dir: Path) -> Path:
    """A short path (socket names have at most 107 bytes) that only this user may enter, the same for one data folder."""
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"mediatheque-{os.getuid()}-{digest}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder

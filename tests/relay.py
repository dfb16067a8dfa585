"""A relay in front of a server that can play its troubles: gone, failing, overloaded, cut off, silent."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE_BYTES = 64 << 10
CUT_BYTES = {"cut off": (600, None), "answers cut off": (None, 10)}
"""How much of a request and of an answer comes through."""
TROUBLES = ("gone", "failing", "overloaded", "cut off", "answers cut off", "silent")
ANSWERS = {"failing": (500, "InternalError"), "overloaded": (503, "SlowDown")}


class Relay:
    """Listens on `port` and passes everything on to `target`, unless it plays a trouble."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._trouble = ""
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def playing(self, trouble: str) -> Iterator[None]:
        """The trouble for the length of a block; connections from before do not outlive its begin or its end."""
        self._change(trouble)
        try:
            yield
        finally:
            self._change("")

    def close(self) -> None:
        self._listener.close()
        self._change("gone")

    def _change(self, trouble: str) -> None:
        with self._lock:
            self._trouble = trouble
            for it in self._open:
                _reset(it)
            self._open.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:  # so that it belongs to what is played now, and ends with it
                    trouble = self._trouble
                    self._open.add(client)
                threading.Thread(target=self._serve, args=(client, trouble), daemon=True).start()

    def _serve(self, client: socket.socket, trouble: str) -> None:
        with suppress(OSError), self._kept(client):
            if trouble == "silent":
                while client.recv(PIECE_BYTES):
                    continue
            elif trouble in ANSWERS:
                self._refuse(client, *ANSWERS[trouble])
            elif trouble != "gone":
                self._pass_on(client, trouble)
        _reset(client)

    def _refuse(self, client: socket.socket, status: int, code: str) -> None:
        client.recv(PIECE_BYTES)
        body = f"<Error><Code>{code}</Code></Error>".encode()
        client.sendall(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        client.shutdown(socket.SHUT_WR)
        while client.recv(PIECE_BYTES):
            continue

    def _pass_on(self, client: socket.socket, trouble: str) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server, self._kept(server):
            of_requests, of_answers = CUT_BYTES.get(trouble, (None, None))
            answers = threading.Thread(target=_copy, args=(server, client, of_answers), daemon=True)
            answers.start()
            _copy(client, server, of_requests)
            answers.join()

    @contextmanager
    def _kept(self, it: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(it)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(it)


def _copy(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    """Until the source ends; with a limit both are cut off behind that many bytes."""
    passed = 0
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            if limit is not None and passed + len(piece) > limit:
                target.sendall(piece[: limit - passed])
                _reset(source)
                break
            passed += len(piece)
            target.sendall(piece)
    _reset(target)


def _reset(it: socket.socket) -> None:
    """Close without a farewell."""
    with suppress(OSError):
        it.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        it.shutdown(socket.SHUT_RDWR)
        it.close()

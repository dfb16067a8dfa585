"""A websocket client for the tests, as small as RFC 6455 allows: texts and closes, no extensions, no fragments."""

import base64
import json
import os
import socket
from types import TracebackType
from typing import Any, Self

from tests.support import Server


class Closed(Exception):
    """The server closed; `code` says why."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Socket:
    """One connection to a path of a server."""

    def __init__(self, server: Server, path: str, seconds: float = 30) -> None:
        self._connection = socket.create_connection(("127.0.0.1", server.port), timeout=seconds)
        key = base64.b64encode(os.urandom(16)).decode()
        head = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
        self._connection.sendall(head.encode())
        self._buffer = b""
        answer = self._until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def send(self, message: Any) -> None:
        """A message as JSON, or a string as it is."""
        body = (message if isinstance(message, str) else json.dumps(message)).encode()
        length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
        self._connection.sendall(b"\x81" + length + mask + masked)

    def receive(self) -> dict[str, Any]:
        """The next message; raises `Closed`."""
        while True:
            first, second = self._exactly(2)
            length = second & 0x7F
            if length > 125:
                length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
            body = self._exactly(length)
            if first & 0x0F == 8:
                raise Closed(int.from_bytes(body[:2], "big"))
            if first & 0x0F == 1:
                found: dict[str, Any] = json.loads(body)
                return found

    def until(self, kind: str) -> list[dict[str, Any]]:
        """Everything up to the first message of this type."""
        found = [self.receive()]
        while found[-1]["type"] != kind:
            found.append(self.receive())
        return found

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            piece = self._connection.recv(4096)
            assert piece, "the server closed the connection"
            self._buffer += piece
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self._connection.recv(65536)
            if not piece:
                raise Closed(1006)
            self._buffer += piece
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

"""The guard for clients that do their own networking: a proxy on loopback that connects to checked addresses only.

Such a client resolves names and follows redirects by itself; when all it can reach is this tunnel, the rules of
`clients.addresses` hold for every connection it makes. TLS stays between the client and the endpoint.
"""

import base64
import hmac
import secrets
import selectors
import socket
import socketserver
import threading
import time
from functools import cache
from typing import cast

from mediatheque.clients.addresses import FetchFailed, addresses, resolved
from mediatheque.model import Reach

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 120.0
MAX_HEAD_BYTES = 8192
_PIECE_BYTES = 1 << 16


@cache
def tunnel(reach: Reach) -> str:
    """Address, with its password, of this process's tunnel to what lies within reach."""
    password = secrets.token_urlsafe(24)
    server = _Server(reach, password)
    threading.Thread(target=server.serve_forever, name="tunnel", daemon=True).start()
    return f"http://tunnel:{password}@127.0.0.1:{server.server_address[1]}"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, reach: Reach, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.reach = reach
        self.authorization = f"Basic {base64.b64encode(f'tunnel:{password}'.encode()).decode()}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client or an endpoint that goes away in between is nobody's trouble."""


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """One `CONNECT host:port`, then bytes both ways until one side ends or nothing moves."""
        self.request.settimeout(CONNECT_SECONDS)
        lines = _head(self.request).split("\r\n")
        method, _, rest = lines[0].partition(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        if not hmac.compare_digest(headers.get("proxy-authorization", ""), self.server.authorization):
            return self._answer("407 Proxy Authentication Required")
        if method != "CONNECT":
            return self._answer("405 Method Not Allowed")
        try:
            far = self._connect(rest.partition(" ")[0])
        except (FetchFailed, OSError, ValueError):
            return self._answer("403 Forbidden")
        with far:
            self._answer("200 Connected")
            _relay(self.request, far)
        return None

    def _connect(self, target: str) -> socket.socket:
        host, _, port = target.rpartition(":")
        deadline = time.monotonic() + CONNECT_SECONDS
        found = addresses(self.server.reach, resolved, host.strip("[]"), int(port), deadline)
        return socket.create_connection((found[0], int(port)), CONNECT_SECONDS)

    def _answer(self, status: str) -> None:
        self.request.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode() if status[0] != "2" else
                             f"HTTP/1.1 {status}\r\n\r\n".encode())  # fmt: skip


def _head(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < MAX_HEAD_BYTES:
        piece = connection.recv(1024)
        if not piece:
            break
        head += piece
    return head.partition(b"\r\n\r\n")[0].decode("latin-1")


def _relay(near: socket.socket, far: socket.socket) -> None:
    others = {near: far, far: near}
    with selectors.DefaultSelector() as selector:
        for side in others:
            selector.register(side, selectors.EVENT_READ)
        while ready := selector.select(IDLE_SECONDS):
            for key, _ in ready:
                side = cast(socket.socket, key.fileobj)
                piece = side.recv(_PIECE_BYTES)
                if not piece:
                    return
                others[side].sendall(piece)

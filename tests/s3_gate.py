"""A gate in front of the real S3 server: it hands everything through, and refuses what a test wants refused."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.seaweed import Seaweed

NO_ROOM = {
    "minio": (507, "XMinioStorageFull"),
    "minio, quota": (400, "XMinioAdminBucketQuotaExceeded"),
    "ceph": (403, "QuotaExceeded"),
    "plain": (507, "InsufficientStorage"),
}
"""What services say that have no room: status and code."""


@dataclass
class Gate:
    """`refuses` sees method and path of each request; `answer` None closes the connection instead."""

    url: str = ""
    refuses: Callable[[str, str], bool] = lambda _method, _path: False
    answer: tuple[int, str] | None = None
    refused: int = 0


def writes(method: str, path: str) -> bool:
    """New objects and the parts of large ones."""
    return method in {"PUT", "POST"} and "delete" not in path.partition("?")[2]


def everything(_method: str, _path: str) -> bool:
    return True


@contextmanager
def gate(behind: Seaweed) -> Iterator[Gate]:
    made = Gate()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if not made.refuses(self.command, self.path):
                self._hand_through(body)
                return
            made.refused += 1
            if made.answer is None:
                self.close_connection = True
                return
            status, code = made.answer
            text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No room</Message></Error>'
            self._send(status, {"Content-Type": "application/xml"}, text.encode())

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass

        def _hand_through(self, body: bytes) -> None:
            connection = http.client.HTTPConnection(urlsplit(behind.endpoint).netloc, timeout=30)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)  # the host as well, since it is signed
                connection.endheaders(body)
                answer = connection.getresponse()
                self._send(answer.status, dict(answer.getheaders()), answer.read())
            finally:
                connection.close()

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            own = {"content-length", "transfer-encoding", "connection", "date", "server"}
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in own or (self.command == "HEAD" and name.lower() == "content-length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()

"""A web site on loopback that a test fills with pages: well-behaved, hostile, slow. It counts who comes, and when."""

import http.server
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.pictures import picture

ICON = picture("PNG", 32, 32)
PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page of ours</title>
<meta property="og:title" content="What it is about"><meta property="og:image" content="/lead.png"></head>
<body><article><h1>Heading</h1><p>The wombat sleeps through all of the long day and comes out in the evening.</p>
<img src="/small.png" alt="a small one" width="40"></article></body></html>"""
Act = Callable[[socket.socket], None]


@dataclass
class Visit:
    """A request: when it came, and when its answer went out (monotonic)."""

    path: str
    headers: dict[str, str]
    came_at: float
    left_at: float = float("inf")


@dataclass
class Answer:
    body: bytes = b""
    media_type: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    takes_seconds: float = 0.0
    act: Act | None = None
    """Speaks to the client by itself, from the status line on."""


class Site:
    """Answers what `pages` holds by path, else 404."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                visit = Visit(self.path, dict(self.headers), time.monotonic())
                site.visits.append(visit)
                try:
                    site._answer(self, visit)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.visits: list[Visit] = []
        self.stopping = threading.Event()
        self.pages: dict[str, Answer] = {
            "/page.html": Answer(PAGE),
            "/lead.png": Answer(picture("PNG", 400, 300), "image/png"),
            "/favicon.ico": Answer(ICON, "image/png"),
        }
        self._server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def place(self) -> str:
        return "{}:{}".format(*self._server.server_address[:2])

    def url(self, path: str) -> str:
        return f"http://{self.place}{path}"

    def page(self, path: str, body: bytes = PAGE, media_type: str = "text/html", **more: object) -> str:
        """Put a page there; its URL."""
        self.pages[path] = Answer(body, media_type, **more)  # type: ignore[arg-type]
        return self.url(path)

    def seen(self, path: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.path == path]

    def most_at_once(self) -> int:
        """How many requests were under way at the same time."""
        moments = [(it.came_at, 1) for it in self.visits] + [(it.left_at, -1) for it in self.visits]
        most = now = 0
        for _, change in sorted(moments):
            now += change
            most = max(most, now)
        return most

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler, visit: Visit) -> None:
        found = self.pages.get(handler.path) or self.pages.get(handler.path.partition("?")[0])
        found = found or Answer(b"", status=404)
        if found.act is not None:
            handler.close_connection = True
            found.act(handler.connection)
            visit.left_at = time.monotonic()
            return
        self.stopping.wait(found.takes_seconds)
        handler.send_response(found.status)
        if found.media_type:
            handler.send_header("Content-Type", found.media_type)
        for name, value in found.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(found.body)))
        visit.left_at = time.monotonic()  # who has read it may come again before we have our turn
        handler.end_headers()
        handler.wfile.write(found.body)

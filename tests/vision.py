"""A stand-in for a vision model's endpoint on loopback, as strict or as bad as a test wants it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-stand-in-0123456789abcdef"


def message(content: Any) -> dict[str, Any]:
    return {"model": "stand-in", "choices": [{"message": {"role": "assistant", "content": content}}]}


def caption(text: str) -> dict[str, Any]:
    return message(json.dumps({"caption": text}))


@dataclass
class Vision:
    """`answers` are used up in turn, the last one again and again: (status, body as JSON or bytes)."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=lambda: [(200, caption("A test picture"))])
    headers: dict[str, str] = field(default_factory=dict)
    hang: threading.Event | None = None
    drip: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counting(self) -> Iterator[None]:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        yield
        with self.lock:
            self.at_once -= 1

    def next(self) -> tuple[int, bytes]:
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


def in_json(headers: Message, body: bytes) -> dict[str, Any]:
    return dict(json.loads(body))


@contextmanager
def stand_in(parse: Callable[[Message, bytes], dict[str, Any]] = in_json) -> Iterator[Vision]:
    """`parse` reads a request, as strictly as the endpoint is to be: what it does not take gets no answer."""
    vision = Vision()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            vision.requests.append(
                {"path": self.path, "authorization": self.headers["authorization"]} | parse(self.headers, body)
            )
            if vision.hang is not None:
                vision.hang.wait(30)
                return
            with vision.counting():
                self._answer()

        def _answer(self) -> None:
            status, answer = vision.next()
            self.send_response(status)
            for name, value in vision.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(10**6 if vision.drip else len(answer)))
            self.end_headers()
            with suppress(OSError):  # whoever asked has gone, as it should
                self._drip() if vision.drip else self.wfile.write(answer)

        def _drip(self) -> None:
            pause = threading.Event()
            for _ in range(300):
                self.wfile.write(b" ")
                pause.wait(0.1)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vision.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield vision
    finally:
        if vision.hang is not None:
            vision.hang.set()
        server.shutdown()
        server.server_close()

"""A receiver of webhooks on loopback: it keeps what it is told, and answers as a test says."""

import http.server
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Told:
    """A request: `came_at` is monotonic."""

    headers: dict[str, str]
    body: bytes
    came_at: float

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Place:
    """What a path of the receiver does: `statuses` one after another and then 204, after `takes_seconds`."""

    url: str
    statuses: list[int] = field(default_factory=list)
    takes_seconds: float = 0.0
    told: list[Told] = field(default_factory=list)

    def types(self) -> list[str]:
        return [it.payload["type"] for it in self.told]


class Receiver:
    def __init__(self) -> None:
        places: dict[str, Place] = {}
        self._places = places

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                place = places[self.path]
                body = self.rfile.read(int(self.headers["content-length"]))
                place.told.append(Told(dict(self.headers.items()), body, time.monotonic()))
                time.sleep(place.takes_seconds)
                try:
                    self.send_response(place.statuses.pop(0) if place.statuses else 204)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, name: str, **options: Any) -> Place:
        path = f"/{name}"
        self._places[path] = place = Place(f"http://{self.place}{path}", **options)
        return place

"""The guarded way out, against real sockets: what may not be reached is not even knocked at."""

import gzip
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mediatheque.clients.addresses import FetchFailed, Refused, is_public
from mediatheque.clients.fetch import DEADLINE_SECONDS, Fetch, Oversized
from mediatheque.model import Reach
from tests.corpus import FOLDER

PUBLIC = "93.184.215.14"
SPECIAL = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8",
    "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
)  # fmt: skip


@dataclass
class Listener:
    """A port of this machine that counts who knocks."""

    server: http.server.ThreadingHTTPServer
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


BODIES = {
    "/bomb": (gzip.compress(bytes(64 << 20)), "gzip"),
    "/zipped": (gzip.compress(b'{"a": 1}'), "gzip"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path: /hop/N redirects N times, /to?URL redirects there, others give what a test needs."""

    protocol_version = "HTTP/1.1"
    found: Listener
    stopping: threading.Event

    def do_GET(self) -> None:
        self.found.requests.append((self.path, dict(self.headers)))
        if self.path.startswith("/hop/"):
            left = int(self.path.removeprefix("/hop/"))
            self.answer(302 if left else 200, location=f"/hop/{left - 1}" if left else None)
        elif self.path.startswith("/to?"):
            self.answer(307, location=self.path.removeprefix("/to?"))
        elif self.path == "/drip":
            self.drip()
        else:
            body, encoding = BODIES.get(self.path, (b"hello", ""))
            self.answer(200, body, encoding=encoding)

    def answer(self, status: int, body: bytes = b"", *, location: str | None = None, encoding: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def drip(self) -> None:
        """Headers that never end, a byte at a time."""
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.stopping.wait(0.05):
                self.wfile.write(b"x")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    Handler.found, Handler.stopping = found, threading.Event()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    Handler.stopping.set()
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.mark.parametrize("address", SPECIAL)
def test_an_address_with_a_meaning_of_its_own_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def _hostile() -> list[str]:
    file = FOLDER / "hostile" / "ssrf_urls.json"
    if not file.exists():
        return ["http://127.0.0.1/", "http://2130706433/", "http://[::1]/", "file:///etc/passwd", "http:///127.0.0.1"]
    urls = json.loads(file.read_text())
    return [*urls["block"], *urls["reject_scheme"], urls["too_long"]]


@pytest.mark.parametrize("url", _hostile(), ids=lambda url: str(ascii(url))[:60])
def test_a_hostile_url_is_not_fetched(url: str) -> None:
    with pytest.raises(FetchFailed):
        Fetch(Reach()).request("GET", url, deadline_seconds=3)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"])
def test_nobody_knocks_at_a_private_port(listener: Listener, host: str) -> None:
    fetch = Fetch(Reach(), max_redirects=5)
    with pytest.raises(FetchFailed):
        fetch.request("GET", f"http://{host}:{listener.port}/")
    with pytest.raises(FetchFailed):
        fetch.check(f"http://{host}:{listener.port}/")
    assert listener.requests == []


def test_one_private_address_among_public_ones_refuses_the_name(listener: Listener) -> None:
    fetch = Fetch(Reach(), resolve=lambda host, port: [PUBLIC, "127.0.0.1"])
    with pytest.raises(Refused):
        fetch.request("GET", f"http://both.example:{listener.port}/")
    assert listener.requests == []


def test_a_name_that_changes_its_mind_does_not_lead_inside(listener: Listener) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    fetch = Fetch(Reach(), resolve=lambda host, port: next(answers))
    fetch.check(f"http://rebinding.example:{listener.port}/")
    with pytest.raises(Refused):
        fetch.request("GET", f"http://rebinding.example:{listener.port}/")
    assert listener.requests == []


def test_a_redirect_is_checked_like_the_first_address(listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as forbidden:
        forbidden.settimeout(0.2)
        fetch = Fetch(Reach(frozenset({listener.place})), max_redirects=5)
        for target in (f"http://127.0.0.1:{forbidden.getsockname()[1]}/", "file:///etc/passwd", "http://[::1]/"):
            with pytest.raises(FetchFailed):
                fetch.request("GET", f"http://{listener.place}/to?{target}")
        with pytest.raises(TimeoutError):
            forbidden.accept()


def test_redirects_are_followed_only_when_asked_and_at_most_so_often(listener: Listener) -> None:
    reach = Reach(frozenset({listener.place}))
    assert Fetch(reach).request("GET", f"http://{listener.place}/hop/1").status == 302
    assert Fetch(reach, max_redirects=5).request("GET", f"http://{listener.place}/hop/5").status == 200
    with pytest.raises(FetchFailed):
        Fetch(reach, max_redirects=5).request("GET", f"http://{listener.place}/hop/6")


def test_what_is_allowed_by_name_is_reached_with_that_name_as_host(listener: Listener) -> None:
    fetch = Fetch(Reach(frozenset({"inside.example"}), https_only=True), resolve=lambda host, port: ["127.0.0.1"])
    answer = fetch.request("GET", f"http://inside.example:{listener.port}/x")
    assert answer.body == b"hello"
    assert listener.requests[0][1]["Host"] == f"inside.example:{listener.port}"


def test_without_tls_nothing_else_is_reached_where_tls_is_asked_for() -> None:
    fetch = Fetch(Reach(https_only=True), resolve=lambda host, port: [PUBLIC])
    with pytest.raises(Refused):
        fetch.check("http://outside.example/")
    fetch.check("https://outside.example/")


def test_the_operator_goes_anywhere(listener: Listener) -> None:
    assert Fetch(Reach(anywhere=True, https_only=True)).request("GET", f"http://{listener.place}/").status == 200


def test_proxies_and_cookies_of_others_are_not_used(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    fetch = Fetch(Reach(anywhere=True))
    for _ in range(2):
        assert fetch.request("GET", f"http://{listener.place}/").status == 200
    assert all("Cookie" not in headers for _, headers in listener.requests)


def test_the_limit_counts_inflated_bytes(listener: Listener) -> None:
    fetch = Fetch(Reach(anywhere=True))
    assert fetch.request("GET", f"http://{listener.place}/zipped").json() == {"a": 1}
    with pytest.raises(Oversized):
        fetch.request("GET", f"http://{listener.place}/bomb", max_bytes=1 << 20)


def test_a_trickle_ends_at_the_deadline(listener: Listener) -> None:
    started = time.monotonic()
    with pytest.raises(FetchFailed):
        Fetch(Reach(anywhere=True)).request("GET", f"http://{listener.place}/drip", deadline_seconds=0.5)
    assert time.monotonic() - started < DEADLINE_SECONDS  # which holds where none is named


def test_a_closed_port_and_a_forbidden_one_read_alike() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # ours, and nobody listens
        with pytest.raises(FetchFailed) as closed:
            Fetch(Reach(anywhere=True)).request("GET", f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert "127.0.0.1" not in str(closed.value)

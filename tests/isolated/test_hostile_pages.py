"""Pages that are slow, endless, huge, or not what they say: each crawl ends in time and says why, and others go on."""

import gzip
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from mediatheque.core.crawling import UNREACHABLE
from tests.corpus import FOLDER
from tests.isolated.conftest import MEANT
from tests.pictures import picture
from tests.site import PAGE, Answer, Site
from tests.surfaces.files.links import crawled, saved

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
IN_TIME_SECONDS = 45
Speak = Callable[[Site, socket.socket], Iterator[bytes]]


def _slow_headers(site: Site, _: socket.socket) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    while not site.stopping.wait(0.2):
        yield b"x"


def _slow_body(site: Site, _: socket.socket) -> Iterator[bytes]:
    yield OK + b"\r\n<title>T</title>"
    while not site.stopping.wait(0.2):
        yield b"x"


def _endless(site: Site, _: socket.socket) -> Iterator[bytes]:
    yield OK + b"\r\n"
    while not site.stopping.is_set():
        yield b"<p>word" * 10_000


def _silent(site: Site, _: socket.socket) -> Iterator[bytes]:
    site.stopping.wait(60)
    yield b""


def _forever_informed(site: Site, _: socket.socket) -> Iterator[bytes]:
    while not site.stopping.wait(0.001):
        yield b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


def _many_headers(_: Site, __: socket.socket) -> Iterator[bytes]:
    yield OK + b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"\r\n" + PAGE


def _ancient(_: Site, __: socket.socket) -> Iterator[bytes]:
    yield PAGE


def _shorter(_: Site, __: socket.socket) -> Iterator[bytes]:
    yield OK + b"Content-Length: 100000\r\n\r\n" + PAGE


def _two_lengths(_: Site, __: socket.socket) -> Iterator[bytes]:
    yield OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"


def _bomb() -> bytes:
    return gzip.compress(b"<p>" + bytes(256 << 20), 9)


HTML = {"Content-Type": "text/html"}
SPOKEN: dict[str, tuple[Speak, str]] = {
    "slow headers": (_slow_headers, UNREACHABLE),
    "slow body": (_slow_body, "The page did not come to an end in time"),
    "endless": (_endless, "The page is larger than 5 MiB"),
    "silent": (_silent, UNREACHABLE),
    "forever informed": (_forever_informed, UNREACHABLE),
    "many headers": (_many_headers, UNREACHABLE),
    "ancient": (_ancient, UNREACHABLE),
    "shorter than it says": (_shorter, "The page broke off"),
    "two lengths": (_two_lengths, UNREACHABLE),
}
ANSWERED: dict[str, tuple[Callable[[], Answer], str]] = {
    "bomb": (lambda: Answer(_bomb(), headers={"Content-Encoding": "gzip"}), "The page is larger than 5 MiB"),
    "no gzip": (lambda: Answer(PAGE, headers={"Content-Encoding": "gzip"}), "The page broke off"),
    "other coding": (lambda: Answer(PAGE, headers={"Content-Encoding": "br"}), "The page broke off"),
    "a picture": (lambda: Answer(picture("PNG"), "image/png"), "What is there is no page: image/png"),
    "a picture as a page": (lambda: Answer(picture("PNG")), "What is there is no page that can be read"),
    "zeros as a page": (lambda: Answer(bytes(5000)), "What is there is no page that can be read"),
    "a page as a document": (lambda: Answer(PAGE, "application/pdf"), "The PDF is damaged"),
    "half a document": (lambda: Answer(b"%PDF-1.7\n1 0 obj <<", "application/pdf"), "The PDF is damaged"),
    "nothing": (lambda: Answer(b""), "What is there is no page that can be read"),
    "gone": (lambda: Answer(b"", status=410), "The page answered 410"),
    "broken": (lambda: Answer(b"", status=503), "The page answered 503"),
    "loop": (lambda: Answer(b"", status=302, headers={"Location": "/page"}), "The page redirects too often"),
    "nowhere": (lambda: Answer(b"", status=302, headers={"Location": "http://a b/"}), UNREACHABLE),
}
SURVIVED: dict[str, bytes] = {
    "deep": b"<title>T</title>" + b"<div>" * 50_000 + b"wombat",
    "long attribute": b'<title>T</title><p class="' + b"x" * (1 << 20) + b'">wombat',
    "many pictures": b"<title>T</title>" + b"".join(b'<img src="/%d.png">' % number for number in range(20_000)),
    "deep data": b'<title>T</title><script type="application/ld+json">' + b"[" * 100_000 + b"</script>",
    "strange characters": b"<title>T\x00\xed\xa0\x80\x07</title><p>wom\x00bat \xff",
}


def _speaking(site: Site, speak: Speak) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        with suppress(OSError):
            for piece in speak(site, connection):
                connection.sendall(piece)

    return act


@pytest.fixture(scope="module")
def sites() -> Iterator[dict[str, Site]]:
    """A site for each, since one site is visited once at a time."""
    found = {name: Site(MEANT) for name in (*SPOKEN, *ANSWERED, *SURVIVED, "slow robots", "good")}
    for name, (speak, _) in SPOKEN.items():
        found[name].pages["/page"] = Answer(act=_speaking(found[name], speak))
    for name, (answer, _) in ANSWERED.items():
        found[name].pages["/page"] = answer()
    for name, body in SURVIVED.items():
        found[name].page("/page", body)
    found["slow robots"].page("/page")
    found["slow robots"].pages["/robots.txt"] = Answer(act=_speaking(found["slow robots"], _slow_body))
    found["good"].page("/page")
    yield found
    for site in found.values():
        site.close()


def test_every_hostile_page_ends_in_time_and_others_go_on(client: httpx.Client, sites: dict[str, Site]) -> None:
    expected = {name: error for name, (_, error) in (*SPOKEN.items(), *ANSWERED.items())} | {"slow robots": UNREACHABLE}
    started = time.monotonic()
    links = {name: saved(client, sites[name].url("/page"))["id"] for name in (*expected, *SURVIVED, "good")}
    assert crawled(client, links["good"], IN_TIME_SECONDS)["crawl_status"] == "completed"
    found = {name: crawled(client, link, IN_TIME_SECONDS + 20) for name, link in links.items()}
    assert time.monotonic() - started < 2 * IN_TIME_SECONDS
    assert {name: found[name]["crawl_error"] for name in expected} == expected
    for name in SURVIVED:
        assert (found[name]["crawl_status"], found[name]["crawl_error"]) == ("completed", None), name
        assert re.fullmatch("T.*", found[name]["page_title"])


@pytest.mark.parametrize("name", ["pdf_stream_bomb_300MB", "pdf_page_tree_bomb_1e6", "pdf_huge_mediabox"])
def test_a_hostile_document_ends_in_time(client: httpx.Client, name: str) -> None:
    file = FOLDER / "hostile" / f"{name}.pdf"
    if not file.exists():
        pytest.skip("no corpus here")
    site = Site(MEANT)
    found = crawled(client, saved(client, site.page("/it.pdf", file.read_bytes(), "application/pdf"))["id"], 90)
    assert found["crawl_status"] == "completed" or found["crawl_error"]
    site.close()

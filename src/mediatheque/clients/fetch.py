"""The one way out to addresses that others name: checked before a byte leaves, and bounded in time and size.

A name is resolved once for each connection, every address that comes back is checked, and the connection goes to a
checked address while TLS and `Host` keep the name; so neither a redirect nor a name that changes its mind leads
elsewhere (safety, C). Proxies, cookies and credentials of the environment are not used.
"""

import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypedDict, Unpack

import httpcore
import httpx

from mediatheque.clients.addresses import FetchFailed, Refused, Resolve, addresses, left, resolved
from mediatheque.clients.urls import PORTS, readable
from mediatheque.model import Reach

__all__ = ("Answer", "Fetch", "FetchFailed", "Oversized", "Reach", "Refused", "Streamed")

MAX_BYTES = 5 << 20
DEADLINE_SECONDS = 15.0
PIECE_BYTES = 1 << 20
USER_AGENT = "mediatheque"


class Oversized(FetchFailed):
    """More bytes than the caller takes."""

    code, default_message = "fetch_oversized", "The answer is too large"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `body` is inflated. `url` is where it came from, after redirects."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str

    def json(self) -> Any:
        """The body as JSON; raises `ValueError`."""
        return httpx.Response(self.status, content=self.body).json()


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose body is still to come."""

    status: int
    headers: httpx.Headers
    url: str
    pieces: Iterator[bytes]


class Options(TypedDict, total=False):
    """What `Fetch.stream` takes beside method and URL."""

    headers: Mapping[str, str] | None
    params: Mapping[str, str] | None
    json: Any
    content: bytes | Iterable[bytes] | None
    deadline_seconds: float
    max_bytes: int


class Fetch:
    """A client within one `Reach`; connections are kept. Safe to use from several threads.

    Everything it raises is a `FetchFailed`. Time is a deadline for the whole exchange, redirects and body included.
    """

    def __init__(
        self, reach: Reach, *, max_redirects: int = 0, resolve: Resolve = resolved, user_agent: str = USER_AGENT
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._max_redirects = max_redirects
        self._client = httpx.Client(
            transport=_Transport(reach, resolve),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
        )

    def check(self, url: str) -> None:
        """Raise `Refused` unless the URL can be read and everything its name resolves to may be reached."""
        with _meanings():
            parsed = httpx.URL(readable(url))
            host, port = _admitted(parsed, self._reach)
            addresses(self._reach, self._resolve, host, port, time.monotonic() + DEADLINE_SECONDS)

    def request(self, method: str, url: str, **options: Unpack[Options]) -> Answer:
        """One exchange, whatever the status; raises `Oversized` when the inflated body exceeds `max_bytes`."""
        with self.stream(method, url, **options) as answer:
            body = b"".join(answer.pieces)
            return Answer(answer.status, answer.headers, body, answer.url)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | Iterable[bytes] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> Iterator[Streamed]:
        """The answer as soon as its headers are there; its pieces have at most 1 MiB."""
        deadline = time.monotonic() + deadline_seconds
        extensions = {
            "timeout": {"connect": deadline, "read": deadline, "write": deadline, "pool": deadline_seconds}
        }  # what our backend is handed as a timeout is the moment at which it ends
        with _meanings():
            request = self._client.build_request(
                method, readable(url), headers=dict(headers or {}), params=dict(params) if params else None,
                json=json, content=content, extensions=extensions,
            )  # fmt: skip
            answer = self._follow(self._client.send(request, stream=True))
        try:
            yield Streamed(answer.status_code, answer.headers, str(answer.url), _inflated(answer, max_bytes))
        finally:
            answer.close()

    def close(self) -> None:
        self._client.close()

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where the answer points, without reading what lies on the way."""
        for _ in range(self._max_redirects):
            if answer.next_request is None:
                break
            answer.close()
            answer = self._client.send(answer.next_request, stream=True)
        if self._max_redirects and answer.next_request is not None:
            answer.close()
            raise FetchFailed
        return answer


def _admitted(url: httpx.URL, reach: Reach) -> tuple[str, int]:
    """Host and port of a URL that may be tried; raises `Refused`."""
    host = url.raw_host.decode("ascii")
    if url.scheme not in PORTS or not host or url.userinfo:
        raise Refused
    port = url.port or PORTS[url.scheme]
    if reach.https_only and url.scheme != "https" and not reach.trusts(host, port):
        raise Refused
    return host, port


@contextmanager
def _meanings() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise (Refused if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol) else FetchFailed) from error
    except (*_TROUBLE, OSError, zlib.error, UnicodeError, ValueError) as error:
        raise FetchFailed from error


_TROUBLE = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


def _inflated(answer: httpx.Response, max_bytes: int) -> Iterator[bytes]:
    """The body in pieces; inflated step by step, so that a small body cannot become a large one in memory."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "deflate", ""}:
        raise FetchFailed
    inflate = zlib.decompressobj(wbits=47) if encoding in {"gzip", "deflate"} else None
    received = 0
    with _meanings():
        for raw in answer.iter_raw(PIECE_BYTES):
            rest = raw
            while rest:
                piece = inflate.decompress(rest, PIECE_BYTES) if inflate else rest
                rest = inflate.unconsumed_tail if inflate else b""
                received += len(piece)
                if received > max_bytes:
                    raise Oversized
                if piece:
                    yield piece
        if inflate and received and not inflate.eof:
            raise FetchFailed


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _Transport(httpx.BaseTransport):
    """httpx's requests over a pool whose connections are made by `_Backend`."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(), max_connections=32, keepalive_expiry=15.0, network_backend=_Backend(reach, resolve)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _admitted(request.url, self._reach)
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to checked addresses only. The timeouts it is handed are deadlines on the monotonic clock."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        assert timeout is not None
        problem: Exception = httpcore.ConnectError("no address")
        for address in addresses(self._reach, self._resolve, host, port, timeout):
            try:
                return _Stream(self._sockets.connect_tcp(address, port, left(timeout), local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline, however often something trickles in."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, None if timeout is None else left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, None if timeout is None else left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, None if timeout is None else left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()

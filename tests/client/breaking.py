"""Connections that break while something large is sent, and something large to send."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
from PIL import Image

BROKEN_AT = 1 << 20


class Breaking(httpx.HTTPTransport):
    """Breaks the connections of some requests, by method: of those with a large body after a megabyte of it."""

    def __init__(self, method: str, times: int) -> None:
        super().__init__()
        self.method, self.times, self.asked = method, times, list[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        if request.method != self.method or not self.times:
            return super().handle_request(request)
        self.times -= 1
        if request.method != "PATCH":
            raise httpx.ReadError("broken", request=request)
        request.stream = Broken(request)
        return super().handle_request(request)


class Unanswered(httpx.HTTPTransport):
    """Requests arrive, and their answers are lost."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        super().handle_request(request).close()
        raise httpx.ReadError("lost", request=request)


class Broken(httpx.SyncByteStream):
    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self._stream = request.stream

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._stream, httpx.SyncByteStream)
        gone = 0
        for piece in self._stream:
            yield piece
            gone += len(piece)
            if gone >= BROKEN_AT:
                raise httpx.WriteError("broken", request=self._request)


def large_picture(path: Path) -> Path:
    """A picture that is too large for one request."""
    noise = Random(5).randbytes(1500 * 1000 * 3)
    Image.frombytes("RGB", (1500, 1000), noise).save(path, "PNG", compress_level=0)
    return path

"""Connections that break: what is tried again, what is not, and uploads that go on where they were."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest
from PIL import Image

from mediatheque.client import Client, ConnectionFailed
from tests.conftest import Tenant
from tests.support import free_port

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


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture that is too large for one request."""
    path = tmp_path / "large.png"
    noise = Random(5).randbytes(1500 * 1000 * 3)
    Image.frombytes("RGB", (1500, 1000), noise).save(path, "PNG", compress_level=0)
    return path


def client_of(tenant: Tenant, transport: httpx.BaseTransport, **options: int) -> Client:
    return Client(tenant.server.url, api_key=tenant.key.key, transport=transport, **options)


def test_a_large_upload_goes_on_after_a_broken_connection(tenant: Tenant, large: Path) -> None:
    breaking, counted = Breaking("PATCH", 1), list[int]()
    with client_of(tenant, breaking) as client:
        it = client.files.upload(large, progress=lambda sent, _: counted.append(sent))
        assert client.files.read(it.id) == large.read_bytes()
    assert breaking.asked[:3] == ["POST", "PATCH", "HEAD"]
    assert breaking.asked.count("POST") == 1
    assert counted[-1] == large.stat().st_size


def test_a_large_upload_goes_on_in_another_process(tenant: Tenant, large: Path) -> None:
    begun: list[str] = []
    with client_of(tenant, Breaking("PATCH", 1), retries=0) as client, pytest.raises(ConnectionFailed):
        client.files.upload(large, on_begin=begun.append)
    counted: list[int] = []
    with client_of(tenant, httpx.HTTPTransport()) as client:
        it = client.files.upload(large, upload_id=begun[0], progress=lambda sent, _: counted.append(sent))
        assert client.files.read(it.id) == large.read_bytes()
        assert client.files.upload(large, upload_id=begun[0]).id == it.id


def test_a_question_is_asked_again_and_a_making_with_its_key(tenant: Tenant) -> None:
    for method in ("GET", "POST"):
        breaking = Breaking(method, 1)
        with client_of(tenant, breaking) as client:
            client.folders.create(f"after {method}")
            client.folders.list()
        assert breaking.asked.count(method) == 2


def test_what_might_have_been_done_is_not_done_twice(tenant: Tenant) -> None:
    breaking = Breaking("PUT", 1)
    with client_of(tenant, breaking) as client:
        room = client.rooms.create("Once")
        it = client.artifacts.create(room.id, "Plan", "one")
        with pytest.raises(ConnectionFailed):
            client.artifacts.put(room.id, it.id, content="two")
    assert breaking.asked.count("PUT") == 1


def test_nobody_there_is_told_after_the_retries() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", retries=1) as client, pytest.raises(ConnectionFailed):
        client.folders.list()


def test_importing_the_client_imports_no_server() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'pydantic', 'numpy', 'mediatheque.core', 'mediatheque.settings'}"
    code = f"import sys, mediatheque.client; print(sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert answer.stdout == "[]\n", answer.stderr

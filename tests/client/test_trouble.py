"""Connections that break: what is tried again, what is not, and uploads that go on where they were."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mediatheque.client import Client, ConnectionFailed
from tests.client.breaking import Breaking, Unanswered, large_picture
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import free_port


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return large_picture(tmp_path / "large.png")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "small.png"
    path.write_bytes(picture("PNG"))
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


def test_a_small_file_whose_answer_was_lost_is_not_made_twice(tenant: Tenant, photo: Path) -> None:
    begun: list[str] = []
    with client_of(tenant, Unanswered(), retries=0) as client, pytest.raises(ConnectionFailed):
        client.files.upload(photo, on_begin=begun.append)
    with client_of(tenant, httpx.HTTPTransport()) as client, ThreadPoolExecutor(4) as threads:
        sent = [threads.submit(client.files.upload, photo, upload_id=begun[0]) for _ in range(4)]
        assert {it.result().id for it in sent} == {it.id for it in client.files.list()}
        assert client.files.upload(photo, title="another", upload_id=begun[0]).id != sent[0].result().id


def test_who_sends_a_small_file_again_waits_for_the_first_answer(tenant: Tenant, photo: Path) -> None:
    with client_of(tenant, httpx.HTTPTransport()) as client, ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(client.files.upload, photo, upload_id="one") for _ in range(8)]
        assert len({it.result().id for it in sent}) == 1


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

"""Clients that vanish or dawdle: nothing is left of them, and the others do not notice (safety, F13 and F14)."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, quick, upload, wait_for

BODY = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + picture("PNG", 900, 700)
    + b"\0" * (3 << 20) + b"\r\n--b--\r\n"
)  # fmt: skip


@contextmanager
def connection(server: Server, sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=100) as client:
        client.sendall(sent)
        yield client


def head(tenant: Tenant) -> bytes:
    return (
        f"POST /v3/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode()


def staged(server: Server) -> list[str]:
    return [it.name for it in (server.data_dir / "objects" / ".staging").glob("upload-*")]


def test_a_client_that_leaves_half_way_leaves_no_file_and_no_row(server: Server, tenant: Tenant) -> None:
    wait_for(lambda: not staged(server), "the uploads of others to end")
    begun = len(server.log.read_text())
    for share in (0.01, 0.5, 0.999):
        with connection(server, head(tenant) + BODY[: int(len(BODY) * share)]):
            wait_for(lambda: bool(staged(server)), "the upload to begin")
        wait_for(lambda: not staged(server), "the staged file to be removed")
    assert tenant.client.get("/v3/images").json()["total"] == 0
    assert not list(tenant.objects())
    log = server.log.read_text()[begun:]
    assert "unhandled error" not in log
    assert "Traceback" not in log


def test_a_client_that_leaves_before_the_answer_may_find_its_image_later(server: Server, tenant: Tenant) -> None:
    with connection(server, head(tenant) + BODY):
        pass
    wait_for(lambda: not staged(server), "the upload to end")
    for image in tenant.client.get("/v3/images").json()["result"]:
        assert tenant.client.get(image["url"]).status_code == 200


def test_a_client_that_leaves_while_it_reads_hurts_nobody(server: Server, tenant: Tenant) -> None:
    image = upload(tenant.client, picture("PNG") + b"\0" * (9 << 20), "a.png")
    for _ in range(20):
        with connection(server, f"GET /i/{image['id']} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) as client:
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert len(tenant.client.get(image["url"]).content) == image["size"]


def test_hundreds_of_idle_and_half_said_requests_do_not_slow_the_others(server: Server, tenant: Tenant) -> None:
    openings = [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", head(tenant), head(tenant) + BODY[:200]]
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
    try:
        for number, client in enumerate(clients):
            client.sendall(openings[number % len(openings)])
        for _ in range(20):
            assert quick(lambda: tenant.client.get("/health/live"), 1).status_code == 200
        assert upload(tenant.client)["id"]
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: not staged(server), "the staged files to be removed")


@pytest.mark.slow
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_connection_that_dawdles_is_closed_in_time(server: Server, tenant: Tenant) -> None:
    """All at once, as each takes its minute: half a request line, half a head, a silent body, one byte a second."""
    openings = {"line": b"GET / HTT", "head": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "body": head(tenant),
                "drip": head(tenant) + BODY[:80]}  # fmt: skip
    clients = {name: socket.create_connection(("127.0.0.1", server.port)) for name in openings}
    for name, client in clients.items():
        client.sendall(openings[name])
        client.setblocking(False)
    started, closed = time.monotonic(), dict[str, float]()
    while len(closed) < len(clients) and time.monotonic() - started < 130:
        for name, client in clients.items():
            if name not in closed and _is_closed(client, b"\0" if name == "drip" else b""):
                closed[name] = time.monotonic() - started
        time.sleep(1)
    for client in clients.values():
        client.close()
    assert set(closed) == set(clients)
    assert 25 < closed["line"] < 45
    assert 25 < closed["head"] < 45
    assert 55 < closed["body"] < 75
    assert 55 < closed["drip"] < 75
    wait_for(lambda: not staged(server), "the staged files to be removed")


def _is_closed(client: socket.socket, drip: bytes) -> bool:
    try:
        if drip:
            client.send(drip)
        while client.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True

"""A server in the namespace without a network, a public web site on loopback, and who watches over all of it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.isolated.names import INSIDE, PUBLIC, Names
from tests.isolated.watch import Watch
from tests.site import Site
from tests.support import Server

collect_ignore_glob = [] if os.environ.get("MEDIATHEQUE_ISOLATED") else ["test_*"]
CANARIES = (80, 443, 6379, 9, 70, 11211)
MEANT = "127.0.0.2"
"""The address of web sites that the server may go to although it is private."""


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="session")
def names() -> Names:
    return Names()


@pytest.fixture(scope="session")
def canaries() -> Iterator[list[socket.socket]]:
    """Listeners on every address that is not public, on the ports that attackers ask for."""
    listening = [socket.create_server((address, port)) for address in ("127.0.0.1", *INSIDE) for port in CANARIES]
    listening += [socket.create_server(("::1", port), family=socket.AF_INET6) for port in CANARIES]
    yield listening
    for it in listening:
        it.setblocking(False)
        with pytest.raises(BlockingIOError):
            it.accept()
        it.close()


@pytest.fixture(scope="session")
def public() -> Iterator[Site]:
    """A web site at an address of the internet."""
    site = Site(PUBLIC)
    yield site
    site.close()


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, names: Names, watch: Watch, canaries: list[socket.socket]
) -> Iterator[Server]:
    environment = {
        "MEDIATHEQUE_CRAWL_ALLOW": MEANT,
        "MEDIATHEQUE_CRAWL_PAUSE_SECONDS": "0",
        "MEDIATHEQUE_WORKERS": "2",
        "MEDIATHEQUE_RATE_LIMIT": "0",
        "HTTP_PROXY": "http://127.0.0.1:3128",
        "HTTPS_PROXY": "http://127.0.0.1:3128",
        "ALL_PROXY": "http://127.0.0.1:3128",
    }
    running = Server(Path(tmp_path_factory.mktemp("isolated")) / "data", environment).start()
    yield running
    assert watch.forbidden(("127.0.0.1", running.port), PUBLIC, MEANT) == set()
    running.kill()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as it:
        yield it


@pytest.fixture
def path() -> str:
    """A path that is this test's alone."""
    return f"/{uuid4().hex}"

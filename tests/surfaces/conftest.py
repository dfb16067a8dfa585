"""What the tests with hostile files ask for: a watch over the server's memory and its workers."""

import threading
from collections.abc import Iterator

import psutil
import pytest

from tests.conftest import DATABASES
from tests.support import Server, arguments, process_tree, process_tree_bytes, until_ready, upload, wait_for

GROWTH_BYTES = 512 << 20
LOOK_SECONDS = 0.1
WARM = set[str]()


@pytest.fixture
def in_bounds(server: Server) -> Iterator[None]:
    """Fails when all processes together take too much memory at any time of the test, or when a worker dies."""
    warm(server)
    before = process_tree_bytes(server)
    workers = {it.pid for it in children(server) if "worker" in arguments(it)}
    most, ended = [before], threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            most.append(process_tree_bytes(server))

    watching = threading.Thread(target=watch)
    watching.start()
    yield
    ended.set()
    watching.join()
    assert max(most) - before < GROWTH_BYTES, f"{(max(most) - before) >> 20} MiB more than before"
    assert workers <= {it.pid for it in children(server)}, "a worker died"
    wait_for(server.is_live, "the server to answer still")


def warm(server: Server) -> None:
    """Have its workers begun their work: while they start they grow."""
    if server.url in WARM:
        return
    WARM.add(server.url)
    with server.client() as client:
        image = upload(client)
        until_ready(client, image)
        client.delete(f"/v3/images/{image['id']}")


def children(server: Server) -> list[psutil.Process]:
    """What the server started itself: what a worker starts bears the worker's name for a moment."""
    return process_tree(server)[0].children()


@pytest.fixture(scope="session", params=DATABASES)
def thinking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with models, once on SQLite and once on PostgreSQL."""
    environment = {"MEDIATHEQUE_MODELS": "on"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(f"thinking-{request.param}") / "data", environment).start()
    yield running
    assert running.stop() == 0

"""The process tree as an operator meets it: started, stopped, killed, and told what is wrong."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.pictures import picture
from tests.support import Server, arguments, free_port, wait_for

ORPHAN = """
import os, time
from mediatheque.supervisor import _live

parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.01)
_live(parent, lambda role, arguments: print("it began"), "web", ())
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    """A server with one worker, not yet started; its whole tree is gone after the test."""
    server = Server(tmp_path / "data", {"MEDIATHEQUE_WORKERS": "1"})
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


def children(server: Server, role: str = "") -> list[psutil.Process]:
    """The living processes right below the supervisor."""
    assert server.process is not None
    found = [it for it in psutil.Process(server.process.pid).children() if not is_gone(it)]
    return [it for it in found if not role or arguments(it)[1:2] == [role]]


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # in between
        return True


def all_gone(processes: list[psutil.Process]) -> bool:
    return all(map(is_gone, processes))


def upload(server: Server) -> httpx.Response:
    with server.client() as client:
        return client.post("/v3/images", files={"file": ("photo.jpg", picture("JPEG"))})


@contextmanager
def worker(server: Server, queues: str, *options: str) -> Iterator[None]:
    """`mediatheque worker` beside a server, ended with SIGTERM."""
    arguments = [sys.executable, "-m", "mediatheque", "worker", "--queues", queues, *options]
    with subprocess.Popen(arguments, env=server.full_environment(), stdin=subprocess.DEVNULL) as process:
        yield
        process.terminate()
        assert process.wait(30) == 0


def is_processed(server: Server, image: dict[str, str]) -> bool:
    with server.client(None) as client:
        answer = client.get(image["thumbnail_url"])
    return "immutable" in answer.headers["cache-control"]


def test_a_port_in_use_is_told_in_one_line(small: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", small.port))
        taken.listen()
        answer = small.command("serve")
    assert answer.returncode == 1
    assert answer.stderr == f"mediatheque: Cannot listen on 127.0.0.1:{small.port}: Address already in use\n"
    assert not small.data_dir.exists()


def test_sigterm_ends_the_whole_tree_with_exit_code_0(small: Server) -> None:
    small.start()
    tree = children(small)
    assert small.stop() == 0
    assert all_gone(tree)


def test_the_end_comes_within_30_seconds_even_when_no_child_listens(small: Server) -> None:
    small.start()
    tree = children(small)
    for it in tree:
        it.suspend()
    assert small.process is not None
    small.process.terminate()
    assert small.process.wait(30) == 0
    wait_for(lambda: all_gone(tree), "those that were killed to be gone")  # the supervisor does not wait for that


def test_the_parent_forks_from_one_thread_and_with_nothing_open_but_its_standard_files(small: Server) -> None:
    small.start()
    assert small.process is not None
    parent = psutil.Process(small.process.pid)
    assert parent.num_threads() == 1
    assert parent.net_connections() == []
    assert [it.path for it in parent.open_files() if it.path != str(small.log)] == []


def test_kill_9_of_the_parent_takes_the_children_along(small: Server) -> None:
    small.start()
    tree = children(small)
    assert len(tree) == 2
    small.kill()
    wait_for(lambda: all_gone(tree), "the children to be gone")


def test_a_child_whose_parent_was_gone_before_it_began_does_not_stay() -> None:
    answer = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=30)
    assert answer.stderr == "mediatheque: the supervisor was gone before this process began\n"
    assert answer.stdout == ""


@pytest.mark.parametrize("role", ["web", "worker"])
def test_a_process_that_dies_is_replaced(small: Server, role: str) -> None:
    small.start()
    (before,) = children(small, role)
    before.kill()
    wait_for(lambda: any(it.pid != before.pid for it in children(small, role)), f"another {role} process")
    wait_for(small.is_ready, "the server to be ready again")
    image = upload(small).json()
    wait_for(lambda: is_processed(small, image), "its thumbnail")


def test_the_first_credentials_are_printed_once_only(small: Server) -> None:
    small.start()
    assert small.stop() == 0
    printed = small.log.read_text()
    key = printed.split("First API key: ")[1].split()[0]
    password = printed.split("password: ")[1].split()[0]
    small.start()
    with small.client(key) as client:
        assert client.get("/v3/images").status_code == 200
    assert small.stop() == 0
    assert small.log.read_text().count(key) == 1
    assert small.log.read_text().count(password) == 1


def test_without_workers_uploads_wait_until_a_worker_comes(small: Server) -> None:
    small.arguments = ("--no-workers",)
    small.start()
    assert [arguments(it) for it in children(small)] == [["mediatheque:", "web"]]
    image = upload(small).json()
    assert not is_processed(small, image)
    with worker(small, "fast"):
        wait_for(lambda: is_processed(small, image), "its thumbnail")


def test_workers_alone_show_what_they_did_on_a_port_of_their_own(small: Server) -> None:
    small.arguments = ("--no-workers",)
    small.start()
    upload(small)
    port = free_port()
    done = 'mediatheque_run_seconds_count{outcome="ok",skill="variants"} 1.0'

    def shown() -> bool:
        try:
            return done in httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        except httpx.TransportError:
            return False

    with worker(small, "fast", "--metrics-port", str(port)):
        wait_for(shown, "the worker to tell of its run")


def test_a_deletion_shows_at_once_in_every_api_process(small: Server) -> None:
    small.arguments = ("--processes", "2")
    small.start()
    assert len(children(small, "web")) == 2
    image = upload(small).json()

    def seen() -> set[int]:
        """What new connections are told, whichever process takes them."""
        return {httpx.get(image["url"], trust_env=False, timeout=30).status_code for _ in range(20)}

    assert seen() == {200}
    with small.client() as client:
        assert client.delete(f"/v3/images/{image['id']}").status_code == 204
    assert seen() == {410}


def test_a_queue_that_does_not_exist_is_told_in_one_line(small: Server) -> None:
    answer = small.command("worker", "--queues", "fast,slow")
    assert answer.returncode == 1
    assert answer.stderr == "mediatheque: --queues 'fast,slow': takes fast, enrich, crawl\n"

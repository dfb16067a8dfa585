"""A real server for the tests: started, stopped and killed like any operator would."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.pictures import picture

ADMIN_KEY = "an-admin-key-for-the-tests"
SECRET = "the-newest-secret-of-the-tests-long-enough the-one-before-it-which-is-long-enough"
"""Two: the first signs, both are accepted."""
READY_SECONDS = 60
DAY_SECONDS = 86_400
PORTS = range(11_300, 32_768)
"""Below those that the kernel gives to whoever names none, above 10080 (browsers do not go there) and 11211."""
WORKERS = 4
"""Processes of one run of the tests that are sure to be given different ports."""
PAIRED = 10_000
"""How far above a port its companion lies, of servers that take two; a multiple of `WORKERS`."""
_given: set[int] = set()


@dataclass
class Server:
    """One `mediatheque serve` on a folder of its own."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    python: str = sys.executable
    """The interpreter of the environment that the server is installed in."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.with_suffix(".log")

    def __post_init__(self) -> None:
        self.port = self.port or free_port()

    def start(self, *, ready: bool = True) -> "Server":
        """Start it and wait until it is ready, or only until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-m", "mediatheque", "serve", *self.arguments],
                env=self.full_environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            up = self.is_ready if ready else self.is_live
            wait_for(up, "the server to be up", READY_SECONDS, alive=self.process)
        except AssertionError:
            self.process.kill()  # nobody else will
            raise
        return self

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(40)
        if self.log.exists():
            assert secrets_in(self.log.read_text(errors="replace")) == [], f"in {self.log}"
        return code

    def kill(self) -> None:
        """SIGKILL to the parent; the kernel takes the children along."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not self.is_live(), "the children to be gone")

    def is_ready(self) -> bool:
        return self._answers("/health/ready")

    def is_live(self) -> bool:
        return self._answers("/health/live")

    def full_environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MEDIATHEQUE_")},
            "MEDIATHEQUE_PORT": str(self.port),
            "MEDIATHEQUE_DATA_DIR": str(self.data_dir),
            "MEDIATHEQUE_ADMIN_API_KEY": ADMIN_KEY,
            "MEDIATHEQUE_SECRET": SECRET,
            "MEDIATHEQUE_MODELS": "off",  # they take their time: who wants them turns them on
            **self.environment,
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `mediatheque …` on the same folder and database."""
        return subprocess.run(
            [self.python, "-m", "mediatheque", *arguments],
            env=self.full_environment(), capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def client(self, key: str | None = ADMIN_KEY, *, address: str | None = None) -> httpx.Client:
        """A client with that key; `address` is where it seems to live, for what is counted per address."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.HTTPTransport(local_address=address)
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [refuses_without_secrets]}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, transport=transport, event_hooks=hooks)

    def exchange(self, request: bytes, *more: bytes, seconds: float = 10) -> bytes:
        """Send bytes as they are, in pieces; everything that comes back until the server closes or pauses so long."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            answer = b""
            with suppress(BrokenPipeError, ConnectionResetError):  # it may not want the rest, and still answer
                for piece in (request, *more):
                    connection.sendall(piece)
            with suppress(TimeoutError, ConnectionResetError):
                while piece := connection.recv(1 << 16):
                    answer += piece
            return answer

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path, timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


def secrets_in(text: str) -> list[str]:
    """What no output may hold, but for the credentials that the first start prints (safety, E14)."""
    told = re.sub(r"^First (start|API key).*$", "", text, flags=re.MULTILINE)
    keys = re.findall(r"mt_live_[A-Za-z0-9_-]{40}", told)
    return keys + [secret for secret in (ADMIN_KEY, *SECRET.split()) if secret in told]


def refuses_without_secrets(answer: httpx.Response) -> None:
    """No refusal repeats a secret, or the credential that it was given."""
    if answer.status_code < 400 or answer.request.method == "HEAD":
        return
    answer.read()
    given = answer.request.headers.get("authorization", "").partition(" ")[2]
    assert not secrets_in(answer.text), answer.request.url
    assert len(given) < 16 or given not in answer.text, answer.request.url


def free_port(*, paired: bool = False) -> int:
    """A port that nobody listens on, and that nobody else takes before its server has started, or starts again.

    The kernel gives out none of these, other processes of the tests have others, and none is given out twice.
    """
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    while True:
        port = random.SystemRandom().choice(PORTS[own::WORKERS])
        wanted = {port, port + PAIRED} if paired else {port}
        if max(wanted) in PORTS and not wanted & _given and all(map(_is_free, wanted)):
            _given.update(wanted)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_for(
    condition: Callable[[], bool], what: str, seconds: float = 30, alive: "subprocess.Popen[bytes] | None" = None
) -> None:
    """Look until the condition holds; fail with a sentence when it does not in time, or the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        assert alive is None or alive.poll() is None, f"the process ended while we waited for {what}"
        time.sleep(0.02)


def within_a_day(seconds: float = 120) -> None:
    """Wait for the next day (UTC) when this one is about to end: what is counted by day would be counted anew."""
    wait_for(lambda: time.time() % DAY_SECONDS < DAY_SECONDS - seconds, "the next day", 2 * seconds)


def upload(client: httpx.Client, data: bytes | None = None, name: str = "photo.jpg", **fields: str) -> dict[str, Any]:
    """An image taken by `POST /v3/images`, as it answers."""
    answer = client.post("/v3/images", files={"file": (name, data or picture("JPEG"))}, data=fields)
    assert answer.status_code == 201, answer.text
    image: dict[str, Any] = answer.json()
    return image


def until_ready(client: httpx.Client, image: dict[str, Any]) -> httpx.Response:
    """The image's thumbnail, as soon as it is made."""
    wait_for(lambda: client.head(image["thumbnail_url"]).headers["cache-control"] != "no-store", "the thumbnail", 30)
    return client.get(image["thumbnail_url"])


def quick(ask: Callable[[], httpx.Response], seconds: float) -> httpx.Response:
    """An answer that took less. A loaded machine holds up one or another; what is slow by itself is so each time."""
    answers = (ask() for _ in range(5))
    found = next((it for it in answers if it.elapsed.total_seconds() < seconds), None)
    assert found is not None, f"never answered within {seconds} s"
    return found


def files_in(folder: Path) -> Iterator[Path]:
    """All below it; a folder that goes away while we look has none (`rglob` would raise)."""
    for path, _, names in os.walk(folder):
        yield from (Path(path, name) for name in names)


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or waits for its parent to take note."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def own_address() -> str:
    """A loopback address that nobody else uses."""
    return ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])


def process_tree(server: Server) -> list[psutil.Process]:
    """The server's processes, its decoder children among them."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def arguments(process: psutil.Process) -> list[str]:
    """The words of its command line, or of the title that it has given itself; none when it has ended."""
    try:
        return " ".join(process.cmdline()).split()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return []


def process_tree_bytes(server: Server) -> int:
    """Resident memory of them all; a process that ends while we look counts nothing."""
    held = 0
    for process in process_tree(server):
        with suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held

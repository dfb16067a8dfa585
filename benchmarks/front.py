"""Hot public bytes behind the nginx of `deploy/`, with its cache of one second, beside the same bytes as files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.nginx import NGINX, in_front
from tests.support import Server

from benchmarks import wrk
from benchmarks.client import Client, form
from benchmarks.machine import WRK
from benchmarks.photos import original
from benchmarks.report import Figure, at_least, interleaved
from benchmarks.server import ADMIN_KEY, make_server

_OBJECTS = (("small", 60_000, at_least(0.8, of="ratio")), ("large", 4_000_000, None))


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    """A small picture comes out of nginx' cache, a large one by `X-Accel-Redirect`."""
    if WRK is None or NGINX is None:
        raise LookupError(f"{'wrk' if WRK is None else 'nginx'} is not installed")
    rounds, seconds = (3, 2) if quick else (7, 4)
    home = folder / "front"
    with _serving(home / "data") as server, wrk.nginx(home / "files") as files:
        place = server.url.removeprefix("http://")
        with in_front(home / "nginx", [place, place], server.data_dir / "objects", workers="2") as front:
            client = Client(server.port, ADMIN_KEY)
            for name, size_bytes, goal in _OBJECTS:
                path = f"/i/{client.upload(form(original(folder / 'photos', size_bytes)))}"
                body = client.get(path)[2]
                (home / "files" / "files" / f"{name}.jpg").write_bytes(body)
                rates = interleaved(
                    rounds,
                    limit=partial(wrk.rate, f"{files}/{name}.jpg", seconds),
                    ours=partial(wrk.rate, f"{front}{path}", seconds),
                )
                yield Figure(
                    f"Behind nginx, {len(body) / 1000:.0f} KB", rates["ours"], "req/s", rates["limit"],
                    "nginx, 2 workers", goal, "one-second cache" if name == "small" else "X-Accel-Redirect",
                )  # fmt: skip
            client.close()


@contextmanager
def _serving(data_dir: Path) -> Iterator[Server]:
    """Two API processes that leave large files to nginx."""
    server = make_server(data_dir, "--processes", "2")
    server.environment["MEDIATHEQUE_ACCEL_PATH"] = "/_objects/"
    server.start()
    try:
        yield server
    finally:
        assert server.stop() == 0, f"the server did not stop well, see {server.log}"

"""Understanding pictures: how many in a second, with how much memory, and what the others feel of it."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from tests.support import Server, wait_for
from tests.surfaces.files.doors import streamed

from benchmarks.client import Client, form
from benchmarks.photos import photos
from benchmarks.report import Figure, at_most, percentile
from benchmarks.server import ADMIN_KEY, make_server, tree_of

READERS = 8
SLOWER = 1.5
"""How much higher the 99th percentile may be while a long queue is worked off."""


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    server = make_server(folder / "enrichment" / "data")
    server.environment["MEDIATHEQUE_MODELS"] = "on"
    server.start()
    try:
        with server.client() as client:
            yield from _measured(server, client, photos(folder / "photos", 8 if quick else 24), quick)
    finally:
        server.stop()


def _measured(server: Server, client: httpx.Client, files: list[Path], quick: bool) -> Iterable[Figure]:
    bodies = [file.read_bytes() for file in files]
    idle_bytes = tree_of(server).pss_bytes
    _enrich(client, bodies[:1])  # the models are loaded
    began = time.perf_counter()
    _enrich(client, bodies)
    rate = len(bodies) / (time.perf_counter() - began)
    yield Figure("Photos understood (text, things, description)", rate, "photos/s", note="12 MP, all skills")
    yield Figure("Memory with all models loaded", (tree_of(server).pss_bytes - idle_bytes) / 1e6, "MB above idle")
    reads = 400 if quick else 2000
    alone, beside = _compared(server, client, bodies, reads)
    for work in ("Public reads", "Uploads"):
        yield Figure(
            f"{work}, p99 beside a long enrichment queue", beside[work], "ms", alone[work], "without it",
            at_most(SLOWER, of="ratio"),
        )  # fmt: skip


def _compared(
    server: Server, client: httpx.Client, bodies: list[bytes], reads: int
) -> tuple[dict[str, float], dict[str, float]]:
    """p99 in milliseconds by work: without a queue of enrichments, and with one that lasts longer than the reading."""
    photo = Client(server.port, ADMIN_KEY)
    image = photo.upload(_small(server))
    photo.close()
    alone = _latencies(server, image, reads)
    waiting = [streamed(client, body, "photo.jpg")["image_id"] for body in bodies for _ in range(3)]
    wait_for(lambda: _fast_jobs(client) == 0, "the sizes", 300)
    beside = _latencies(server, image, reads)
    assert any(not _is_done(client, it) for it in waiting), "the queue was too short"
    return alone, beside


def _latencies(server: Server, image: str, reads: int) -> dict[str, float]:
    upload = _small(server)
    with ThreadPoolExecutor(READERS) as pool:
        seen = list(pool.map(lambda _: _read(server, image, reads // READERS), range(READERS)))
    client = Client(server.port, ADMIN_KEY)
    uploads = [_timed(lambda: client.upload(upload)) for _ in range(max(20, reads // 20))]
    client.close()
    return {
        "Public reads": percentile([it for part in seen for it in part], 0.99),
        "Uploads": percentile(uploads, 0.99),
    }


def _read(server: Server, image: str, count: int) -> list[float]:
    client = Client(server.port, ADMIN_KEY)
    times = [_timed(lambda: client.get(f"/i/{image}?variant=thumbnail")) for _ in range(count)]
    client.close()
    return times


def _timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _small(server: Server) -> bytes:
    """A small photo as a prepared form."""
    from benchmarks.photos import original

    return form(original(server.data_dir.parent / "small", 60_000))


def _enrich(client: httpx.Client, bodies: list[bytes]) -> None:
    ids = [streamed(client, body, "photo.jpg")["image_id"] for body in bodies]
    wait_for(lambda: all(_is_done(client, it) for it in ids), "the descriptions", 600)


def _is_done(client: httpx.Client, file_id: str) -> bool:
    return bool(client.get(f"/api/v2/uploads/status/{file_id}").json()["is_terminal"])


def _fast_jobs(client: httpx.Client) -> int:
    """Jobs of the lane that makes files usable."""
    found = [
        line for line in client.get("/metrics").text.splitlines() if line.startswith('mediatheque_jobs{queue="fast"')
    ]
    return round(float(found[0].rpartition(" ")[2]))

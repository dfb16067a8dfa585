"""What one more of each thing costs: CPU seconds of the whole process tree, and bytes in the database.

The figures of docs/scale.md; `--rows` of `python -m benchmarks.capacity` fills a PostgreSQL with that many assets.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sqlalchemy import text
from tests.support import Server

from benchmarks.client import Client, form, upload_all
from benchmarks.generator import COMMON, fill, prepared, uuids
from benchmarks.multiplying import multiply
from benchmarks.photos import photos
from benchmarks.report import Figure, percentile
from benchmarks.server import ADMIN_KEY, Postgres, mounted, postgres, serving, tree_of
from mediatheque.records.engine import Database
from mediatheque.surfaces.images.shapes import from_uuid

LOOK_SECONDS = 0.05
REQUESTS = 2000
QUESTIONS = 300
FILLED = 1_000_000
"""Assets that the generator makes one by one; more are copies of them."""


def measure(folder: Path, postgresql: Postgres, *, quick: bool) -> Iterable[Figure]:
    yield from _work(folder, postgresql, 24 if quick else 120)
    yield from _rows(folder, postgresql, 50_000 if quick else 1_000_000)


def _work(folder: Path, postgresql: Postgres, count: int) -> Iterable[Figure]:
    bodies = [form(file) for file in photos(folder / "photos", count)]
    with serving(folder / "capacity" / "api", "--no-workers", database=postgresql.create()) as server:
        client = Client(server.port, ADMIN_KEY)
        upload_all(server.port, ADMIN_KEY, bodies[:8])
        ids: list[str] = []
        taken = _cpu_seconds(server, lambda: ids.extend(upload_all(server.port, ADMIN_KEY, bodies)))
        yield Figure("One upload, 12 MP", 1000 * taken / count, "CPU ms", note="API processes and their decoders")
        hot = _cpu_seconds(server, lambda: _ask(client, [f"/i/{ids[0]}"] * REQUESTS))
        yield Figure("One public picture, in memory", 1e6 * hot / REQUESTS, "CPU µs", note="without nginx' cache")
        listed = _cpu_seconds(server, lambda: _ask(client, ["/v3/images?page=1"] * QUESTIONS))
        yield Figure("One page of a list", 1000 * listed / QUESTIONS, "CPU ms", note="API process alone")
        client.close()
    with serving(folder / "capacity" / "whole", database=postgresql.create()) as server:
        client = Client(server.port, ADMIN_KEY)
        upload_all(server.port, ADMIN_KEY, bodies[:8])
        _until_idle(client)
        whole = _cpu_seconds(server, lambda: _understand(server.port, client, bodies))
        yield Figure("Its five variants", 1000 * (whole - taken) / count, "CPU ms", note="workers and their decoders")
        client.close()


def _rows(folder: Path, postgresql: Postgres, rows: int) -> Iterable[Figure]:
    url, home = postgresql.create(), folder / "capacity" / "rows"
    database = Database(url)
    library = prepared(database)
    before = _size(database)
    started, filled = time.perf_counter(), min(rows, FILLED)
    ids = fill(database, library, filled)
    yield Figure("Rows written", filled / (time.perf_counter() - started), "assets/s", note=f"{filled:,} assets")
    images = [from_uuid(it) for it in uuids(database, ids, QUESTIONS)]
    mounted(home)
    yield from _asked(home, url, library.key, filled, images)
    if rows > filled:
        multiply(url, rows // filled)
        yield from _asked(home, url, library.key, rows, images)
    with database.read() as tx:
        tx.execute(text("ANALYZE"))
    yield Figure("One asset in PostgreSQL", (_size(database) - before) / rows, "bytes", note="with its indexes")
    database.close()


def _asked(home: Path, url: str, key: str, rows: int, images: list[str]) -> Iterable[Figure]:
    with serving(home, "--no-workers", database=url) as server:
        for name, paths in _questions(rows, images):
            client = Client(server.port, key)
            times = _ask(client, paths)
            p50, p99 = (1000 * percentile(times, share) for share in (0.5, 0.99))
            yield Figure(f"{name}, {rows:,} rows", p50, "ms", note=f"p99 {p99:.1f} ms")
            client.close()


def _questions(rows: int, images: list[str]) -> Iterable[tuple[str, list[str]]]:
    dice = random.Random(rows)
    yield "One object", [f"/v3/images/{image}" for image in images]
    yield "First page", ["/v3/images?page=1"] * QUESTIONS
    yield "Any page", [f"/v3/images?page={dice.randrange(1, rows // 25)}" for _ in range(QUESTIONS)]
    yield "Common word", [f"/v3/images?search={COMMON}"] * (QUESTIONS // 10)


def _ask(client: Client, paths: list[str]) -> list[float]:
    times = []
    for path in paths:
        started = time.perf_counter()
        status, _, _ = client.get(path)
        assert status == 200, f"{path} answered {status}"
        times.append(time.perf_counter() - started)
    return times


def _cpu_seconds(server: Server, act: Callable[[], object]) -> float:
    before = tree_of(server).cpu_seconds
    act()
    return tree_of(server).cpu_seconds - before


def _understand(port: int, client: Client, bodies: Sequence[bytes]) -> None:
    upload_all(port, ADMIN_KEY, bodies)
    _until_idle(client)


def _until_idle(client: Client) -> None:
    while any(float(line.split()[-1]) for line in client.get("/metrics")[2].decode().splitlines()
              if line.startswith("mediatheque_jobs{")):  # fmt: skip
        time.sleep(LOOK_SECONDS)


def _size(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.capacity", description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--folder", type=Path, help="where to work: 20 GB for ten million rows")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="mediatheque-capacity-", dir=chosen.folder) as name:
        folder = Path(name)
        with postgres(folder / "postgresql") as postgresql:
            for figure in _rows(folder, postgresql, chosen.rows):
                print(f"{figure.work}: {figure.value:,.1f} {figure.unit} ({figure.note})", flush=True)


if __name__ == "__main__":
    main()

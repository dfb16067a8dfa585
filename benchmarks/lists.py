"""Lists, searches, statistics and single objects over HTTP, from a thousand to a million rows of one library."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from benchmarks import assets, files, wrk
from benchmarks.client import Client
from benchmarks.generator import COMMON, RARE, Library, fill, fill_tenants, prepared, uuids
from benchmarks.machine import WRK
from benchmarks.questions import Question, Times, ask
from benchmarks.report import Figure, at_least, at_most, percentile
from benchmarks.server import DATABASES, Postgres, database_url, mounted, serving
from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from mediatheque.surfaces.images.shapes import from_uuid

PAGE_SIZE = 25
TENANTS = 10_000
OBJECTS = 500
P99_MS = 25
GROWTH_FROM = 10_000


def measure(folder: Path, postgresql: Postgres, *, quick: bool) -> Iterable[Figure]:
    sizes = (1_000, 100_000) if quick else (1_000, GROWTH_FROM, 100_000, 1_000_000)
    for name in DATABASES:
        seen: dict[tuple[str, int], Times] = {}
        for size in sizes:
            home = folder / f"lists-{name}-{size}" / "data"
            yield from _lists(home, postgresql if name == "postgresql" else None, size, seen, sizes[-1])
        if not quick:
            for question in sorted({question for question, _ in seen}):
                before, after = seen[question, GROWTH_FROM].p50, seen[question, sizes[-1]].p50
                yield Figure(f"Growth, {question}, {name}", after, "ms", before, "at 10 k", at_most(1.5, of="ratio"))
        yield from _tenants(folder / f"tenants-{name}" / "data", postgresql if name == "postgresql" else None)


def _lists(
    home: Path, postgresql: Postgres | None, size: int, seen: dict[tuple[str, int], Times], largest: int
) -> Iterable[Figure]:
    home.mkdir(parents=True)
    url = database_url(home, postgresql)
    database = Database(url)
    library = prepared(database)
    ids = fill(database, library, size)
    some = uuids(database, ids, OBJECTS)
    raw = _raw(url, some)
    database.close()
    where = f"{size:,} rows, {'postgresql' if postgresql else 'sqlite'}"
    mounted(home)
    with serving(home, "--no-workers", database=url) as server:
        client = Client(server.port, library.key)
        assert client.json("/api/v1/assets/usage-stats")["data"]["totalAssets"] == size
        for question in (*_questions(library, size, some), *assets.questions(size), *files.questions(size)):
            times = ask(client, question)
            seen[question.name, size] = times
            is_object = question.name == "one object"
            yield Figure(
                f"{question.name}, {where}", times.p50, "ms", raw if is_object else None,
                "point query" if is_object else "",
                None if question.goal_ms is None else at_most(question.goal_ms), f"p99 {times.p99:.2f} ms",
            )  # fmt: skip
            if size == largest:
                yield Figure(f"{question.name}, {where}, p99", times.p99, "ms", goal=at_most(P99_MS))
        client.close()
    if WRK is not None:
        yield from _by_id(home, url, library, some, where)


def _questions(library: Library, size: int, some: Sequence[UUID]) -> list[Question]:
    dice = random.Random(size)
    deep = max(1, int(size / PAGE_SIZE * 0.9))
    fullest = quote(library.folders[0][1])
    listing = f"/v3/images?page_size={PAGE_SIZE}"
    return [
        Question("page 1", lambda: listing, 2),
        Question("page at 90 %", lambda: f"{listing}&page={deep - dice.randrange(max(1, deep // 100))}", 2),
        Question("folder, page 1", lambda: f"{listing}&folder={fullest}", 2),
        Question("search, common", lambda: f"{listing}&search={COMMON}", 5),
        Question("search, rare", lambda: f"{listing}&search={RARE}", 5),
        Question("search, none", lambda: f"{listing}&search=absent{dice.randrange(10**6)}", 5),
        Question("search, 2 characters", lambda: f"{listing}&search={COMMON[:2]}", 5),
        Question("search, 2 rare characters", lambda: f"{listing}&search=zq", 5),
        Question("one object", lambda: f"/v3/images/{from_uuid(dice.choice(some))}", 2),
    ]


def _raw(url: str, some: Sequence[UUID]) -> float:
    """Milliseconds (p50) of the same row by its id, asked of the driver itself."""
    execute, adapt = _driver(url)
    times = []
    for uuid in some:
        started = time.perf_counter()
        row = execute(adapt(uuid))
        times.append((time.perf_counter() - started) * 1000)
        assert row is not None
    return percentile(times, 0.5)


def _driver(url: str) -> tuple[Callable[[object], object], Callable[[UUID], object]]:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        query = "SELECT * FROM asset JOIN blob ON blob.id = asset.blob_id WHERE asset.uuid = ?"
        return lambda value: connection.execute(query, (value,)).fetchone(), lambda uuid: uuid.hex
    import psycopg

    session = psycopg.connect(url, autocommit=True)
    statement = "SELECT * FROM asset JOIN blob ON blob.id = asset.blob_id WHERE asset.uuid = %s"
    return lambda value: session.execute(statement, (value,)).fetchone(), lambda uuid: uuid


def _by_id(home: Path, url: str, library: Library, some: Sequence[UUID], where: str) -> Iterable[Figure]:
    """Objects by id a second, 64 connections, two API processes, the client on the same cores."""
    script = home / "ids.lua"
    paths = ", ".join(f'"/v3/images/{from_uuid(uuid)}"' for uuid in some)
    script.write_text(f"local paths = {{{paths}}}\nlocal at = 0\n"
                      "function request() at = at % #paths + 1 return wrk.format('GET', paths[at]) end\n")  # fmt: skip
    mounted(home)
    with serving(home, "--no-workers", "--processes", "2", database=url) as server:
        headers = [f"Authorization: Bearer {library.key}"]
        wrk.rate(server.url, 1, headers=headers, script=script)
        rates = [wrk.rate(server.url, 2, headers=headers, script=script) for _ in range(3)]
    yield Figure(f"objects by id under load, {where}", percentile(rates, 0.5), "req/s", goal=at_least(4000))


def _tenants(home: Path, postgresql: Postgres | None) -> Iterable[Figure]:
    """The list and the search of a tenant with one image, alone and among ten thousand like it."""
    home.mkdir(parents=True)
    name = "postgresql" if postgresql else "sqlite"
    questions = (Question("page 1", lambda: "/v3/images", 2), files.search_of_all())
    seen: dict[str, list[Times]] = {question.name: [] for question in questions}
    for count in (1, TENANTS):
        data = home / str(count)
        data.mkdir()
        url = database_url(data, postgresql)
        database = Database(url)
        prepared(database)
        fill_tenants(database, count)
        key = Accounts(database).create_key(f"tenant {count // 2}")
        database.close()
        mounted(data)
        with serving(data, "--no-workers", database=url) as server:
            client = Client(server.port, key.key)
            assert client.json("/v3/images")["total"] == 1
            for question in questions:
                seen[question.name].append(ask(client, question))
            client.close()
    for what, (alone, among) in seen.items():
        yield Figure(f"{what} of one of {TENANTS:,} tenants, {name}", among.p50, "ms", alone.p50, "alone",
                     at_most(1.5, of="ratio"))  # fmt: skip

"""The second dialect's lists and usage statistics over HTTP, at ten thousand and at a million rows."""

import random
from collections.abc import Iterable
from pathlib import Path

from benchmarks.client import Client
from benchmarks.generator import COMMON, RARE, fill, prepared
from benchmarks.lists import Question, ask
from benchmarks.report import Figure, at_most
from benchmarks.server import DATABASES, Postgres, database_url, mounted, serving
from mediatheque.records.engine import Database

PAGE_SIZE = 20
LIST_MS, SEARCH_MS, P99_MS = 5, 10, 25


def measure(folder: Path, postgresql: Postgres, *, quick: bool) -> Iterable[Figure]:
    for name in DATABASES:
        for size in (10_000,) if quick else (10_000, 1_000_000):
            home = folder / f"assets-{name}-{size}" / "data"
            yield from _figures(home, postgresql if name == "postgresql" else None, size)


def _figures(home: Path, postgresql: Postgres | None, size: int) -> Iterable[Figure]:
    home.mkdir(parents=True)
    url = database_url(home, postgresql)
    database = Database(url)
    library = prepared(database)
    fill(database, library, size)
    database.close()
    where = f"{size:,} rows, {'postgresql' if postgresql else 'sqlite'}"
    mounted(home)
    with serving(home, "--no-workers", database=url) as server:
        client = Client(server.port, library.key)
        assert client.json("/api/v1/assets")["data"]["total"] == size
        assert client.json("/api/v1/assets/usage-stats")["data"]["totalAssets"] == size
        for question in _questions(size):
            times = ask(client, question)
            goal = None if question.goal_ms is None else at_most(question.goal_ms)
            yield Figure(f"/api/v1, {question.name}, {where}", times.p50, "ms", goal=goal)
            yield Figure(f"/api/v1, {question.name}, {where}, p99", times.p99, "ms", goal=at_most(P99_MS))
        client.close()


def _questions(size: int) -> list[Question]:
    dice = random.Random(size)
    deep = max(1, int(size / PAGE_SIZE * 0.9))
    listing = f"/api/v1/assets?pageSize={PAGE_SIZE}"
    return [
        Question("page 1", lambda: listing, LIST_MS),
        Question("page at 90 %", lambda: f"{listing}&page={deep - dice.randrange(max(1, deep // 100))}", LIST_MS),
        Question("page 1, oldest first", lambda: f"{listing}&orderDirection=asc", LIST_MS),
        Question("largest first", lambda: f"{listing}&orderBy=size", LIST_MS),
        Question("by size, page at 90 %", lambda: f"{listing}&orderBy=size&page={deep}", None),
        Question("search, common", lambda: f"{listing}&query={COMMON}", SEARCH_MS),
        Question("search, rare", lambda: f"{listing}&query={RARE}", SEARCH_MS),
        Question("common type", lambda: f"{listing}&contentType=image/jpeg", SEARCH_MS),
        Question("rare type", lambda: f"{listing}&contentType=image/gif", SEARCH_MS),
        Question("ready ones", lambda: f"{listing}&status=ready", SEARCH_MS),
        Question("gallery of another tenant", lambda: "/api/v1/public/assets", LIST_MS),
        Question("usage-stats", lambda: "/api/v1/assets/usage-stats", LIST_MS),
    ]

"""Artifacts over HTTP: how long a small change and a read take at 1, 100 and 10,000 versions, and what a version costs.

Histories are written through the core, edit by edit; what is timed goes through a running server.
"""

import json
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import func, select

from benchmarks.generator import prepared
from benchmarks.report import Figure, at_most, percentile
from benchmarks.server import DATABASES, Postgres, database_url, mounted, serving
from mediatheque.authoring import Artifact, Room
from mediatheque.core.access import Access
from mediatheque.core.authoring import Authoring
from mediatheque.core.embedding import Embedder
from mediatheque.core.history import whole
from mediatheque.core.limiter import Limiter
from mediatheque.core.news import News
from mediatheque.core.tokens import Tokens
from mediatheque.core.wording import Change, NewArtifact
from mediatheque.inference import Models
from mediatheque.model import Actor
from mediatheque.records.engine import Database
from mediatheque.records.signals import NEWS, signals_for
from mediatheque.records.tables import artifact_version

SMALL, LARGE = 10_000, 1_000_000
"""Bytes of a document."""
REQUESTS = 25
GROWTH = 1.5
STORED_SHARES = {SMALL: 0.1, LARGE: 0.01}
"""Of what a full copy takes, compressed: a change of a line must cost less."""


@dataclass(frozen=True)
class Site:
    database: Database
    authoring: Authoring
    actor: Actor
    room: Room


class Document:
    """A text of words, changed in one place at a time, like people do."""

    def __init__(self, size_bytes: int) -> None:
        self._dice = random.Random(size_bytes)
        self._words = ["".join(self._dice.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(3000)]
        self.lines = [self._line() for _ in range(size_bytes // 80)]

    def change(self) -> str:
        at = self._dice.randrange(len(self.lines))
        self.lines[at] = self._line()
        return str(self)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _line(self) -> str:
        return " ".join(self._dice.choices(self._words, k=10))


def measure(folder: Path, postgresql: Postgres, *, quick: bool) -> Iterable[Figure]:
    for name in DATABASES:
        for size, most in ((SMALL, 10_000), (LARGE, 100 if quick else 10_000)):
            home = folder / f"artifacts-{name}-{size}" / "data"
            yield from _figures(home, postgresql if name == "postgresql" else None, size, most)


def _figures(home: Path, postgresql: Postgres | None, size: int, most: int) -> Iterable[Figure]:
    home.mkdir(parents=True)
    url = database_url(home, postgresql)
    database = Database(url)
    key = prepared(database).key
    mounted(home)
    site = _site(database, home, key)
    document = Document(size)
    new = NewArtifact("Plan", str(document))
    made = site.authoring.artifacts.create(site.actor, site.room.uuid, lambda: new)
    first: dict[str, float] = {}
    for versions in (1, 100, 10_000):
        if versions > most:
            break
        _grow(site, made, document, versions)
        where = f"{size // 1000:,} kB, {versions:,} versions, {'postgresql' if postgresql else 'sqlite'}"
        for what, milliseconds in _times(home, url, key, site, made, document, versions).items():
            limit = first.setdefault(what, milliseconds)
            goal = None if versions == 1 or what == "read an old one" else at_most(GROWTH, of="ratio")
            yield Figure(f"Artifact, {what}, {where}", milliseconds, "ms", limit, "at 1", goal)
        if versions > 1:
            yield _storage(database, made, document, where, STORED_SHARES[size])
    database.close()


def _site(database: Database, home: Path, key: str) -> Site:
    signals = signals_for(database, home)
    access = Access(database, Tokens(("a secret for nothing",), None), Limiter("0", ""), "")
    hints = News(signals_for(database, home, NEWS))
    embedder = Embedder(database, Models(lambda: home, is_on=False, allowed=()), "off")
    listening = partial(signals_for, database, home)
    authoring = Authoring(database, signals, hints, listening, timedelta(days=30), embedder)
    actor = access.identify(key)
    return Site(database, authoring, actor, authoring.rooms.make(actor, lambda: "Benchmark"))


def _grow(site: Site, made: Artifact, document: Document, versions: int) -> None:
    """Bring the history to that length."""
    it = site.authoring.artifacts.read(site.actor, site.room.uuid, made.uuid)
    for _ in range(versions - it.artifact.version):
        change = Change(content=document.change())
        site.authoring.artifacts.put(site.actor, site.room.uuid, made.uuid, lambda change=change: change)  # type: ignore[misc]


def _times(
    home: Path, url: str, key: str, site: Site, made: Artifact, document: Document, versions: int
) -> dict[str, float]:
    path = f"/v1/rooms/room-{site.room.uuid}/artifacts/{made.uuid}"
    dice = random.Random(versions)
    with serving(home, "--no-workers", database=url) as server:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client:
            reads = [_timed(client, "GET", path) for _ in range(REQUESTS)]
            olds = [_timed(client, "GET", f"{path}/versions/{dice.randint(1, versions)}") for _ in range(REQUESTS)]
            puts = [
                _timed(client, "PUT", path, json.dumps({"content": document.change()}).encode())
                for _ in range(REQUESTS)
            ]
    found = {"read the newest": reads, "read an old one": olds, "PUT a small change": puts}
    return {what: percentile(times[3:], 0.5) for what, times in found.items()}


def _timed(client: httpx.Client, method: str, path: str, body: bytes | None = None) -> float:
    started = time.perf_counter()
    answer = client.request(method, path, content=body)
    taken = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200, answer.text[:200]
    return taken


def _storage(database: Database, made: Artifact, document: Document, where: str, share: float) -> Figure:
    """Bytes for each version, beside a full copy of each, compressed alike."""
    mine = artifact_version.c.artifact_id == made.id
    with database.read() as tx:
        stored = select(func.sum(func.length(artifact_version.c.packed)), func.count()).where(mine)
        total, count = tx.execute(stored).one()
    copy = len(whole(str(document).encode()))
    goal = at_most(share, of="ratio") if count > 1000 else None
    return Figure(f"Artifact, storage of a version, {where}", int(total) / count, "B", copy, "full copy, zstd", goal)

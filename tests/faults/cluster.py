"""Two API servers and two worker machines on one PostgreSQL and one S3, with processes killed all the time."""

import asyncio
import hashlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
from sqlalchemy import select

from mediatheque.app import make_fsck
from mediatheque.parts import Parts
from mediatheque.records.tables import run
from tests.faults.invariants import settle
from tests.faults.ledger import Ledger, photo
from tests.faults.site import Site
from tests.seaweed import Seaweed
from tests.support import ADMIN_KEY, arguments

SERVERS, WORKER_MACHINES, WORKERS_EACH = 2, 2, 2
KILL_SECONDS = 10.0
CLIENTS = 8
READS_PER_UPLOAD = 3
ERASED = 0.1
"""Share of the uploads that are deleted again."""


@dataclass
class Figures:
    """What a run came to.

    `refused`: answers of class 5xx; `broken`: requests without an answer; `passed_on`: those that found a server down
    and went to the other, as a proxy in front sends them. `stuck`: runs that nobody will end, and what became of them.
    """

    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    passed_on: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    risen: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    upload_seconds: list[float] = field(default_factory=list)
    read_seconds: list[float] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.lost or self.torn or self.risen or self.stuck)

    def __str__(self) -> str:
        failed = self.refused.total() + self.broken
        return (
            f"{self.seconds:.0f} s, {dict(self.kills)} killed, {self.requests} requests, "
            f"{self.acknowledged} uploads acknowledged: {len(self.lost)} lost, {len(self.torn)} with wrong bytes, "
            f"{len(self.risen)} deleted ones back, {len(self.stuck)} stuck runs {self.stuck or ''}; "
            f"error rate {100 * failed / max(1, self.requests):.2f} % ({dict(self.refused)} refused, "
            f"{self.broken} connections broken), {self.passed_on} passed on to the other server; "
            f"uploads {_spread(self.upload_seconds)}, "
            f"reads {_spread(self.read_seconds)}"
        )


Ask = Callable[..., Awaitable[httpx.Response | None]]


class Cluster:
    """The processes; `main` is the first server, through which the library is looked at."""

    def __init__(self, folder: Path, database_url: str, store: Seaweed) -> None:
        environment = {"MEDIATHEQUE_WORKERS": str(WORKERS_EACH), **store.environment(store.place())}
        self.sites = [Site.at(folder / f"api-{number}", database_url, **environment) for number in range(SERVERS)]
        for site in self.sites:
            site.server.arguments = ("--no-workers",)
        self.main = self.sites[0]
        self._folder = folder
        self._machines: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for site in self.sites:
            site.server.start(ready=False)
        for number in range(WORKER_MACHINES):
            environment = self.main.server.full_environment()
            environment["MEDIATHEQUE_DATA_DIR"] = str(self._folder / f"worker-{number}")
            with (self._folder / f"worker-{number}.log").open("wb") as log:
                command = [sys.executable, "-m", "mediatheque", "worker"]
                self._machines.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def processes(self, role: str) -> list[psutil.Process]:
        """Those that are `web` or `worker`, of all machines."""
        parents = [site.server.process for site in self.sites] if role == "web" else self._machines
        found = []
        for parent in parents:
            assert parent is not None
            assert parent.poll() is None, "a supervisor has given up"
            children = psutil.Process(parent.pid).children()
            found += [child for child in children if arguments(child)[:2] == ["mediatheque:", role]]
        return found

    def close(self) -> None:
        for machine in self._machines:
            machine.send_signal(signal.SIGTERM)
        for machine in self._machines:
            machine.wait(40)
        for site in self.sites:
            site.close()


def endure(cluster: Cluster, seconds: float, *, seed: int = 0) -> Figures:
    """Upload, read and delete for so long while processes are killed; then look what is left of it."""
    figures, ledger = Figures(), Ledger()
    asyncio.run(_load(cluster, figures, ledger, seconds, random.Random(seed)))
    figures.seconds, figures.acknowledged = seconds, ledger.acknowledged
    for site in cluster.sites:
        site.revive()
    settle(cluster.main, seconds=300)
    _look(cluster, figures, ledger)
    report = make_fsck(cluster.main.parts).check(grace=timedelta(), sample_percent=100)
    figures.stuck = _told(cluster.main.parts, report.stuck_runs)
    figures.lost += report.missing_objects
    figures.torn += report.checksum_mismatches
    return figures


async def _load(cluster: Cluster, figures: Figures, ledger: Ledger, seconds: float, chance: random.Random) -> None:
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as http, asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(_client(cluster, http, figures, ledger, until, chance))
        tasks.create_task(_killing(cluster, figures, until, chance))


async def _killing(cluster: Cluster, figures: Figures, until: float, chance: random.Random) -> None:
    while time.monotonic() + KILL_SECONDS < until:
        await asyncio.sleep(KILL_SECONDS)
        for role in ("web", "worker"):
            if living := cluster.processes(role):
                with suppress(psutil.NoSuchProcess):
                    chance.choice(living).kill()
                    figures.kills[role] += 1


async def _client(
    cluster: Cluster, http: httpx.AsyncClient, figures: Figures, ledger: Ledger, until: float, chance: random.Random
) -> None:
    urls = [site.server.url for site in cluster.sites]

    async def ask(method: str, path: str, **named: Any) -> httpx.Response | None:
        return await _ask(http, figures, chance.sample(urls, len(urls)), method, path, **named)

    while time.monotonic() < until:
        data = photo(width=320, height=240)
        answer = await ask("POST", "/v3/images", files={"file": ("photo.jpg", data)})
        if answer is None or answer.status_code != 201:
            await asyncio.sleep(0.2)
            continue
        figures.upload_seconds.append(answer.elapsed.total_seconds())
        path = f"/i/{answer.json()['id']}"
        ledger.kept[path] = hashlib.sha256(data).hexdigest()
        for _ in range(READS_PER_UPLOAD):
            other = chance.choice(list(ledger.kept))
            await _read(ask, figures, other, ledger.kept.get(other))
        if chance.random() < ERASED:
            await _erase(ask, ledger, path)


async def _read(ask: Ask, figures: Figures, path: str, sha256: str | None) -> None:
    answer = await ask("GET", path)
    if answer is not None and answer.status_code == 200:
        figures.read_seconds.append(answer.elapsed.total_seconds())
        if sha256 is not None and hashlib.sha256(answer.content).hexdigest() != sha256:
            figures.torn.append(path)


async def _erase(ask: Ask, ledger: Ledger, path: str) -> None:
    sha256 = ledger.kept.pop(path)
    answer = await ask("DELETE", f"/v3/images/{path.rpartition('/')[2]}")
    if answer is not None and answer.status_code == 204:
        ledger.erased.add(path)
    else:
        ledger.doubtful[path] = sha256


async def _ask(
    http: httpx.AsyncClient, figures: Figures, servers: Sequence[str], method: str, path: str, **named: Any
) -> httpx.Response | None:
    """Ask the servers in this order, the next one only when one takes no connection."""
    figures.requests += 1
    for server in servers:
        try:
            answer = await http.request(method, f"{server}{path}", **named)
        except httpx.ConnectError:
            figures.passed_on += 1
            continue
        except httpx.TransportError:
            break
        if answer.status_code >= 500:
            figures.refused[answer.status_code] += 1
        return answer
    figures.broken += 1
    return None


def _look(cluster: Cluster, figures: Figures, ledger: Ledger) -> None:
    with cluster.main.server.client(None) as http:
        for path, sha256 in ledger.kept.items():
            answer = http.get(path)
            if answer.status_code != 200:
                figures.lost.append(f"{path}: {answer.status_code}")
            elif hashlib.sha256(answer.content).hexdigest() != sha256:
                figures.torn.append(path)
        figures.risen += [path for path in ledger.erased if http.get(path).status_code != 410]


def _told(parts: Parts, uuids: Sequence[str]) -> list[str]:
    """Skill, state, attempts and error of these runs."""
    query = select(run).where(run.c.uuid.in_([UUID(it) for it in uuids]))
    with parts.database.read() as tx:
        return [f"{it.skill}: {it.state}, {it.attempts} attempts, {it.error}" for it in tx.execute(query)]


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    return f"{len(ordered)} (p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms)"

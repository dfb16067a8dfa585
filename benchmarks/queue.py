"""The queue: runs claimed and finished with nothing to do in them, and how soon an idle worker takes a job up."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.generator import Library, fill, prepared
from benchmarks.report import Figure, at_least, at_most, percentile
from benchmarks.server import DATABASES, Postgres, database_url
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.generations import Generations
from mediatheque.core.news import News
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.sealing import Sealer
from mediatheque.core.stores import Stores
from mediatheque.model import Asset, Queue
from mediatheque.ports import Site, Skill, Step, Work
from mediatheque.records import assets
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database
from mediatheque.records.signals import NEWS, signals_for
from mediatheque.stores.local import LocalStore

PROCESSES = 2
GOALS = {"sqlite": 1000, "postgresql": 600}
PLANNED_AT_ONCE = 100


def _report(work: Work) -> None:  # noqa: ARG001
    """Say when the step began, on the clock that all processes of a machine share."""
    os.write(1, f"{time.monotonic_ns()}\n".encode())


NOTHING = Skill("nothing", "Does nothing", 1, frozenset({"image"}), Queue.FAST, (), essential=True)
PROMPT = Skill("prompt", "Says when it began", 1, frozenset({"image"}), Queue.FAST, (Step("report", _report),))


def measure(folder: Path, postgresql: Postgres, *, quick: bool) -> Iterable[Figure]:
    for name in DATABASES:
        home = folder / f"queue-{name}"
        home.mkdir(parents=True)
        url = database_url(home, postgresql if name == "postgresql" else None)
        database = Database(url)
        library = prepared(database)
        rates = []
        for _ in range(3):
            rates.append(_throughput(database, library, home, runs=1000 if quick else 4000))
        yield Figure(f"Runs claimed and finished, {name}", percentile(rates, 0.5), "runs/s", goal=at_least(GOALS[name]),
                     note=f"{PROCESSES} processes")  # fmt: skip
        delays = _delays(database, library, home, jobs=40 if quick else 200)
        yield Figure(f"Pick-up of one job, {name}, p50", percentile(delays, 0.5), "ms", goal=at_most(50))
        yield Figure(f"Pick-up of one job, {name}, p99", percentile(delays, 0.99), "ms", goal=at_most(50))
        database.close()


def pipeline_on(database: Database, home: Path, skill: Skill) -> Pipeline:
    store = LocalStore(home / "objects")
    store.mark()
    sealer, endpoints = Sealer(("benchmark",)), Endpoints(database, frozenset())
    stores = Stores(database, (), store, Site(home, store.staging), sealer, endpoints)
    news = News(signals_for(database, home, NEWS))
    return Pipeline(database, stores, (skill,), signals_for(database, home), Generations(home / "generations"), news)


def _throughput(database: Database, library: Library, home: Path, runs: int) -> float:
    """Runs/s from the start signal until the last of them is finished."""
    _plan(database, pipeline_on(database, home, NOTHING), _assets(database, library, runs))
    command = [sys.executable, "-m", "benchmarks.drain", database.url, str(home)]
    drains = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
              for _ in range(PROCESSES)]  # fmt: skip
    for drain in drains:
        assert drain.stdout is not None and drain.stdout.readline() == "ready\n"
    started = time.perf_counter()
    for drain in drains:
        assert drain.stdin is not None
        drain.stdin.close()
    counts = [int(drain.stdout.readline()) for drain in drains if drain.stdout is not None]
    elapsed = time.perf_counter() - started
    for drain in drains:
        assert drain.wait() == 0
    assert sum(counts) == runs, f"{sum(counts)} of {runs} runs finished"
    return runs / elapsed


def _delays(database: Database, library: Library, home: Path, jobs: int) -> list[float]:
    """Milliseconds from the commit that planned a job until a worker that slept has begun it."""
    pipeline = pipeline_on(database, home, PROMPT)
    delays = []
    with _worker(database, home) as worker:
        assert worker.stdout is not None
        for it in _assets(database, library, jobs + 1):
            with database.write() as tx:
                pipeline.planner.plan(tx, it, trigger="upload")
            committed = time.monotonic_ns()
            pipeline.announce()
            delays.append((int(worker.stdout.readline()) - committed) / 1e6)
            time.sleep(0.03)  # the worker finishes, and sleeps again
    return delays[1:]  # the first one waited for the worker to start


@contextmanager
def _worker(database: Database, home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.drain", database.url, str(home), "worker"]
    worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield worker
    finally:
        worker.terminate()
        assert worker.wait(30) == 0


def _assets(database: Database, library: Library, count: int) -> list[Asset]:
    """New assets to plan work for."""
    fill(database, library, count)
    with database.read() as tx:
        scope = Scope(library.tenant_id, "image", is_public=True)
        return assets.newest(tx, scope, before=None, skip=0, limit=count)


def _plan(database: Database, pipeline: Pipeline, of: list[Asset]) -> None:
    for start in range(0, len(of), PLANNED_AT_ONCE):
        with database.write() as tx:
            for it in of[start : start + PLANNED_AT_ONCE]:
                pipeline.planner.plan(tx, it, trigger="upload")

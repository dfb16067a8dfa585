"""What lists and searches are asked over HTTP, and how long the answers take."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.client import Client
from benchmarks.report import percentile

REQUESTS, WARM_UP, MAX_SECONDS = 300, 20, 4.0


@dataclass(frozen=True)
class Question:
    """`goal_ms` None: asked, but nothing depends on how long it takes."""

    name: str
    path: Callable[[], str]
    goal_ms: float | None


@dataclass(frozen=True)
class Times:
    """Milliseconds."""

    p50: float
    p99: float


def ask(client: Client, question: Question) -> Times:
    """One request after the other: this is latency, not load."""
    for _ in range(WARM_UP if question.goal_ms else 1):
        client.json(question.path())
    times: list[float] = []
    deadline = time.perf_counter() + MAX_SECONDS
    while len(times) < REQUESTS and (time.perf_counter() < deadline or len(times) < 3):
        path = question.path()
        started = time.perf_counter()
        status, _, _ = client.get(path)
        times.append((time.perf_counter() - started) * 1000)
        assert status == 200
    return Times(percentile(times, 0.5), percentile(times, 0.99))

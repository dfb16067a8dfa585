"""What it costs to start and to do nothing: seconds to ready, memory, CPU."""

import http.client
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.support import Server

from benchmarks.report import Figure, at_most
from benchmarks.server import make_server, serving, tree_of

LOOK_SECONDS = 0.005
SETTLE_SECONDS = 3
READY_SECONDS = 30


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    rounds = 3 if quick else 7
    firsts, laters = [], []
    for _ in range(rounds):
        shutil.rmtree(folder / "startup", ignore_errors=True)
        server = make_server(folder / "startup" / "data")
        firsts.append(_start(server))
        laters.append(_start(server))
    yield Figure("First start to ready", statistics.median(firsts), "s", goal=at_most(1.5), note="bytecode compiled")
    yield Figure("Later start to ready", statistics.median(laters), "s", goal=at_most(1.5), note="bytecode compiled")
    yield from _idle(folder, seconds=10)


def _start(server: Server) -> float:
    started = time.perf_counter()
    with server.log.open("ab") as log:
        server.process = subprocess.Popen(
            [sys.executable, "-m", "mediatheque", "serve"], env=server.full_environment(), stdout=log, stderr=log
        )
    while not _is_ready(server.port):
        assert time.perf_counter() - started < READY_SECONDS, f"not ready, see {server.log}"
        time.sleep(LOOK_SECONDS)
    elapsed = time.perf_counter() - started
    assert server.stop() == 0
    return elapsed


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _idle(folder: Path, seconds: float) -> Iterable[Figure]:
    with serving(folder / "startup" / "data") as server:
        time.sleep(SETTLE_SECONDS)
        before = tree_of(server)
        time.sleep(seconds)
        after = tree_of(server)
    note = f"{after.processes} processes"
    yield Figure("Idle memory, sum of PSS", after.pss_bytes / 1e6, "MB", goal=at_most(250), note=note)
    yield Figure("Idle memory, sum of RSS", after.rss_bytes / 1e6, "MB", goal=at_most(250), note=note)
    busy = 100 * (after.cpu_seconds - before.cpu_seconds) / seconds
    yield Figure(f"Idle CPU over {seconds:g} s", busy, "% of a core", goal=at_most(1), note=note)

"""Photos in: how many become ready, and how many are accepted, beside bare loops that do the same work."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support import Server

from benchmarks.client import UPLOADS_AT_A_TIME, Client, form, seconds, upload_all
from benchmarks.photos import photos
from benchmarks.report import Figure, at_least, interleaved
from benchmarks.server import ADMIN_KEY, serving
from mediatheque.core.media import VARIANTS
from mediatheque.decoder import ENVIRONMENT
from mediatheque.skills.variants import THUMBNAIL

PROCESSES = 2
LOOK_SECONDS = 0.02
LATER = ("enrich", "later")
"""Lanes of what makes no file usable."""
SKILLS = 4
"""Runs by which a picture is understood: text, things, words, looks."""
UPLOAD_ROUNDS = 3
"""How often each round sends the photos when only their acceptance counts: a second or two of uploads."""


def measure(folder: Path, *, quick: bool) -> Iterable[Figure]:
    files = photos(folder / "photos", 24 if quick else 60)
    bodies = [form(file) for file in files]
    yield _ready(folder, files, bodies, rounds=2 if quick else 5)
    yield _accepted(folder, files, bodies, rounds=3 if quick else 7)
    yield _beside(folder, bodies, rounds=3 if quick else 5)


def _ready(folder: Path, files: Sequence[Path], bodies: Sequence[bytes], rounds: int) -> Figure:
    """Photos/s from the first byte sent until every derivative of every photo is served."""
    with serving(folder / "ready" / "data") as server:
        _until_ready(server.port, bodies[:UPLOADS_AT_A_TIME])  # decoders started, code in memory
        rates = interleaved(
            rounds,
            ours=lambda: len(files) / _until_ready(server.port, bodies),
            limit=lambda: len(files) / _bare(files, folder),
        )
    name = f"bare pyvips, {PROCESSES} processes"
    return Figure("Photos ready, 12 MP", rates["ours"], "photos/s", rates["limit"], name, at_least(0.85, of="ratio"))


def _until_ready(port: int, bodies: Sequence[bytes]) -> float:
    client = Client(port, ADMIN_KEY)
    started = time.perf_counter()
    ids = upload_all(port, ADMIN_KEY, bodies)
    for image_id in ids:
        while not _is_served(client, image_id, THUMBNAIL):  # all appear at once
            time.sleep(LOOK_SECONDS)
    elapsed = time.perf_counter() - started
    for image_id in ids:
        for variant in sorted(VARIANTS):
            assert _is_served(client, image_id, variant), f"{variant} of {image_id} is not there"
    client.close()
    return elapsed


def _is_served(client: Client, image_id: str, variant: str) -> bool:
    """Whether it is that variant which the proxy serves: it stands in with the original until there is one."""
    status, headers = client.head(f"/i/{image_id}?variant={variant}")
    return status == 200 and "immutable" in headers["cache-control"]


def _jobs(client: Client, lanes: Sequence[str] = ("fast",)) -> float:
    """Jobs waiting or running in these lanes."""
    _, _, text = client.get("/metrics")
    found = re.findall(r'^mediatheque_jobs\{queue="(\w+)"\} (.*)$', text.decode(), re.MULTILINE)
    return sum(float(count) for lane, count in found if lane in lanes)


def _beside(folder: Path, bodies: Sequence[bytes], rounds: int) -> Figure:
    """Photos/s until all are ready where pictures are understood unasked, and some are just being when these come."""
    with (
        serving(folder / "plain" / "data", enrich_images="off") as plain,
        serving(folder / "curious" / "data", models="on", enrich_images="on") as curious,
    ):
        for server in (plain, curious):
            _until_ready(server.port, bodies[:UPLOADS_AT_A_TIME])
        _finish(curious)
        rates = interleaved(
            rounds,
            ours=lambda: len(bodies) / _disturbed(curious, bodies),
            limit=lambda: len(bodies) / _until_ready(plain.port, bodies),
        )
    return Figure("Photos ready, others being understood unasked", rates["ours"], "photos/s", rates["limit"],
                  "none understood", at_least(0.97, of="ratio"))  # fmt: skip


def _disturbed(server: Server, bodies: Sequence[bytes]) -> float:
    client = Client(server.port, ADMIN_KEY)
    before = upload_all(server.port, ADMIN_KEY, bodies[:UPLOADS_AT_A_TIME])
    while _jobs(client, LATER) == len(before) * SKILLS or _jobs(client):
        time.sleep(LOOK_SECONDS)
    elapsed = _until_ready(server.port, bodies)
    client.close()
    _finish(server)
    return elapsed


def _finish(server: Server) -> None:
    """Until nothing is left to find out."""
    client = Client(server.port, ADMIN_KEY)
    while _jobs(client, LATER):
        time.sleep(1)
    client.close()


def _bare(files: Sequence[Path], folder: Path) -> float:
    """Seconds for the same derivatives and hashes, without server, database, sandbox or sync."""
    with tempfile.TemporaryDirectory(dir=folder) as target:
        shares = [[str(file) for file in files[number::PROCESSES]] for number in range(PROCESSES)]
        command = [sys.executable, "-m", "benchmarks.bare", target]
        environment = os.environ | ENVIRONMENT
        loops = [subprocess.Popen([*command, *share], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
                 for share in shares]  # fmt: skip
        for loop in loops:
            assert loop.stdout is not None and loop.stdout.readline() == b"ready\n"
        started = time.perf_counter()
        for loop in loops:
            assert loop.stdin is not None
            loop.stdin.close()
        for loop in loops:
            assert loop.wait() == 0
        return time.perf_counter() - started


def _accepted(folder: Path, files: Sequence[Path], bodies: Sequence[bytes], rounds: int) -> Figure:
    """Photos/s acknowledged: probed, synced, recorded, their work planned."""
    many = list(bodies) * UPLOAD_ROUNDS
    with serving(folder / "accepted" / "data", "--no-workers") as server:
        upload_all(server.port, ADMIN_KEY, bodies[:UPLOADS_AT_A_TIME])
        rates = interleaved(
            rounds,
            ours=lambda: len(many) / seconds(lambda: upload_all(server.port, ADMIN_KEY, many)),
            limit=lambda: len(many) / _written(list(files) * UPLOAD_ROUNDS, folder),
        )
    shutil.rmtree(folder / "accepted")
    name = "hash + write + fsync"
    return Figure("Uploads accepted", rates["ours"], "photos/s", rates["limit"], name, at_least(0.6, of="ratio"))


def _written(files: Sequence[Path], folder: Path) -> float:
    """Seconds for hash, write, fsync, rename and fsync of the folder, as many at a time as there are uploads."""
    with tempfile.TemporaryDirectory(dir=folder) as target:
        contents = [file.read_bytes() for file in files]

        def keep(number: int) -> None:
            draft = Path(target, f".{number}")
            with draft.open("wb", buffering=0) as file:
                hashlib.sha256(contents[number]).hexdigest()
                file.write(contents[number])
                os.fsync(file.fileno())
            draft.rename(Path(target, str(number)))
            descriptor = os.open(target, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

        with ThreadPoolExecutor(UPLOADS_AT_A_TIME) as pool:
            return seconds(lambda: list(pool.map(keep, range(len(contents)))))

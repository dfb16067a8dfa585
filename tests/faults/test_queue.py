"""Poison, competing workers and jumping clocks: every job ends, none is done twice (F11, F12, F16, F20)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from mediatheque.app import make_fsck, make_worker, open_parts
from mediatheque.core.pipeline import MAX_ATTEMPTS
from mediatheque.core.results import Outcome
from mediatheque.model import Queue, RunState
from mediatheque.parts import Parts
from mediatheque.records import runs
from mediatheque.records.tables import asset, job, run
from tests.conftest import DATABASES
from tests.faults import poison
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, keep, photo
from tests.faults.site import Site
from tests.pools import pool
from tests.support import wait_for

THOUSAND = 1000
DAY_MICROS = 86_400_000_000
MINUTE_MICROS = 60_000_000
WORKERS = 8


@pytest.fixture(scope="module", params=DATABASES)
def still(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A library whose server has no workers: the tests bring their own."""
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    site = Site.at(tmp_path_factory.mktemp("still") / "site", url)
    site.server.arguments = ("--no-workers",)
    site.server.start()
    yield site
    site.close()


def test_a_poison_file_fails_alone_in_a_queue_of_a_thousand(still: Site) -> None:
    with still.server.client() as http:
        poisonous = _upload(http, "poison.jpg")
        _upload(http, "good.jpg")
        _clear(still)
        _enqueue(still, "good.jpg", THOUSAND - 1)
        _enqueue(still, "poison.jpg", 1)
        with _working(still):
            settle(still, lapse=False, seconds=120)
        assert http.get(poisonous).status_code == 404
    with still.parts.database.read() as tx:
        ended = tx.execute(select(run.c.state, run.c.attempts, run.c.error).where(run.c.skill == poison.NAME)).all()
    assert sum(row.state == RunState.SUCCEEDED for row in ended) == THOUSAND - 1
    (failed,) = [row for row in ended if row.state == RunState.FAILED]
    assert failed.attempts == MAX_ATTEMPTS
    assert "signal 11" in failed.error


def test_eight_workers_share_the_jobs_and_none_gets_one_twice(still: Site) -> None:
    with still.server.client() as http:
        _upload(http, "shared.jpg")
    _clear(still)
    _enqueue(still, "shared.jpg", 100)

    def claim_all(number: int) -> list[int]:
        claimed = []
        while claims := still.parts.pipeline.claim(f"worker:{number}:x", Queue, 1):
            claimed += [claim.job_id for claim in claims]
        return claimed

    with ThreadPoolExecutor(WORKERS) as workers:
        claimed = [job_id for ids in workers.map(claim_all, range(WORKERS)) for job_id in ids]
    assert len(claimed) == len(set(claimed)) == 100
    _clear(still)


def test_a_clock_put_forward_doubles_no_work(still: Site) -> None:
    """The lease of a worker that is still at it has ended: its successor's result counts, its own does not."""
    with still.server.client() as http:
        _upload(http, "forward.jpg")
    _clear(still)
    _enqueue(still, "forward.jpg", 1)
    pipeline = still.parts.pipeline
    (slow,) = pipeline.claim("slow:1:x", Queue, 1)
    assert pipeline.claim("other:1:x", Queue, 1) == []
    _shift(still, -DAY_MICROS)
    (successor,) = pipeline.claim("other:1:x", Queue, 1)
    worker_parts = _poisoned(still)
    worker_parts.pipeline.complete(slow, "slow:1:x", Outcome())
    assert _states(still) == {RunState.QUEUED}
    worker_parts.pipeline.complete(successor, "other:1:x", Outcome())
    assert _states(still) == {RunState.SUCCEEDED}
    worker_parts.close()


def test_a_clock_put_back_keeps_no_job_waiting(still: Site) -> None:
    """A lease and a delay that end a day from now were written before the clock was put back."""
    with still.server.client() as http:
        _upload(http, "back.jpg")
    _clear(still)
    _enqueue(still, "back.jpg", 2)
    assert still.parts.pipeline.claim("dead:1:x", Queue, 1)
    _shift(still, DAY_MICROS)
    assert len(still.parts.pipeline.claim("living:1:x", Queue, 5)) == 2
    _clear(still)


def test_a_run_that_only_killed_its_workers_costs_no_original(still: Site) -> None:
    with still.server.client() as http:
        url = _upload(http, "unlucky.jpg")
        _clear(still)
        _enqueue(still, "unlucky.jpg", 1)
        for number in range(MAX_ATTEMPTS):
            assert still.parts.pipeline.claim(f"killed:{number}:x", Queue, 1)
            _shift(still, -MINUTE_MICROS)
        with _working(still):
            settle(still, lapse=False)
        assert _states(still) == {RunState.FAILED}
        assert http.get(url).status_code == 200
    with _working(still) as worker_parts:
        assert len(make_fsck(worker_parts).check().stuck_runs) == 1
        assert make_fsck(worker_parts).repair().is_clean
        settle(still, lapse=False)
    assert _states(still) == {RunState.SUCCEEDED}


def test_an_original_that_is_out_of_reach_costs_nothing(make_site: Callable[..., Site], ledger: Ledger) -> None:
    site = make_site()
    site.server.start()
    with site.server.client() as http:
        settle(site)
        worker = site.suspended_worker()
        keep(ledger, http, photo())
        root = site.staging.parent
        away = root.rename(root.with_name("away"))
        worker.resume()
        wait_for(lambda: b"run postponed" in site.server.log.read_bytes(), "the worker to find the store away")
        away.rename(root)
    check(site, ledger)


def test_a_delete_while_the_image_is_processed_is_final(site: Site, ledger: Ledger) -> None:
    with site.server.client() as http:
        for _ in range(40):
            url = keep(ledger, http, photo())
            assert http.delete(f"/v3/images/{url.rpartition('/')[2]}").status_code == 204
            del ledger.kept[url]
            ledger.erased.add(url)
            assert http.get(url).status_code == 410
    check(site, ledger)


def _upload(http: Any, name: str) -> str:
    answer = http.post("/v3/images", files={"file": (name, photo())})
    assert answer.status_code == 201
    return str(answer.json()["url"])


def _enqueue(site: Site, filename: str, count: int) -> None:
    """Plan the test's skill that often on the newest asset of that name."""
    with site.parts.database.write() as tx:
        newest = select(asset).where(asset.c.filename == filename).order_by(asset.c.id.desc())
        it = tx.execute(newest).mappings().first()
        assert it is not None
        common = {"tenant_id": it["tenant_id"], "asset_id": it["id"], "blob_id": it["blob_id"], "skill": poison.NAME,
                  "skill_version": 1, "trigger": "test", "state": RunState.QUEUED}  # fmt: skip
        rows = [{**common, "uuid": uuid4(), "created_at": datetime.now(UTC)} for _ in range(count)]
        runs.enqueue(tx, rows, [Queue.FAST] * count, site.parts.database.now_micros(tx))


def _clear(site: Site) -> None:
    """Forget the runs that uploads planned, and those of earlier tests."""
    with site.parts.database.write() as tx:
        for asset_id in tx.execute(select(run.c.asset_id).distinct()).scalars().all():
            runs.drop_runs(tx, asset_id)


def _shift(site: Site, micros: int) -> None:
    """Move what the database's clock is held against: to a job, the clock has jumped the other way."""
    with site.parts.database.write() as tx:
        held = update(job).where(job.c.lease_until > 0).values(lease_until=job.c.lease_until + micros)
        tx.execute(held)
        tx.execute(update(job).values(available_at=job.c.available_at + micros))


def _states(site: Site) -> set[str]:
    with site.parts.database.read() as tx:
        return set(tx.execute(select(run.c.state).where(run.c.skill == poison.NAME)).scalars())


def _poisoned(site: Site, decoders: Any = None) -> Parts:
    parts = open_parts(site.parts.settings, decoders=1, plugins=poison)
    return replace(parts, decoders=decoders) if decoders else parts


@contextmanager
def _working(site: Site) -> Iterator[Parts]:
    """A worker in this process that knows the poisonous skill."""
    with pool() as decoders:
        parts = _poisoned(site, decoders)
        worker = make_worker(parts, list(Queue))
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield parts
        finally:
            worker.stop()
            thread.join()
            parts.close()

"""The queue: a job is in one pair of hands at a time, and those who lost it can do no harm any more."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import select, text, update

from mediatheque import plugins as installed
from mediatheque.app import make_quota
from mediatheque.core.pipeline import MAX_ATTEMPTS
from mediatheque.core.results import Outcome
from mediatheque.core.work import Work, perform, source_of, workplace
from mediatheque.errors import Gone, NotFound
from mediatheque.model import Asset, Queue, State
from mediatheque.outfit import make_equipment
from mediatheque.ports import Skill, Step
from mediatheque.records import assets, runs
from mediatheque.records.engine import Database
from mediatheque.records.runs import Claim
from mediatheque.records.tables import job, run
from mediatheque.surfaces.images.shapes import TERMS
from tests.parts import Whole, findings_of, opened
from tests.pictures import picture
from tests.records import rows
from tests.support import wait_for

CLAIM_ALL = """
import sys
from concurrent.futures import ThreadPoolExecutor
from mediatheque.model import Queue
from mediatheque.records import runs
from mediatheque.records.engine import Database

database = Database(sys.argv[1])

def claim_all(owner):
    claimed = []
    while True:
        with database.hasten() as tx:
            claims = runs.claim(tx, str(owner), tuple(Queue), limit=3, lease_seconds=60)
        if not claims:
            return claimed
        claimed += [claim.job_id for claim in claims]

with ThreadPoolExecutor(8) as threads:
    print(*[job for claimed in threads.map(claim_all, range(8)) for job in claimed])
"""
FAST_ONLY, BOTH = (Queue.FAST,), (Queue.FAST, Queue.ENRICH)


def claim(
    database: Database, owner: str, lanes: tuple[Queue, ...] = BOTH, *, limit: int = 1, lease_seconds: float = 60
) -> list[Claim]:
    with database.hasten() as tx:
        return runs.claim(tx, owner, lanes, limit=limit, lease_seconds=lease_seconds)


def test_no_job_is_claimed_twice_by_8_threads_in_each_of_2_processes(url: str, database: Database) -> None:
    rows.jobs(database, rows.tenant(database), uploads=120)
    processes = [
        subprocess.Popen([sys.executable, "-c", CLAIM_ALL, url], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    claimed = Counter(job_id for it in processes for job_id in it.communicate(timeout=60)[0].split())
    assert len(claimed) == 120
    assert set(claimed.values()) == {1}


def test_a_job_whose_lease_has_ended_is_somebody_elses(database: Database) -> None:
    rows.jobs(database, rows.tenant(database))
    (first,) = claim(database, "first")
    assert claim(database, "second") == []
    with database.hasten() as tx:
        runs.renew(tx, "first", [first.job_id], 0.2)
    taken: list[Claim] = []

    def is_taken() -> bool:
        taken.extend(claim(database, "second"))
        return bool(taken)

    wait_for(is_taken, "the lease to end")
    assert (taken[0].job_id, taken[0].fence, taken[0].attempts) == (first.job_id, first.fence + 1, 2)


def test_a_renewed_lease_lasts(database: Database) -> None:
    rows.jobs(database, rows.tenant(database))
    (held,) = claim(database, "first", lease_seconds=0.2)
    with database.hasten() as tx:
        runs.renew(tx, "first", [held.job_id], 60)
        runs.renew(tx, "somebody else", [held.job_id], 0)
    with database.read() as tx:
        assert (runs.next_due_seconds(tx) or 0) > 30


def test_who_lost_a_job_can_neither_end_nor_return_it(database: Database) -> None:
    rows.jobs(database, rows.tenant(database))
    (lost,) = claim(database, "worker", lease_seconds=0)
    (held,) = claim(database, "worker")
    with database.hasten() as tx:
        assert not runs.end(tx, lost.job_id, "worker", lost.fence)
        assert not runs.put_back(tx, lost.job_id, "worker", lost.fence, delay_seconds=0, counts=True)
        assert runs.end(tx, held.job_id, "worker", held.fence)


def test_fast_work_goes_before_enrichment(database: Database) -> None:
    tenant = rows.tenant(database)
    rows.jobs(database, tenant, (Queue.ENRICH, Queue.FAST), uploads=3)
    names = [claim(database, "worker")[0].skill for _ in range(6)]
    assert names == ["skill-1"] * 3 + ["skill-0"] * 3


def test_a_worker_takes_from_its_queues_only(database: Database) -> None:
    rows.jobs(database, rows.tenant(database), (Queue.ENRICH,))
    assert claim(database, "worker", FAST_ONLY) == []
    assert len(claim(database, "worker", BOTH)) == 1


def test_a_tenant_with_a_long_queue_does_not_keep_the_others_waiting(database: Database) -> None:
    flooding, small = rows.tenant(database), rows.tenant(database)
    rows.jobs(database, flooding, uploads=60)
    rows.jobs(database, small, uploads=2)
    order = [claim(database, "worker")[0].tenant_id for _ in range(10)]
    assert order.count(small) == 2


def test_a_job_put_back_waits_longer_each_time(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        whole.upload(TERMS, "photo.jpg", picture("JPEG"))
        for delay in (2, 4, 8, 16):
            (held,) = whole.parts.pipeline.claim("worker", FAST_ONLY, 1)
            started = time.monotonic()
            whole.parts.pipeline.retry(held, "worker", counts=True)
            left = whole.parts.pipeline.next_due_seconds() or 0
            passed = time.monotonic() - started
            assert delay - passed - 0.1 < left <= delay
            assert whole.parts.pipeline.claim("worker", FAST_ONLY, 1) == []
            make_due(whole)


def test_trouble_that_is_not_the_files_costs_no_attempt(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        whole.upload(TERMS, "photo.jpg", picture("JPEG"))
        for _ in range(MAX_ATTEMPTS + 2):
            (held,) = whole.parts.pipeline.claim("worker", FAST_ONLY, 1)
            assert held.attempts == 1
            whole.parts.pipeline.retry(held, "worker", counts=False)
            make_due(whole)


def fall_over(_: object) -> None:
    raise ZeroDivisionError


POISON = Skill("poison", "Never succeeds", 1, frozenset({"image"}), Queue.ENRICH, (Step("fall over", fall_over),))


@pytest.fixture
def poisoned(tmp_path: Path) -> Iterator[Whole]:
    """A library with a skill that always fails."""
    plugins = ModuleType("poisoned_plugins")
    plugins.SURFACES, plugins.STORES, plugins.KINDS = installed.SURFACES, installed.STORES, installed.KINDS  # type: ignore[attr-defined]
    plugins.DESCRIBER = installed.DESCRIBER  # type: ignore[attr-defined]
    plugins.SKILLS = (*installed.SKILLS, f"{__name__}:POISON")  # type: ignore[attr-defined]
    with opened(tmp_path, plugins=plugins) as whole:
        yield whole


def test_a_run_that_keeps_failing_is_given_up_and_others_go_on(poisoned: Whole) -> None:
    with poisoned.working():
        it = poisoned.upload(TERMS, "photo.jpg", picture("JPEG"))

        def is_over() -> bool:
            make_due(poisoned)
            poisoned.parts.pipeline.announce()
            return poisoned.is_idle()

        wait_for(is_over, "the run to be given up")
    with poisoned.parts.database.read() as tx:
        rows_ = tx.execute(select(run.c.skill, run.c.state, run.c.attempts).order_by(run.c.id)).all()
    assert [tuple(row) for row in rows_] == [("variants", "succeeded", 1), ("poison", "failed", MAX_ATTEMPTS)]
    assert poisoned.library.assets.get(poisoned.actor, TERMS, it.uuid).state == State.READY


@pytest.fixture
def two_claims(url: str, tmp_path: Path) -> Iterator[tuple[Whole, Asset, Claim, Claim]]:
    """An uploaded picture whose job was claimed, lost, and claimed again by somebody else."""
    database_url = url if url.startswith("postgres") else ""
    with opened(tmp_path, database_url=database_url) as whole:
        it = whole.upload(TERMS, "photo.jpg", picture("JPEG"))
        (zombie,) = whole.parts.pipeline.claim("zombie", FAST_ONLY, 1)
        with whole.parts.database.hasten() as tx:
            tx.execute(update(job).values(lease_until=0))
        (successor,) = whole.parts.pipeline.claim("successor", FAST_ONLY, 1)
        yield whole, it, zombie, successor


def finish(whole: Whole, held: Claim, owner: str) -> None:
    """Do the job and complete it, as a worker does."""
    outcome = Outcome()
    with workplace(whole.parts.store) as folder:
        source = source_of(held, whole.parts.store, folder)
        work = Work(held, source, folder, make_equipment(whole.parts, make_quota(whole.parts)), outcome)
        perform(whole.parts.pipeline.skills[held.skill], work)
        whole.parts.pipeline.complete(held, owner, outcome)


@pytest.mark.parametrize("zombie_first", [True, False])
def test_a_zombie_s_result_changes_nothing_and_leaves_no_bytes(
    two_claims: tuple[Whole, Asset, Claim, Claim], zombie_first: bool
) -> None:
    whole, it, zombie, successor = two_claims
    order = [(zombie, "zombie"), (successor, "successor")]
    for held, owner in order if zombie_first else order[::-1]:
        finish(whole, held, owner)
    with whole.parts.database.read() as tx:
        shown = {made.key for made in assets.variants_of(tx, it.blob.id)}
    assert len(shown) == 5
    assert {found.key for found in whole.parts.store.list("variants/")} == shown
    assert findings_of(whole, it.uuid).keys() >= {"blur_hash"}
    assert whole.is_idle()


@pytest.mark.parametrize("zombie_first", [True, False])
def test_a_zombie_from_before_the_trash_takes_no_bytes_along(url: str, tmp_path: Path, zombie_first: bool) -> None:
    """A file that was restored has its run anew, and whoever was at it before counts no more."""
    with opened(tmp_path, database_url=url if url.startswith("postgres") else "") as whole:
        it = whole.upload(TERMS, "photo.jpg", picture("JPEG"))
        (zombie,) = whole.parts.pipeline.claim("zombie", FAST_ONLY, 1)
        whole.library.trash.discard(whole.actor, it.uuid)
        whole.library.trash.restore(whole.actor, it.uuid)
        (successor,) = whole.parts.pipeline.claim("successor", FAST_ONLY, 1)
        order = [(zombie, "zombie"), (successor, "successor")]
        for held, owner in order if zombie_first else order[::-1]:
            finish(whole, held, owner)
        with whole.parts.database.read() as tx:
            shown = {made.key for made in assets.variants_of(tx, it.blob.id)}
        assert len(shown) == 5
        assert {found.key for found in whole.parts.store.list("variants/")} == shown


def test_a_zombie_s_failure_changes_nothing(two_claims: tuple[Whole, Asset, Claim, Claim]) -> None:
    whole, it, zombie, successor = two_claims
    whole.parts.pipeline.fail(zombie, "zombie", Outcome(), "gave up", is_verdict=True)
    finish(whole, successor, "successor")
    assert whole.library.assets.get(whole.actor, TERMS, it.uuid).state == State.READY


def test_a_result_for_a_deleted_asset_leaves_no_bytes(two_claims: tuple[Whole, Asset, Claim, Claim]) -> None:
    whole, it, _, successor = two_claims
    outcome = Outcome()
    with workplace(whole.parts.store) as folder:
        source = source_of(successor, whole.parts.store, folder)
        work = Work(successor, source, folder, make_equipment(whole.parts, make_quota(whole.parts)), outcome)
        perform(whole.parts.pipeline.skills["variants"], work)
        whole.library.assets.erase(whole.actor, TERMS, it.uuid)
        whole.parts.pipeline.complete(successor, "successor", outcome)
    assert list(whole.parts.store.list()) == []
    with pytest.raises(NotFound):
        whole.library.assets.get(whole.actor, TERMS, it.uuid)
    with pytest.raises(Gone):
        whole.library.media.public(it.uuid, "original")


def test_claiming_from_a_long_queue_stays_quick(database: Database) -> None:
    """One claim out of 3,000 waiting jobs; generous, since machines differ: without an index it takes seconds."""
    tenant = rows.tenant(database)
    rows.jobs(database, tenant)
    with database.hasten() as tx:
        (run_id,) = tx.execute(select(run.c.id)).scalars()
        count = "generate_series(1, 3000)" if tx.dialect.name == "postgresql" else COUNTING
        columns = [column.name for column in run.c if column.name not in {"id", "uuid"}]
        uuid = "gen_random_uuid()" if tx.dialect.name == "postgresql" else "lower(hex(randomblob(16)))"
        copied = ", ".join(f"run.{name}" for name in columns)
        tx.execute(text(f"INSERT INTO run (uuid, {', '.join(columns)}) SELECT {uuid}, {copied} FROM run, {count} AS n"))
        tx.execute(
            text(
                "INSERT INTO job (run_id, tenant_id, lane, backlog, available_at) "
                "SELECT id, tenant_id, 0, id % 1000, 0 FROM run WHERE id <> :first"
            ),
            {"first": run_id},
        )
    with ThreadPoolExecutor(4) as threads:
        started = time.monotonic()
        claims = list(threads.map(lambda number: claim(database, f"worker-{number % 4}"), range(40)))
        took_seconds = time.monotonic() - started
    assert len({it.job_id for (it,) in claims}) == 40
    assert took_seconds < 4


COUNTING = "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000) SELECT n FROM c)"


def make_due(whole: Whole) -> None:
    """Let the delays of all waiting jobs be over."""
    with whole.parts.database.hasten() as tx:
        tx.execute(update(job).where(job.c.owner.is_(None)).values(available_at=0))


def test_a_stopped_worker_finishes_what_is_in_hand(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        for seed in range(4):
            whole.upload(TERMS, "photo.jpg", picture("JPEG", 900, 700, seed=seed))
        with whole.working():
            wait_for(lambda: whole.parts.pipeline.depth()["fast"] < 4, "the first job to end")
        with whole.parts.database.read() as tx:
            assert tx.execute(select(job.c.id).where(job.c.owner.is_not(None))).all() == []

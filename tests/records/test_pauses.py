"""Pauses: a tenant's jobs rest in lanes that nobody serves, and come back to where they were."""

from datetime import UTC, datetime

from sqlalchemy import select

from mediatheque.model import Queue
from mediatheque.records import crawls, pauses, runs
from mediatheque.records.engine import Database
from mediatheque.records.runs import LATER
from mediatheque.records.tables import job
from tests.records import rows
from tests.records.test_crawls import claim as claim_crawl
from tests.records.test_crawls import due, queued
from tests.records.test_queue import claim


def pause(database: Database, tenant_id: int, *, is_paused: bool = True) -> bool:
    """False when that was so before."""
    with database.write() as tx:
        return pauses.mark(tx, tenant_id, datetime.now(UTC) if is_paused else None)


def straighten(database: Database) -> None:
    with database.hasten() as tx:
        while pauses.straighten(tx):
            continue


def depth(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {lane: jobs for lane, jobs in runs.depth(tx).items() if jobs}


def test_only_what_makes_files_usable_is_done_of_a_tenant_that_rests(database: Database) -> None:
    resting, other = rows.tenant(database), rows.tenant(database)
    for one in (resting, other):
        rows.jobs(database, one, (Queue.FAST, Queue.ENRICH, LATER))
    assert pause(database, resting)
    straighten(database)
    assert depth(database) == {"fast": 2, "enrich": 1, "later": 1, "paused": 2}
    rows.jobs(database, resting, (Queue.FAST, Queue.ENRICH))
    assert depth(database) == {"fast": 3, "enrich": 1, "later": 1, "paused": 3}
    claimed = claim(database, "worker", limit=10)
    assert sorted(it.skill for it in claimed if it.tenant_id == resting) == ["skill-0", "skill-0"]
    assert sorted(it.skill for it in claimed if it.tenant_id == other) == ["skill-0", "skill-1"]


def test_what_rested_goes_on_in_its_lane_and_turn(database: Database) -> None:
    tenant_id = rows.tenant(database)
    rows.jobs(database, tenant_id, (Queue.ENRICH, LATER), uploads=2)
    with database.read() as tx:
        before = tx.execute(select(job).order_by(job.c.id)).all()
    pause(database, tenant_id)
    straighten(database)
    assert not pause(database, tenant_id)
    assert claim(database, "worker") == []
    with database.read() as tx:
        assert runs.next_due_seconds(tx) is None  # nobody is woken for them
    assert pause(database, tenant_id, is_paused=False)
    straighten(database)
    assert not pause(database, tenant_id, is_paused=False)
    with database.read() as tx:
        assert tx.execute(select(job).order_by(job.c.id)).all() == before


def test_what_raced_with_a_pause_or_its_end_is_straightened(database: Database) -> None:
    tenant_id = rows.tenant(database)
    rows.jobs(database, tenant_id, (Queue.ENRICH,))
    pause(database, tenant_id)  # and whoever did it was killed
    straighten(database)
    assert depth(database) == {"paused": 1}
    pause(database, tenant_id, is_paused=False)
    straighten(database)
    assert depth(database) == {"enrich": 1}


def test_who_is_at_a_job_ends_it_and_a_second_try_rests(database: Database) -> None:
    tenant_id = rows.tenant(database)
    rows.jobs(database, tenant_id, (Queue.ENRICH,))
    (held,) = claim(database, "worker")
    pause(database, tenant_id)
    straighten(database)
    assert depth(database) == {"enrich": 1}
    with database.hasten() as tx:
        assert runs.put_back(tx, held.job_id, "worker", held.fence, delay_seconds=0, counts=True)
    straighten(database)
    assert depth(database) == {"paused": 1}
    assert claim(database, "worker") == []


def test_crawls_leave_their_sites_to_others_and_return_to_them(database: Database) -> None:
    resting, other = rows.tenant(database), rows.tenant(database)
    queued(database, resting, "a:80", "b:80")
    queued(database, other, "a:80")
    pause(database, resting)
    straighten(database)
    found = claim_crawl(database, "first")
    assert found is not None
    assert (found[0].tenant_id, found[1]) == (other, "a:80")
    assert claim_crawl(database, "second") is None
    assert due(database) is None
    with database.hasten() as tx:
        crawls.free(tx, "a:80", "first", pause_seconds=0)
    pause(database, resting, is_paused=False)
    straighten(database)
    back = [claim_crawl(database, holder) for holder in ("third", "fourth")]
    assert {it[1] for it in back if it} == {"a:80", "b:80"}


def test_what_somebody_waits_for_does_not_rest(database: Database) -> None:
    tenant_id = rows.tenant(database)
    rows.jobs(database, tenant_id, (Queue.ENRICH,), first=True)
    pause(database, tenant_id)
    rows.jobs(database, tenant_id, (Queue.ENRICH,), first=True)
    straighten(database)
    assert len(claim(database, "worker", limit=3)) == 2

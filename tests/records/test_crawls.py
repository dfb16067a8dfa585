"""Turns at sites: one crawl of a site at a time, none before its pause is over, and no site waits for another."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import delete, func, select

from mediatheque.model import Queue
from mediatheque.records import crawls, links, runs
from mediatheque.records.engine import Database
from mediatheque.records.runs import Claim
from mediatheque.records.tables import site
from tests.records import rows
from tests.support import wait_for


def queued(database: Database, tenant_id: int, *sites: str) -> None:
    """A crawl of a link for each of these sites."""
    with database.hasten() as tx:
        for name in sites:
            asset_id, blob_id = rows.asset(tx, tenant_id)
            links.add(tx, asset_id, tenant_id, {"url": name, "url_key": "0" * 64, "domain": name, "site": name})
            row = {"uuid": uuid4(), "tenant_id": tenant_id, "asset_id": asset_id, "blob_id": blob_id,
                   "skill": "crawl", "skill_version": 1, "trigger": "test", "state": "queued",
                   "created_at": datetime.now(UTC)}  # fmt: skip
            crawls.seat(tx, runs.enqueue(tx, [row], [Queue.CRAWL], database.now_micros(tx)))


def claim(database: Database, holder: str = "me", *, lease: float = 60, hold: float = 60) -> tuple[Claim, str] | None:
    with database.hasten() as tx:
        return crawls.claim(tx, "worker", holder, lease_seconds=lease, hold_seconds=hold)


def ended(database: Database, claimed: tuple[Claim, str], holder: str = "me", pause: float = 0) -> None:
    it, name = claimed
    with database.hasten() as tx:
        assert runs.end(tx, it.job_id, "worker", it.fence)
        crawls.free(tx, name, holder, pause_seconds=pause)


def due(database: Database) -> float | None:
    with database.read() as tx:
        return crawls.next_due_seconds(tx)


def test_a_site_is_crawled_by_one_at_a_time(database: Database) -> None:
    queued(database, rows.tenant(database), "a:80", "a:80", "b:80")
    first, second = claim(database, "first"), claim(database, "second")
    assert first is not None
    assert second is not None
    assert {first[1], second[1]} == {"a:80", "b:80"}
    assert claim(database, "third") is None
    assert (due(database) or 0) > 30
    ended(database, first, "first")
    ended(database, second, "second")
    third = claim(database, "third")
    assert third is not None
    assert third[1] == "a:80"
    ended(database, third, "third")
    assert due(database) is None


def test_a_site_is_left_alone_for_its_pause(database: Database) -> None:
    queued(database, rows.tenant(database), "a:80", "a:80", "a:80")
    first = claim(database)
    assert first is not None
    ended(database, first, pause=60)
    assert claim(database) is None
    assert 30 < (due(database) or 0) <= 60
    with database.hasten() as tx:
        assert crawls.hold(tx, "a:80", "", hold_seconds=0)
    second = claim(database)
    assert second is not None
    ended(database, second, pause=0.4)
    wait_for(lambda: claim(database) is not None, "the pause to end")


def test_whoever_waits_long_at_one_site_keeps_nobody_from_another(database: Database) -> None:
    queued(database, rows.tenant(database), *["busy:80"] * 30)
    queued(database, rows.tenant(database), "quiet:80")
    names = [claimed[1] for _ in range(2) if (claimed := claim(database)) is not None]
    assert sorted(names) == ["busy:80", "quiet:80"]


def test_a_turn_of_a_worker_that_died_ends_by_itself(database: Database) -> None:
    queued(database, rows.tenant(database), "a:80")
    dead = claim(database, "dead", lease=0, hold=60)
    assert dead is not None
    assert claim(database, "next") is None
    with database.hasten() as tx:
        assert crawls.hold(tx, "a:80", "dead", hold_seconds=0.3)
    found: list[tuple[Claim, str]] = []

    def is_next() -> bool:
        found.extend(filter(None, [claim(database, "next")]))
        return bool(found)

    wait_for(is_next, "the turn to end")
    assert (found[0][0].job_id, found[0][0].attempts) == (dead[0].job_id, 2)
    with database.hasten() as tx:
        crawls.free(tx, "a:80", "dead", pause_seconds=0)
        assert not crawls.hold(tx, "a:80", "somebody", hold_seconds=60)
        assert crawls.hold(tx, "a:80", "next", hold_seconds=60)


def test_a_turn_can_be_taken_at_a_site_that_nobody_knew(database: Database) -> None:
    with database.hasten() as tx:
        assert crawls.hold(tx, "new:443", "one", hold_seconds=60)
        assert not crawls.hold(tx, "new:443", "two", hold_seconds=60)
        crawls.free(tx, "new:443", "one", pause_seconds=0)
        assert crawls.hold(tx, "new:443", "two", hold_seconds=60)


def test_no_two_threads_are_at_a_site_at_once(database: Database) -> None:
    queued(database, rows.tenant(database), *[f"site-{number % 5}:80" for number in range(60)])
    there: Counter[str] = Counter()
    worst: list[int] = []

    def work(number: int) -> int:
        done = 0
        while due(database) is not None:
            if (claimed := claim(database, f"thread-{number}")) is not None:
                there[claimed[1]] += 1
                worst.append(there[claimed[1]])
                there[claimed[1]] -= 1
                ended(database, claimed, f"thread-{number}")
                done += 1
        return done

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work, range(4))) == 60
    assert set(worst) == {1}


def test_sites_are_forgotten_and_those_that_are_waited_for_found_again(database: Database) -> None:
    queued(database, rows.tenant(database), "a:80")
    with database.hasten() as tx:
        crawls.hold(tx, "old:80", "one", hold_seconds=-100)
        crawls.tidy(tx)
        assert tx.execute(select(site.c.name)).scalars().all() == ["a:80"]
        tx.execute(delete(site))
        crawls.tidy(tx)
        assert tx.execute(select(func.count()).select_from(site)).scalar() == 1
    assert claim(database) is not None


def test_crawls_hurry_nobody_who_waits_for_other_work(database: Database) -> None:
    queued(database, rows.tenant(database), "a:80")
    with database.hasten() as tx:
        assert runs.next_due_seconds(tx) is None
        lanes = [Queue.FAST, Queue.ENRICH]
        assert runs.claim(tx, "worker", lanes, limit=5, lease_seconds=60) == []

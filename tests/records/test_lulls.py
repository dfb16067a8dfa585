"""The lane `later`: what nobody waits for is begun only while the library is quiet."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, update

from mediatheque.model import Queue
from mediatheque.records import lulls, runs
from mediatheque.records.engine import Database
from mediatheque.records.tables import asset, job
from tests.records import rows


def is_now(database: Database) -> bool:
    with database.read() as tx:
        return lulls.is_now(tx)


def uploaded(database: Database, ago: timedelta) -> None:
    """All that is there came so long ago."""
    with database.write() as tx:
        tx.execute(update(asset).values(created_at=datetime.now(UTC) - ago))


def waits_since(database: Database, ago: timedelta) -> None:
    micros = round(ago.total_seconds() * 1_000_000)
    with database.write() as tx:
        tx.execute(update(job).where(job.c.lane == runs.LANES[runs.LATER]).values(available_at=runs.now(tx) - micros))


def test_nothing_is_begun_within_two_seconds_of_an_upload(database: Database) -> None:
    assert not is_now(database)
    rows.jobs(database, rows.tenant(database), (runs.LATER,))
    assert not is_now(database)
    uploaded(database, timedelta(seconds=3))
    assert is_now(database)


def test_what_makes_files_usable_goes_first(database: Database) -> None:
    rows.jobs(database, rows.tenant(database), (runs.LATER, Queue.FAST, Queue.ENRICH))
    uploaded(database, timedelta(minutes=10))
    waits_since(database, timedelta(minutes=10))
    assert not is_now(database)
    with database.write() as tx:
        tx.execute(update(job).where(job.c.lane < 2).values(available_at=runs.now(tx) + 60_000_000))
    assert is_now(database), "one that is to be tried again in a minute keeps nobody waiting"
    with database.write() as tx:
        tx.execute(delete(job).where(job.c.lane < 2))
    assert is_now(database)


def test_who_has_waited_for_long_goes_between_two_uploads(database: Database) -> None:
    rows.jobs(database, rows.tenant(database), (runs.LATER,))
    uploaded(database, timedelta(minutes=-30))  # one has always just come
    waits_since(database, timedelta(seconds=110))
    assert not is_now(database)
    waits_since(database, timedelta(seconds=121))
    assert is_now(database)


def test_it_is_told_apart_from_the_lanes_that_workers_name(database: Database) -> None:
    rows.jobs(database, rows.tenant(database), (runs.LATER,))
    with database.hasten() as tx:
        assert runs.claim(tx, "a", tuple(Queue), limit=5, lease_seconds=60) == []
        assert runs.next_due_seconds(tx) is None
        assert (lulls.is_awaited(tx), runs.depth(tx)["later"]) == (True, 1)
        (claim,) = runs.claim(tx, "a", (runs.LATER,), limit=5, lease_seconds=60)
        assert claim.skill == "skill-0"

"""Counts by day, written as small rows, folded later: the sums stay what they were."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediatheque.records import tallies
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database
from mediatheque.records.tallies import Change
from tests.records import rows

changes = st.lists(st.tuples(st.integers(20_000, 20_003), st.integers(0, 1000), st.sampled_from([1, -1])), max_size=30)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes)
def test_folding_keeps_the_sums(database: Database, changes: list[tuple[int, int, int]]) -> None:
    tenant = rows.tenant(database)
    with database.hasten() as tx:
        for day, size_bytes, sign in changes:
            tallies.record(tx, Change(tenant, "image", True, 7, day, size_bytes, sign))
    for _ in range(2):
        days = {day: sum(sign for at, _, sign in changes if at == day) for day, _, _ in changes}
        assert counted(database, tenant) == {day: count for day, count in days.items() if count}
        with database.read() as tx:
            assert tallies.bytes_of(tx, tenant) == sum(size_bytes * sign for _, size_bytes, sign in changes)
        with database.hasten() as tx:
            tallies.fold(tx)


def test_folding_beside_writers_and_other_folders_counts_everything_once(database: Database) -> None:
    tenant = rows.tenant(database)

    def work(number: int) -> None:
        with database.hasten() as tx:
            if number % 10 == 0:
                tallies.fold(tx)
            else:
                tallies.record(tx, Change(tenant, "image", True, None, 20_000, 10, 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(200)))
    assert counted(database, tenant) == {20_000: 180}
    with database.hasten() as tx:
        tallies.fold(tx)
    assert counted(database, tenant) == {20_000: 180}
    with database.read() as tx:
        assert tallies.bytes_of(tx, tenant) == 1800


def counted(database: Database, tenant: int) -> dict[int, int]:
    """Assets by day, days without any left out."""
    with database.read() as tx:
        return {day: count for day, count in tallies.by_day(tx, Scope(tenant, "image", True)) if count}

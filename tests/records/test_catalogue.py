"""The lists of the second dialect walk an index, however large the library is."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from mediatheque.model import Filter, State
from mediatheque.records import catalogue, failures
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database, Tx

SCOPE = Scope(1, "image", None)


def filtered(narrow: Filter) -> Callable[[Tx], Any]:
    return lambda tx: catalogue.filtered(tx, SCOPE, narrow, by_size=False, ascending=False, skip=0, limit=20)


def listed(*, by_size: bool) -> Callable[[Tx], Any]:
    return lambda tx: catalogue.all_of(tx, SCOPE, by_size=by_size, ascending=False, skip=0, limit=20)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda tx: failures.by_day(tx, SCOPE.tenant_id, kind=SCOPE.kind), "ix_asset_failed"),
        (lambda tx: failures.by_day(tx, SCOPE.tenant_id), "ix_asset_failed"),
        (lambda tx: failures.by_day(tx, SCOPE.tenant_id, folder_id=1), "ix_asset_failed"),
        (filtered(Filter(states=(State.FAILED,))), "ix_asset_failed"),
        (filtered(Filter(media_type="image/gif")), "ix_asset_type"),
        (filtered(Filter(states=(State.READY,))), "ix_asset_newest"),
        (listed(by_size=True), "COVERING INDEX ix_asset_largest"),
        (listed(by_size=False), "ix_asset_newest"),
        (lambda tx: catalogue.from_day(tx, SCOPE, day=1, ascending=True, skip=0, limit=20), "ix_asset_newest"),
    ],
)
def test_a_list_is_read_off_its_index(database: Database, ask: Callable[[Tx], Any], index: str) -> None:
    asked: list[tuple[str, Any]] = []
    with database.read() as tx:
        if tx.dialect.name != "sqlite":
            pytest.skip("PostgreSQL plans by what a table holds")

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_others: Any) -> None:
            asked.append((statement, parameters))

        event.listen(tx, "before_cursor_execute", note)
        ask(tx)
        event.remove(tx, "before_cursor_execute", note)
        plans = [
            row for statement, given in asked for row in tx.connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    assert plans
    assert any(index in row[-1] for row in plans), plans
    assert "largest" in index or not [row for row in plans if "largest" in row[-1]], plans
    assert not [row for row in plans if row[-1].startswith("SCAN asset")], plans
    assert not [row for row in plans if "TEMP B-TREE" in row[-1]] or "COVERING" not in index, plans

"""Lists of a tenant's assets by any column that a dialect sorts or filters by."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from mediatheque.model import Asset, Filter, State
from mediatheque.records.assets import Scope, in_order, start_of
from mediatheque.records.engine import Tx
from mediatheque.records.failures import FAILED
from mediatheque.records.search import COUNT_LIMIT, find, hits
from mediatheque.records.tables import asset


def from_day(tx: Tx, scope: Scope, *, day: int, ascending: bool, skip: int, limit: int) -> list[Asset]:
    """All assets from the start (ascending) or the end of a day on, the first `skip` left out."""
    edge: ColumnElement[bool] = (
        asset.c.created_at >= start_of(day) if ascending else asset.c.created_at < start_of(day + 1)
    )
    return _page(tx, scope, [*_in(scope), edge], asset.c.created_at, ascending, skip, limit)


def filtered(
    tx: Tx, scope: Scope, narrow: Filter, *, by_size: bool, ascending: bool, skip: int, limit: int
) -> tuple[list[Asset], int]:
    """A page of the filtered assets, and how many they are (exactly up to 10,000)."""
    if not by_size and not ascending and narrow == Filter(text=narrow.text):
        ids, total = find(tx, scope, narrow.text, skip=skip, limit=limit)
        return in_order(tx, scope.tenant_id, ids, with_failed=True), total
    conditions = [*_in(scope), *_conditions(tx, scope, narrow)]
    found = _page(tx, scope, conditions, _key(by_size=by_size), ascending, skip, limit)
    counted = select(asset.c.id).where(*conditions).limit(COUNT_LIMIT)
    if not narrow.text:  # the newest lie together, those of a size all over the table
        counted = counted.order_by(asset.c.created_at.desc())
    return found, int(tx.execute(select(func.count()).select_from(counted.subquery())).scalar_one())


def all_of(tx: Tx, scope: Scope, *, by_size: bool, ascending: bool, skip: int, limit: int) -> list[Asset]:
    """A page of all assets, counted off from the first."""
    return _page(tx, scope, _in(scope), _key(by_size=by_size), ascending, skip, limit)


def _key(*, by_size: bool) -> ColumnElement[Any]:
    return asset.c.size_bytes if by_size else asset.c.created_at


def _page(
    tx: Tx,
    scope: Scope,
    conditions: Sequence[ColumnElement[bool]],
    column: ColumnElement[Any],
    ascending: bool,
    skip: int,
    limit: int,
) -> list[Asset]:
    """What is skipped is skipped in the index: only the rows of the page are read whole."""
    order = [column.asc() if ascending else column.desc()]
    if column is not asset.c.created_at:
        order.append(asset.c.created_at.desc())  # of what is as large the newest first (contract, 2.4)
        ascending = False
    order.append(asset.c.id.asc() if ascending else asset.c.id.desc())
    query = select(asset.c.id).where(*conditions).order_by(*order).offset(skip).limit(limit)
    return in_order(tx, scope.tenant_id, list(tx.execute(query).scalars()), with_failed=True)


def _in(scope: Scope) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        asset.c.tenant_id == scope.tenant_id, asset.c.kind == scope.kind, asset.c.deleted_at.is_(None)
    ]  # fmt: skip
    if scope.is_public is not None:
        conditions.append(asset.c.is_public == scope.is_public)
    return conditions


def _conditions(tx: Tx, scope: Scope, narrow: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if narrow.text:
        conditions.append(asset.c.id.in_(hits(tx, scope, narrow.text)))
    if narrow.media_type.endswith("/*"):
        conditions.append(asset.c.media_type.startswith(narrow.media_type.removesuffix("*"), autoescape=True))
    elif narrow.media_type:
        conditions.append(asset.c.media_type == narrow.media_type)
    if narrow.states == (State.FAILED,):
        conditions.append(FAILED)
    elif narrow.states is not None:
        conditions.append(asset.c.state.in_(narrow.states))
    return conditions

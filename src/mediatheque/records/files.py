"""Lists of a tenant's files of every kind, in any order, by any condition, in the library or in its trash."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from mediatheque.filing import FileFilter, Order, SortBy
from mediatheque.model import Asset, Variant
from mediatheque.records import search
from mediatheque.records.assets import WHOLE, shown, start_of, to_asset, variant_of
from mediatheque.records.engine import Tx
from mediatheque.records.failures import failed
from mediatheque.records.links import PAGE, TEXT
from mediatheque.records.search import COUNT_LIMIT
from mediatheque.records.tables import asset, asset_tag, asset_text, finding, variant
from mediatheque.records.tables.columns import Instant

KEYS: dict[SortBy, ColumnElement[Any]] = {
    SortBy.CREATED_AT: asset.c.created_at,
    SortBy.CONTENT_AT: asset.c.content_at,
    SortBy.TITLE: asset.c.title_key,
    SortBy.SIZE: asset.c.size_bytes,
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a list is about: files of a tenant of these kinds, in one folder or (None) anywhere.

    `has_failed`: files that failed are among them."""

    tenant_id: int
    kinds: tuple[str, ...]
    folder_id: int | None = None
    in_trash: bool = False
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """`limit` files after `skip`; `from_day` is a day (of creation) that nothing before the first of them is in."""

    skip: int
    limit: int
    from_day: int | None = None


def few(tx: Tx, shelf: Shelf, narrow: FileFilter, order: Order) -> list[int] | None:
    """Row ids of all that the filter leaves, in order; None when they are too many to be looked at one by one."""
    if not shelf.kinds:
        return []
    found = [(row.place, row.id) for row in tx.execute(_left(tx, shelf, narrow, order).limit(COUNT_LIMIT))]
    if len(found) == COUNT_LIMIT:
        return None
    return [asset_id for _, asset_id in sorted(found, reverse=not order.ascending)]


def page_of_few(
    tx: Tx, shelf: Shelf, narrow: FileFilter, order: Order, *, skip: int, limit: int
) -> tuple[list[int], int] | None:
    """Row ids of one page of the same, and how many there are; None likewise."""
    if not shelf.kinds:
        return [], 0
    left = _left(tx, shelf, narrow, order).limit(COUNT_LIMIT).subquery()
    keys = (it.asc() if order.ascending else it.desc() for it in (left.c.place, left.c.id))
    numbered = select(left.c.id, func.count().over().label("total")).order_by(*keys)
    rows = tx.execute(numbered.limit(limit).offset(skip)).all()
    if rows or not skip:
        total = rows[0].total if rows else 0
    else:
        total = int(tx.execute(select(func.count()).select_from(left)).scalar_one())
    return None if total == COUNT_LIMIT else ([row.id for row in rows], total)


def many(tx: Tx, shelf: Shelf, narrow: FileFilter, order: Order, span: Span) -> list[int]:
    """Row ids of a page, found by going along the order and looking at each file on the way."""
    if not shelf.kinds:
        return []
    conditions: list[ColumnElement[bool]] = [*_own(narrow)]
    conditions += [*(_wears(tag) for tag in narrow.tags), *_says(tx, narrow)]
    if span.from_day is not None:
        edge = start_of(span.from_day if order.ascending else span.from_day + 1)
        conditions.append(asset.c.created_at >= edge if order.ascending else asset.c.created_at < edge)
    query = _along(shelf, order, conditions)
    return [row.id for row in tx.execute(query.limit(span.limit).offset(span.skip))]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an asset stands in the order of creation."""

    created_at: datetime
    id: int


def place_of(tx: Tx, tenant_id: int, uuid: UUID) -> Place | None:
    """Also of an asset that was deleted meanwhile, so that a list can be gone on with."""
    row = tx.execute(
        select(asset.c.created_at, asset.c.id).where(asset.c.uuid == uuid, asset.c.tenant_id == tenant_id)
    ).first()
    return None if row is None else Place(row.created_at, row.id)


def following(
    tx: Tx, shelf: Shelf, after: Place | None, *, ascending: bool, limit: int, purposes: tuple[str | None, ...]
) -> list[int]:
    """Row ids of the files that come after that place in the order of creation; `purposes` empty: of any."""
    conditions: list[ColumnElement[bool]] = []
    if after is not None:
        here, there = tuple_(asset.c.created_at, asset.c.id), tuple_(literal(after.created_at, Instant), after.id)
        conditions.append(here > there if ascending else here < there)
    if purposes:
        named = asset.c.purpose.in_([it for it in purposes if it is not None])
        conditions.append(or_(named, asset.c.purpose.is_(None)) if None in purposes else named)
    query = _along(shelf, Order(SortBy.CREATED_AT, ascending), conditions)
    return [row.id for row in tx.execute(query.limit(limit))]


def among(tx: Tx, shelf: Shelf, narrow: FileFilter, ids: Sequence[int]) -> set[int]:
    """Those of these row ids whose files the filter leaves, whatever its text."""
    mine = asset.c.tenant_id + 0 == shelf.tenant_id, asset.c.kind.in_(shelf.kinds), *_place(shelf)
    folder = [] if shelf.folder_id is None else [asset.c.folder_id + 0 == shelf.folder_id]
    query = select(asset.c.id).where(asset.c.id.in_(ids), *mine, *folder, *_own(narrow))
    return set(tx.execute(query.where(*(_wears(tag) for tag in narrow.tags))).scalars())


def with_ids(tx: Tx, tenant_id: int, ids: Sequence[int]) -> list[Asset]:
    """The tenant's files with these row ids, in any order."""
    rows = tx.execute(WHOLE.where(asset.c.tenant_id + 0 == tenant_id, asset.c.id.in_(ids), *shown())).mappings()
    return [to_asset(row) for row in rows]


def sorted_by(tx: Tx, shelf: Shelf, ids: Sequence[int], order: Order) -> list[int]:
    """The same row ids, in this order."""
    query = select(asset.c.id).where(asset.c.tenant_id + 0 == shelf.tenant_id, asset.c.id.in_(ids))
    keys = KEYS[order.by], asset.c.id
    return list(tx.execute(query.order_by(*(it.asc() if order.ascending else it.desc() for it in keys))).scalars())


def in_order(tx: Tx, shelf: Shelf, ids: Sequence[int]) -> list[Asset]:
    """The files with these row ids, in that order; those gone meanwhile are left out."""
    if not ids:
        return []
    query = _with_ids(shelf.in_trash, shelf.has_failed)
    rows = tx.execute(query, {"tenant": shelf.tenant_id, "ids": ids}).mappings()
    found = {row["id"]: to_asset(row) for row in rows}
    return [found[asset_id] for asset_id in ids if asset_id in found]


def beginning(tx: Tx, tenant_id: int, digits: str) -> list[UUID]:
    """Ids of some assets that begin with these eight hexadecimal digits: two where there are several."""
    first, last = UUID(digits + "0" * 24), UUID(digits + "f" * 24)
    mine = asset.c.tenant_id + 0 == tenant_id, asset.c.deleted_at.is_(None)
    query = select(asset.c.uuid).where(*mine, asset.c.uuid >= first, asset.c.uuid <= last)
    return list(tx.execute(query.limit(2)).scalars())


def variants_of(tx: Tx, blob_ids: Sequence[int]) -> list[tuple[int, Variant]]:
    """(blob, variant), but for the snapshots of links: they are many, and listed by themselves."""
    rows = tx.execute(_VARIANTS, {"blobs": blob_ids}).mappings()
    return [(row["blob_id"], variant_of(row)) for row in rows]


def texts_of(tx: Tx, blob_ids: Sequence[int], kinds: Sequence[str]) -> dict[int, dict[str, Any]]:
    """The newest values of these kinds of findings, whole texts too, by blob."""
    query = select(finding.c.blob_id, finding.c.kind, finding.c.value)
    rows = tx.execute(
        query.where(finding.c.blob_id.in_(blob_ids), finding.c.kind.in_(kinds), finding.c.state != "rejected").order_by(
            finding.c.created_at, finding.c.id
        )
    )
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row.blob_id, {})[row.kind] = row.value
    return found


def _left(tx: Tx, shelf: Shelf, narrow: FileFilter, order: Order) -> Select[Any] | CompoundSelect[Any]:
    """(id, place in the order) of what the filter leaves, found by its ids, its text or its tags where it has some."""
    query = select(asset.c.id, KEYS[order.by].label("place"))
    if not (narrow.text or narrow.tags or narrow.ids):
        found = [query.where(*mine, *_own(narrow)) for mine in _parts(shelf)]
        return union_all(*found) if len(found) > 1 else found[0]
    mine = [asset.c.tenant_id + 0 == shelf.tenant_id, asset.c.kind.in_(shelf.kinds), *_place(shelf)]
    folder = [] if shelf.folder_id is None else [asset.c.folder_id + 0 == shelf.folder_id]
    query = query.where(*mine, *folder, *_own(narrow))  # found by these; the tenant is looked at, not walked
    tags = list(narrow.tags)
    if narrow.ids:  # so few that each is looked at by itself
        query = query.where(*_says(tx, narrow))
    elif narrow.text:
        tokens = search.tokens_of(shelf.tenant_id, shelf.kinds)
        tokens = [search.trash_token(shelf.tenant_id)] if shelf.in_trash else tokens
        hits = search.matching(tx, shelf.tenant_id, tokens, search.needles(narrow.text), narrow.search_in).subquery()
        query = query.join(hits, next(iter(hits.c)) == asset.c.id)
    elif tags:
        worn = asset_tag.c.tenant_id == shelf.tenant_id, asset_tag.c.tag == tags.pop()
        query = query.join(asset_tag, asset_tag.c.asset_id == asset.c.id).where(*worn)
    return query.where(*(_wears(tag) for tag in tags))


def _along(shelf: Shelf, order: Order, conditions: Sequence[ColumnElement[bool]]) -> Select[Any] | Any:
    """Ids in order: one stream for each kind from its own index, merged by the database."""
    key = KEYS[order.by]
    by_kind = [replace(shelf, kinds=(kind,)) for kind in shelf.kinds]
    is_one = shelf.folder_id is not None or shelf.in_trash
    parts = [mine for one in ([shelf] if is_one else by_kind) for mine in _parts(one)]
    if len(parts) == 1:
        base = select(asset.c.id).where(*parts[0], *conditions)
        return base.order_by(*(it.asc() if order.ascending else it.desc() for it in (key, asset.c.id)))
    streams = [select(asset.c.id.label("id"), key.label("place")).where(*mine, *conditions) for mine in parts]
    place: ColumnElement[Any] = literal_column("place")
    identity: ColumnElement[int] = literal_column("id")
    return union_all(*streams).order_by(*(it.asc() if order.ascending else it.desc() for it in (place, identity)))


def _parts(shelf: Shelf) -> list[list[ColumnElement[bool]]]:
    """What is found by one index each: the files that are shown, and those that failed."""
    if not shelf.has_failed:
        return [_within(shelf)]
    folder = [] if shelf.folder_id is None else [asset.c.folder_id == shelf.folder_id]
    broken = [asset.c.tenant_id == shelf.tenant_id, _of_kinds(shelf), *failed(), *folder]
    return [_within(replace(shelf, has_failed=False)), broken]


def _of_kinds(shelf: Shelf) -> ColumnElement[bool]:
    return asset.c.kind == shelf.kinds[0] if len(shelf.kinds) == 1 else asset.c.kind.in_(shelf.kinds)


def _within(shelf: Shelf) -> list[ColumnElement[bool]]:
    if shelf.folder_id is not None:
        tenant = asset.c.tenant_id + 0 == shelf.tenant_id
        return [asset.c.folder_id == shelf.folder_id, tenant, asset.c.kind.in_(shelf.kinds), *_place(shelf)]
    return [asset.c.tenant_id == shelf.tenant_id, _of_kinds(shelf), *_place(shelf)]


def _place(shelf: Shelf) -> tuple[ColumnElement[bool], ...]:
    return _kept(shelf.in_trash, shelf.has_failed)


def _kept(in_trash: bool, has_failed: bool) -> tuple[ColumnElement[bool], ...]:
    if in_trash:
        return asset.c.deleted_at.is_not(None), asset.c.blob_id.is_not(None)
    return (asset.c.deleted_at.is_(None),) if has_failed else shown()


@cache
def _with_ids(in_trash: bool, has_failed: bool) -> Select[Any]:
    mine = asset.c.tenant_id + 0 == bindparam("tenant")  # as an expression: SQLite would walk the tenant's index
    return WHOLE.where(mine, asset.c.id.in_(bindparam("ids", expanding=True)), *_kept(in_trash, has_failed))


_VARIANTS = (
    select(variant)
    .where(
        variant.c.blob_id.in_(bindparam("blobs", expanding=True)),
        *(variant.c.name.not_like(f"{start}%") for start in (PAGE, TEXT)),
    )
    .order_by(variant.c.id)
)


def _own(narrow: FileFilter) -> list[ColumnElement[bool]]:
    """Conditions on the file's own row."""
    conditions: list[ColumnElement[bool]] = []
    if narrow.ids:
        conditions.append(asset.c.uuid.in_(narrow.ids))
    if narrow.created_from is not None:
        conditions.append(asset.c.created_at >= narrow.created_from)
    if narrow.created_to is not None:
        conditions.append(asset.c.created_at <= narrow.created_to)
    if narrow.has_description is not None:
        nothing: ColumnElement[str] = literal_column("''")
        is_described = func.coalesce(asset.c.description, nothing) != nothing
        conditions.append(is_described.self_group() == (true() if narrow.has_description else false()))
    return conditions


def _wears(tag: str) -> ColumnElement[bool]:
    worn = asset_tag.alias()
    this = worn.c.asset_id == asset.c.id, worn.c.tag == tag
    return select(worn.c.asset_id).where(*this).correlate(asset).exists()


def _says(tx: Tx, narrow: FileFilter) -> list[ColumnElement[bool]]:
    """The text, looked for in the file's own row of texts."""
    if not narrow.text:
        return []
    said = asset_text.c.asset_id == asset.c.id, search.holds(tx, search.needles(narrow.text), narrow.search_in)
    return [select(asset_text.c.asset_id).where(*said).correlate(asset).exists()]

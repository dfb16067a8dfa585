"""The catalogue: a tenant's assets listed by what a dialect asks for, in detail, and summed up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.assets import Assets
from mediatheque.errors import NotFound
from mediatheque.model import Actor, Asset, Filter, Page, Run, State, Terms, Variant
from mediatheque.records import accounts, assets, catalogue, counters, failures, findings, runs, tallies
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database, Tx
from mediatheque.understanding import Finding


@dataclass(frozen=True, slots=True)
class Order:
    by_size: bool = False
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """An asset with all that was made from it and found out about it; `latest_run` None: nothing ran."""

    asset: Asset
    variants: list[Variant]
    findings: list[Finding]
    latest_run: Run | None


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over a tenant's assets; `media_types` by count, then name; `skill` the one that ran most."""

    assets: int
    size_bytes: int
    derivatives: int
    media_types: list[tuple[str, int, int]]
    skill: tuple[str, int] | None


class Catalogue:
    def __init__(self, database: Database, changing: Assets, shown: Collection[str], gallery_tenant: str) -> None:
        """`shown` are the skills whose findings clients see."""
        self._database = database
        self._assets = changing
        self._shown = shown
        self._gallery_tenant = gallery_tenant

    def page(self, actor: Actor, terms: Terms, narrow: Filter, order: Order, *, page: int, page_size: int) -> Page:
        """A page of the tenant's images in this order; `total` counts the filtered set (exactly up to 10,000)."""
        _check(narrow, terms)
        scope = Scope(actor.tenant_id, "image", None if terms.shows_private else True)
        with self._database.read() as tx:
            return _page(tx, scope, narrow, order, page, page_size)

    def gallery(self, terms: Terms, narrow: Filter, *, page: int, page_size: int) -> Page:
        """The public, ready images of the gallery's tenant, newest first, for anybody."""
        _check(narrow, terms)
        with self._database.read() as tx:
            tenant = accounts.tenant_named(tx, self._gallery_tenant)
            if tenant is None:
                return Page([], 0, page, page_size)
            ready = Filter(narrow.text, narrow.media_type, (State.READY,))
            return _page(tx, Scope(tenant["id"], "image", True), ready, Order(), page, page_size)

    def detail(self, actor: Actor, terms: Terms, uuid: UUID) -> Detail:
        """Raises `NotFound`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.kind != "image" or (it.state == State.FAILED and not terms.shows_failed):
                raise NotFound("Asset not found")
            return self._detail(tx, it)

    def change(self, actor: Actor, terms: Terms, uuid: UUID, changes: Mapping[str, Any]) -> Detail:
        """`Assets.change`, and the asset in detail afterwards."""
        self._assets.change(actor, terms, uuid, changes)
        return self.detail(actor, terms, uuid)

    def gallery_detail(self, uuid: UUID) -> Detail:
        """Raises `NotFound` for all that the gallery does not show."""
        with self._database.read() as tx:
            tenant = accounts.tenant_named(tx, self._gallery_tenant)
            it = assets.asset_with(tx, uuid, tenant["id"]) if tenant else None
            if it is None or not it.is_public or it.state != State.READY:
                raise NotFound("Asset not found")
            return self._detail(tx, it)

    def usage(self, actor: Actor) -> Usage:
        with self._database.read() as tx:
            sums = counters.sums(tx, actor.tenant_id)
        by_type = [it for it in _named(sums, counters.MEDIA_TYPE) if it[0].startswith("image/")]
        by_skill = _named(sums, counters.SKILL)
        return Usage(
            assets=sum(count for _, count, _ in by_type),
            size_bytes=sum(size for _, _, size in by_type),
            derivatives=sums.get(counters.DERIVATIVES, (0, 0))[0],
            media_types=by_type,
            skill=(by_skill[0][0], by_skill[0][1]) if by_skill else None,
        )

    def _detail(self, tx: Tx, it: Asset) -> Detail:
        found = findings.of_skills(tx, it.blob.id, self._shown)
        return Detail(it, assets.variants_of(tx, it.blob.id), found, runs.latest(tx, it.id))


def _check(narrow: Filter, terms: Terms) -> None:
    """Raise `Invalid` for texts that no asset can have."""
    names.text(narrow.text, "query", terms.max_text_chars)
    names.text(narrow.media_type, "contentType", terms.max_text_chars)


def _page(tx: Tx, scope: Scope, narrow: Filter, order: Order, page: int, page_size: int) -> Page:
    skip = (page - 1) * page_size
    if not narrow.is_open:
        found, total = catalogue.filtered(
            tx, scope, narrow, by_size=order.by_size, ascending=order.ascending, skip=skip, limit=page_size
        )
        return Page(found, total, page, page_size)
    failed = failures.by_day(tx, scope.tenant_id, kind=scope.kind).get(scope.kind, {})
    total = tallies.total(tx, scope) + sum(failed.values())
    if skip >= total:
        found = []
    elif order.by_size or skip <= tallies.NEAR:
        found = catalogue.all_of(
            tx, scope, by_size=order.by_size, ascending=order.ascending, skip=skip, limit=page_size
        )
    else:
        found = _jump(tx, scope, _days(tx, scope, failed), order.ascending, skip, page_size)
    return Page(found, total, page, page_size)


def _days(tx: Tx, scope: Scope, failed: Mapping[int, int]) -> Sequence[tuple[int, int]]:
    """(day, number of assets) with the failed ones, newest day first."""
    counts = dict(tallies.by_day(tx, scope))
    for day, count in failed.items():
        counts[day] = counts.get(day, 0) + count
    return sorted(counts.items(), reverse=True)


def _jump(tx: Tx, scope: Scope, days: Sequence[tuple[int, int]], ascending: bool, skip: int, limit: int) -> list[Asset]:
    """The days' counts tell on which day the page starts; only that day is counted off."""
    for day, count in reversed(days) if ascending else days:
        if skip < count:
            return catalogue.from_day(tx, scope, day=day, ascending=ascending, skip=skip, limit=limit)
        skip -= count
    return []


def _named(sums: dict[str, tuple[int, int]], prefix: str) -> list[tuple[str, int, int]]:
    """(rest of the name, amount, bytes) of the positive sums with this prefix: most first, then by name."""
    found = [
        (name.removeprefix(prefix), amount, size)
        for name, (amount, size) in sums.items()
        if name.startswith(prefix) and amount > 0
    ]
    return sorted(found, key=lambda it: (-it[1], it[0]))

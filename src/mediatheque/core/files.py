"""Files: a tenant's assets of every kind, listed by any condition and shown in detail (contract, 3.5 to 3.8)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.assets import Assets
from mediatheque.core.counts import TRASH
from mediatheque.core.media import ORIGINAL, Served, original
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import REQUEST, Wanted
from mediatheque.core.portraits import Portrait, Portraits
from mediatheque.core.trash import Trash
from mediatheque.errors import BadRequest, NotFound
from mediatheque.filing import FileFilter, Order, SortBy
from mediatheque.model import Actor, Asset, State, Terms
from mediatheque.records import assets, executions, failures, files, folders, tallies
from mediatheque.records.engine import Database, Tx
from mediatheque.records.files import Shelf, Span
from mediatheque.records.search import COUNT_LIMIT, KINDS

MAX_SEARCH_CHARS = 1000
MAX_TAGS_LISTED = 1000
PREFIX_DIGITS = 8


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of files, and how many the filter leaves: exactly, but of a search only up to 10,000 (decisions 11)."""

    files: list[Portrait]
    total: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Files that follow one another in the order of creation; `has_more`: others follow these."""

    files: list[Asset]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Making:
    """A run that makes a file's variants; `was_under_way`: somebody had asked for it before."""

    run_uuid: UUID
    was_under_way: bool
    is_held: bool


class Files:
    def __init__(self, database: Database, pipeline: Pipeline, changing: Assets, trash: Trash) -> None:
        self._database = database
        self._pipeline = pipeline
        self._assets = changing
        self._trash = trash
        self.portraits = Portraits(pipeline.planner)

    def page(self, actor: Actor, narrow: FileFilter, order: Order, *, skip: int, limit: int) -> FilePage:
        """Files in this order, `skip` left out. Raises `Invalid` for a text that cannot be searched for."""
        names.text(narrow.text, "search", MAX_SEARCH_CHARS)
        with self._database.read() as tx:
            is_there, folder_id = _folder(tx, actor, narrow)
            if not is_there:
                return FilePage([], 0)
            return self.within(tx, actor, narrow, order, folder_id, skip=skip, limit=limit)

    def within(
        self,
        tx: Tx,
        actor: Actor,
        narrow: FileFilter,
        order: Order,
        folder_id: int | None,
        *,
        skip: int,
        limit: int,
    ) -> FilePage:
        """The same, in the folder with that row; those that failed are among them, as their status says."""
        counts = tallies.counts_of(tx, actor.tenant_id, folder_id)
        failed = {} if narrow.in_trash else failures.by_day(tx, actor.tenant_id, folder_id=folder_id)
        shelf = _shelf(actor, narrow, folder_id, {*counts, *failed})
        shelf = replace(shelf, has_failed=any(kind in failed for kind in shelf.kinds))
        if narrow.is_open and not narrow.in_trash:
            total = sum(counts.get(kind, 0) + sum(failed.get(kind, {}).values()) for kind in shelf.kinds)
            ids = _walked(tx, shelf, narrow, order, total, skip, limit, failed) if skip < total else []
        elif (found := files.page_of_few(tx, shelf, narrow, order, skip=skip, limit=limit)) is not None:
            ids, total = found
        else:
            total, ids = COUNT_LIMIT, files.many(tx, shelf, narrow, order, Span(skip, limit))
        return FilePage(self.portraits.of(tx, files.in_order(tx, shelf, ids)), total)

    def tags(self, actor: Actor) -> list[tuple[str, int]]:
        """(tag, files that wear it), the most worn first; of a tenant with very many, those."""
        with self._database.read() as tx:
            return assets.tags_of(tx, actor.tenant_id, MAX_TAGS_LISTED)

    def following(
        self,
        actor: Actor,
        terms: Terms,
        after: UUID | None,
        *,
        ascending: bool,
        limit: int,
        purposes: tuple[str | None, ...] = (),
    ) -> Stretch:
        """Files of this surface in the order of creation, from the one after `after` on.

        `purposes`: of these alone, None for files that nobody gave one. Raises `NotFound` of `after`; it may have been
        deleted meanwhile.
        """
        with self._database.read() as tx:
            place = None if after is None else files.place_of(tx, actor.tenant_id, after)
            if after is not None and place is None:
                raise NotFound("File not found")
            shelf = Shelf(actor.tenant_id, tuple(sorted(terms.kinds)))
            ids = files.following(tx, shelf, place, ascending=ascending, limit=limit + 1, purposes=purposes)
            return Stretch(files.in_order(tx, shelf, ids[:limit]), len(ids) > limit)

    def present(self, actor: Actor, terms: Terms, uuid: UUID) -> Served:
        """The own bytes of a file of this surface; raises `NotFound`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
        if it is None or it.kind not in terms.kinds or it.state is State.FAILED:
            raise NotFound("File not found")
        return original(it)

    def detail(self, actor: Actor, reference: str) -> Portrait:
        """The file with that id or the only one that begins with these eight digits, with its history.

        Raises `NotFound`, `BadRequest` for digits that several begin with (contract, 3.6).
        """
        with self._database.read() as tx:
            uuid = _uuid(reference)
            if uuid is None:
                uuid = _only(tx, actor, reference)
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found")
            return self.portraits.with_history(tx, it)

    def document(self, actor: Actor, uuid: UUID) -> Portrait:
        """A document and what is known of it; raises `NotFound` for files of other kinds, too."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.kind != "document":
                raise NotFound("Document not found")
            return self.portraits.of(tx, [it])[0]

    def change(self, actor: Actor, terms: Terms, uuid: UUID, changes: Mapping[str, Any]) -> Asset:
        """Set the title or the tags. Raises `NotFound`, `Invalid`."""
        return self._assets.change(actor, terms, uuid, changes)

    def restore(self, actor: Actor, uuid: UUID) -> Portrait:
        """Bring a file back from the trash, and show it in detail; raises `NotFound`."""
        self._trash.restore(actor, uuid)
        return self.detail(actor, str(uuid))

    def variant(self, actor: Actor, uuid: UUID, name: str) -> Asset:
        """The picture of which there is this variant; raises `NotFound` for all else."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.kind != "image" or it.state is State.FAILED:
                raise NotFound("Image or variant not found")
            if name != ORIGINAL and assets.variant_named(tx, it.blob.id, name) is None:
                raise NotFound("Image or variant not found")
            return it

    def whole(self, actor: Actor, uuid: UUID) -> Asset:
        """The file whose own bytes can be had; raises `NotFound`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.state is State.FAILED:
                raise NotFound("File not found")
            return it

    def make_variants(self, actor: Actor, uuid: UUID) -> Making:
        """Have a picture's variants made again, unless that is under way. Raises `NotFound`, `BadRequest`."""
        planner = self._pipeline.planner
        with self._database.write() as tx:
            it = assets.lock(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found")
            makers = planner.makers(it.kind)
            if it.state is State.FAILED or not makers:
                raise BadRequest("Variants can be made of images alone")
            latest = executions.latest_of(tx, [it.id], [skill.name for skill in makers]).get(it.id, [])
            for execution in latest:
                if execution.state in executions.UNFINISHED:
                    return Making(execution.uuid, True, execution.is_held)
            run_ids = planner.enqueue(tx, it, [Wanted(skill) for skill in makers], REQUEST)
        self._pipeline.announce()
        return Making(run_ids[0], False, False)


def shelf_of(tx: Tx, actor: Actor, narrow: FileFilter) -> Shelf | None:
    """Where the files lie that the filter is about; None for a folder that is not there."""
    is_there, folder_id = _folder(tx, actor, narrow)
    return _shelf(actor, narrow, folder_id, tallies.counts_of(tx, actor.tenant_id, folder_id)) if is_there else None


def _folder(tx: Tx, actor: Actor, narrow: FileFilter) -> tuple[bool, int | None]:
    """(whether it is there, its row): of the folder that the filter names, if it names one; nothing is where no tag
    could be."""
    if not all(map(names.is_storable, narrow.tags)):
        return False, None
    if narrow.folder_id is None:
        return True, None
    uuid = _uuid(narrow.folder_id)
    folder = folders.with_uuid(tx, actor.tenant_id, uuid) if uuid else None
    return folder is not None, folder.id if folder else None


def _shelf(actor: Actor, narrow: FileFilter, folder_id: int | None, present: Collection[str]) -> Shelf:
    """Only kinds of which there is something: each costs a look of its own."""
    if narrow.in_trash:
        kinds = tuple(sorted(narrow.kinds or KINDS))
    else:
        kinds = tuple(sorted(kind for kind in present if kind != TRASH and kind in (narrow.kinds or present)))
    return Shelf(actor.tenant_id, kinds, folder_id, narrow.in_trash)


def _walked(
    tx: Tx,
    shelf: Shelf,
    narrow: FileFilter,
    order: Order,
    total: int,
    skip: int,
    limit: int,
    failed: Mapping[str, Mapping[int, int]],
) -> list[int]:
    """A page far down starts where the days' counts say, or is come to from the other end."""
    if order.by is SortBy.CREATED_AT and skip > tallies.NEAR:
        days = tallies.days_of(tx, shelf.tenant_id, shelf.folder_id)
        return files.many(tx, shelf, narrow, order, _jump(shelf.kinds, (days, failed), order.ascending, skip, limit))
    if skip <= total // 2:
        return files.many(tx, shelf, narrow, order, Span(skip, limit))
    size = min(limit, total - skip)
    backwards = Order(order.by, not order.ascending)
    return files.many(tx, shelf, narrow, backwards, Span(total - skip - size, size))[::-1]


def _jump(
    kinds: Sequence[str], parts: Sequence[Mapping[str, Mapping[int, int]]], ascending: bool, skip: int, limit: int
) -> Span:
    counts: dict[int, int] = {}
    for day, count in (it for days in parts for kind in kinds for it in days.get(kind, {}).items()):
        counts[day] = counts.get(day, 0) + count
    for day in sorted(counts, reverse=not ascending):
        if skip < counts[day]:
            return Span(skip, limit, day)
        skip -= counts[day]
    return Span(skip, limit)


def _only(tx: Tx, actor: Actor, reference: str) -> UUID:
    if len(reference) != PREFIX_DIGITS or not set(reference.lower()) <= set("0123456789abcdef"):
        raise NotFound("File not found")
    found = files.beginning(tx, actor.tenant_id, reference.lower())
    if not found:
        raise NotFound("File not found")
    if len(found) > 1:
        raise BadRequest("Several files begin with these digits: use the whole id")
    return found[0]


def _uuid(text: str) -> UUID | None:
    """None for what is no id, in one of the two usual spellings."""
    if len(text) not in {32, 36}:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None

"""Assets: listed, changed and deleted, whatever the door."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque import faults
from mediatheque.core import authors, counts, events, folders, ids, names
from mediatheque.core.events import Topic
from mediatheque.core.generations import Generations
from mediatheque.core.intake import UPLOADS, upload_key
from mediatheque.core.pipeline import Pipeline
from mediatheque.errors import (
    Invalid,
    NotFound,
)
from mediatheque.model import Actor, Asset, Page, State, Terms
from mediatheque.records import assets, search, tallies
from mediatheque.records import folders as folder_rows
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Database, Tx

CHANGEABLE = frozenset({"alt_text", "description", "original_filename", "is_public", "folder", "title", "tags"})
WORDS = frozenset({"title", "alt_text", "description"})
"""Of these, the texts that say something about the asset."""


class Assets:
    def __init__(
        self,
        database: Database,
        pipeline: Pipeline,
        generations: Generations,
    ) -> None:
        self._database = database
        self._pipeline = pipeline
        self._generations = generations

    def page(
        self,
        actor: Actor,
        terms: Terms,
        *,
        folder: str | None = None,
        search_text: str | None = None,
        page: int,
        page_size: int,
    ) -> Page:
        """The tenant's assets of this surface, newest first; `total` counts the filtered set. Raises `Invalid`."""
        names.text(search_text, "search", terms.max_text_chars)
        with self._database.read() as tx:
            scope = Scope(actor.tenant_id, "image", None if terms.shows_private else True)
            if folder is not None:
                parts = names.folder_path(folder)
                folder_id = folders.at(tx, actor.tenant_id, parts) if parts else None
                if folder_id is None:
                    return Page([], 0, page, page_size)
                scope = Scope(actor.tenant_id, "image", scope.is_public, folder_id)
            skip = (page - 1) * page_size
            found, total = (
                _search(tx, scope, search_text, skip, page_size) if search_text else _jump(tx, scope, skip, page_size)
            )
            return Page(found, total, page, page_size)

    def folders(self, actor: Actor, terms: Terms) -> list[str]:
        """Paths of the folders in use, in alphabetical order."""
        with self._database.read() as tx:
            return folder_rows.paths_in_use(tx, actor.tenant_id, "image", is_public=terms.is_public)

    def get(self, actor: Actor, terms: Terms, uuid: UUID) -> Asset:
        """Raises `NotFound`; another tenant's asset, a deleted or a failed one is not there."""
        with self._database.read() as tx:
            return _seen(assets.asset_with(tx, uuid, actor.tenant_id), terms)

    def of_upload_key(self, actor: Actor, key: str) -> Asset:
        """The asset that a durable upload handle stands for (contract, 5.G); raises `NotFound` for any other string."""
        parts = key.split("/")
        if len(parts) != 3 or parts[0] != UPLOADS:
            raise NotFound
        with self._database.read() as tx:
            it = assets.asset_with(tx, ids.from_ulid(parts[1]), actor.tenant_id)
        if it is None or it.state == State.FAILED or upload_key(it) != key:
            raise NotFound
        return it

    def change(self, actor: Actor, terms: Terms, uuid: UUID, changes: Mapping[str, Any]) -> Asset:
        """Set the named fields (CHANGEABLE; None clears a text or the folder) and leave the others.

        Tags are a whole list. A change to the same value is none: `updated_at` stays. Raises `NotFound`, `Invalid`.
        A change of visibility shows on every URL at once.
        """
        changes = _checked(changes, terms)
        path = names.folder_path(changes.get("folder"))
        with self._database.write() as tx:
            if path:  # before the asset, as whoever takes a folder away does
                folder_rows.lock_tree(tx, actor.tenant_id)
            before = _seen(assets.lock(tx, uuid, actor.tenant_id), terms)
            values = self._differences(tx, before, changes, path)
            if not values:
                return before
            has_new_words = not WORDS.isdisjoint(values) and before.state != State.FAILED
            folder_id, now = assets.folder_of(tx, before.id), datetime.now(UTC)
            authors.note_person(tx, before, values, now)
            assets.change_asset(tx, before.id, values | {"updated_at": now})
            if "tags" in values:
                assets.set_tags(tx, before, values["tags"])
            after = assets.asset_with(tx, uuid, actor.tenant_id)
            assert after is not None
            if before.state != State.FAILED:
                search.refresh(tx, after)
                if has_new_words:
                    self._pipeline.planner.follow(tx, after)
                if values.keys() & {"folder_id", "is_public"}:
                    tallies.record(tx, tallies.of(before, folder_id, -1))
                    tallies.record(tx, tallies.of(after, values.get("folder_id", folder_id), 1))
        if before.is_public != after.is_public:
            self._generations.bump(uuid)
        if has_new_words:
            self._pipeline.announce()
        return after

    def erase(self, actor: Actor, terms: Terms, uuid: UUID, *, commit_message: str | None = None) -> Asset:
        """Delete for good: the row keeps only its id, so that the public URL can say 410; raises `NotFound`.

        Returns the asset as it was.
        """
        with self._database.write() as tx:
            it = _seen(assets.lock(tx, uuid, actor.tenant_id), terms)
            objects = self.erase_locked(tx, it, commit_message)
            faults.place("erase.recorded")
        faults.place("erase.committed")
        self._generations.bump(uuid)
        self._pipeline.announce()
        self._pipeline.collect(objects, message=commit_message)
        faults.place("erase.removed")
        return it

    def erase_all(
        self, actor: Actor, terms: Terms, uuids: Sequence[UUID], *, commit_message: str | None = None
    ) -> list[UUID]:
        """Delete each for good, one after another; returns those that were not there."""
        missing = []
        for uuid in uuids:
            try:
                self.erase(actor, terms, uuid, commit_message=commit_message)
            except NotFound:
                missing.append(uuid)
        return missing

    def erase_locked(
        self, tx: Tx, it: Asset, message: str | None = None, *, tells: bool = True
    ) -> list[tuple[str, str]]:
        """Leave a tombstone of an asset that is locked; its objects and its generation are the caller's to see to.

        `tells` False: so is the event.
        """
        self._pipeline.results.forget_runs(tx, it)
        search.remove(tx, it.id)
        if it.state != State.FAILED:
            counts.count(tx, it, -1)
        if tells:
            events.tell_of(tx, it, Topic.ASSET_DELETED, is_final=True)
        return assets.erase(tx, it, datetime.now(UTC), message)

    def _differences(
        self, tx: Tx, before: Asset, changes: Mapping[str, Any], path: tuple[str, ...] | None
    ) -> dict[str, Any]:
        values = {name: value for name, value in changes.items() if name != "folder" and value != getattr(before, name)}
        if "original_filename" in values and before.extension is None:  # which does not follow (contract, 2.4)
            values["extension"] = names.extension(before.original_filename or before.filename)
        if "folder" in changes and ("/".join(path) if path else None) != before.folder:
            values["folder_id"] = folders.make(tx, before.tenant_id, path) if path else None
        return values


def _checked(changes: Mapping[str, Any], terms: Terms) -> Mapping[str, Any]:
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise Invalid(f"Cannot change {', '.join(sorted(unknown))}")
    for name in ("description", "alt_text"):
        names.text(changes.get(name), name, terms.max_text_chars)
    if "title" in changes:
        changes = {**changes, "title": names.title(changes["title"])}
    if "tags" in changes:
        changes = {**changes, "tags": names.tags(changes["tags"])}
    if "original_filename" not in changes:
        return changes
    filename = names.base_name(changes["original_filename"] or "")
    if changes["original_filename"] is not None and not filename:
        raise Invalid("A file name must not be blank", field=("original_filename",), kind="blank")
    return {**changes, "original_filename": filename}


def _seen(it: Asset | None, terms: Terms) -> Asset:
    if it is None or it.kind not in terms.kinds or (it.state == State.FAILED and not terms.shows_failed):
        raise NotFound("Not found")
    if not it.is_public and not terms.shows_private:
        raise NotFound("Not found")
    return it


def _search(tx: Tx, scope: Scope, needle: str, skip: int, limit: int) -> tuple[list[Asset], int]:
    ids, total = search.find(tx, scope, needle, skip=skip, limit=limit)
    return assets.in_order(tx, scope.tenant_id, ids), total


def _jump(tx: Tx, scope: Scope, skip: int, limit: int) -> tuple[list[Asset], int]:
    """A page anywhere in the list: the days' counts tell on which day it starts, and only that day is counted off."""
    if skip <= tallies.NEAR:
        return assets.newest(tx, scope, before=None, skip=skip, limit=limit), tallies.total(tx, scope)
    days = tallies.by_day(tx, scope)
    total = sum(count for _, count in days)
    if skip >= total:
        return [], total
    for day, count in days:
        if skip < count:
            return assets.newest(tx, scope, before=assets.start_of(day + 1), skip=skip, limit=limit), total
        skip -= count
    return [], total

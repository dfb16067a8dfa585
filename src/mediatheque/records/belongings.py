"""What belongs to one tenant, row by row: taken out, and put into another library under ids that are free there."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, insert, select, update

from mediatheque.records import artifact_search, dump, search, vectors
from mediatheque.records.engine import Tx
from mediatheque.records.tables import (
    artifact,
    artifact_content,
    artifact_reference,
    artifact_text,
    artifact_version,
    asset,
    asset_tag,
    asset_text,
    authorship,
    blob,
    counter,
    embedding,
    finding,
    folder,
    likeness,
    link,
    room,
    room_member,
    run,
    snapshot,
    step,
    tally,
    user,
    variant,
    vector,
    workflow,
)

TABLES: tuple[Table, ...] = (
    user, folder, blob, asset, asset_tag, asset_text, variant, run, step, finding, authorship, likeness, link, snapshot,
    embedding, vector, workflow, tally, counter, room, room_member, artifact, artifact_content, artifact_version,
    artifact_text, artifact_reference,
)  # fmt: skip
"""Each after those that it refers to. Credentials, secrets and what is under way stay where they are."""
_HIDDEN = {user: {"password_hash", "subject"}}
_BY_HABIT = {(run, "blob_id"): blob, (authorship, "run_id"): run, (tally, "folder_id"): folder}
"""Columns that refer to rows of other tables without saying so."""
_ALL_FOLDERS = 0


def rows(tx: Tx, table: Table, tenant_id: int) -> Iterator[dict[str, Any]]:
    """The tenant's rows of a table, as `dump.rows` gives them; of assets those that have their bytes."""
    hidden = _HIDDEN.get(table, set())
    for row in dump.rows(tx, table, _mine(table, tenant_id)):
        yield {name: value for name, value in row.items() if name not in hidden}


class Settling:
    """Rows of another library on their way in: every id that they name is replaced by the one it has here."""

    def __init__(self, tx: Tx, tenant_id: int) -> None:
        self._tx = tx
        self._tenant_id = tenant_id
        self.ids: dict[str, dict[int, int]] = defaultdict(dict)
        """By table: the id there, and the one here."""
        self.uuids: dict[UUID, UUID] = {}
        """Public ids that somebody here had already, and what took their place."""

    def settle(self, table: Table, packed: Iterable[Mapping[str, Any]]) -> int:
        """Insert such rows; those that refer to something that did not come along are left out. Returns how many."""
        source, count = iter(packed), 0
        later: list[tuple[int, int]] = []
        while batch := list(islice(source, dump.BATCH)):
            unpacked = [dump.unpacked(table, row) for row in batch]
            self._rename(table, unpacked)
            settled = [made for row in unpacked if (made := self._settled(table, row, later)) is not None]
            self._insert(table, settled)
            count += len(settled)
        self._close(table, later)
        return count

    def finish(self) -> None:
        """After the last table: what the indexes know a tenant by is what it is called here."""
        search.rescope(self._tx, self._tenant_id)
        artifact_search.rescope(self._tx, self._tenant_id)
        vectors.index_all(self._tx)

    def _settled(self, table: Table, row: dict[str, Any], later: list[tuple[int, int]]) -> dict[str, Any] | None:
        made = dict(row)
        if "tenant_id" in table.c:
            made["tenant_id"] = self._tenant_id
        for column in table.c:
            target = _target(table, column.name)
            before = made.get(column.name)
            if target is None or before is None:
                continue
            if target == table.name:
                later.append((row["id"], made.pop(column.name)))
            elif (table, column.name) == (tally, "folder_id") and before == _ALL_FOLDERS:
                continue
            elif before in self.ids[target]:
                made[column.name] = self.ids[target][before]
            elif column.nullable:
                del made[column.name]
            else:
                return None
        return made

    def _insert(self, table: Table, settled: list[dict[str, Any]]) -> None:
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in settled:
            alike[tuple(sorted(row))].append(row)
        for several in alike.values():
            if "id" not in table.c:
                self._tx.execute(insert(table), several)
                continue
            anew = [{name: value for name, value in row.items() if name != "id"} for row in several]
            made = self._tx.execute(insert(table).returning(table.c.id, sort_by_parameter_order=True), anew)
            self.ids[table.name].update(zip((row["id"] for row in several), made.scalars(), strict=True))

    def _rename(self, table: Table, unpacked: list[dict[str, Any]]) -> None:
        """Give those another public id whose own is taken here."""
        if "uuid" not in table.c:
            return
        wanted = [row["uuid"] for row in unpacked]
        taken = set(self._tx.execute(select(table.c.uuid).where(table.c.uuid.in_(wanted))).scalars())
        for row in unpacked:
            if row["uuid"] in taken:
                self.uuids[row["uuid"]] = row["uuid"] = uuid4()

    def _close(self, table: Table, later: list[tuple[int, int]]) -> None:
        """References within the table, now that all of its rows are there."""
        known = self.ids[table.name]
        for row_id, to in later:
            if row_id in known and to in known:
                self._tx.execute(update(table).where(table.c.id == known[row_id]).values(parent_id=known[to]))


def _target(table: Table, name: str) -> str | None:
    """The table that a column refers to."""
    if (table, name) in _BY_HABIT:
        return _BY_HABIT[table, name].name
    found = next((key.column.table.name for key in table.c[name].foreign_keys), None)
    return None if found == "tenant" else found


def _mine(table: Table, tenant_id: int) -> ColumnElement[bool]:
    if table is step:
        return step.c.run_id.in_(select(run.c.id).where(run.c.tenant_id == tenant_id))
    mine: ColumnElement[bool] = table.c.tenant_id == tenant_id
    if table is asset:
        return mine & asset.c.blob_id.is_not(None) & (asset.c.state != "failed")
    if table is blob:
        return mine & blob.c.id.in_(
            select(asset.c.blob_id).where(asset.c.tenant_id == tenant_id, asset.c.state != "failed")
        )
    return mine

"""Rows of versions: packed contents, each beside the version that it is told by (core/history.py)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from mediatheque.authoring import Artifact, Version
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact_content, artifact_version, user

PAGE = 20
"""Contents read at a time."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Stored bytes of one version; `base` None: they stand alone."""

    base: int | None
    data: bytes


def add(tx: Tx, values: Mapping[str, Any]) -> None:
    tx.execute(insert(artifact_version), dict(values))


def put_newest(tx: Tx, it: Artifact, packed: bytes) -> None:
    """Keep the newest content, whole, in place of the one before."""
    insert_here = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    putting = insert_here(artifact_content).values(artifact_id=it.id, tenant_id=it.tenant_id, packed=packed)
    tx.execute(putting.on_conflict_do_update(index_elements=["artifact_id"], set_={"packed": packed}))


def newest(tx: Tx, artifact_id: int) -> bytes:
    query = select(artifact_content.c.packed).where(artifact_content.c.artifact_id == artifact_id)
    return bytes(tx.execute(query).scalar_one())


def newest_of(tx: Tx, artifact_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(artifact, newest content, packed) of these, by one query for a usual page: more at a time can be large."""
    query = select(artifact_content.c.artifact_id, artifact_content.c.packed)
    for start in range(0, len(artifact_ids), PAGE):
        few = artifact_ids[start : start + PAGE]
        for row in tx.execute(query.where(artifact_content.c.artifact_id.in_(few))):
            yield row.artifact_id, bytes(row.packed)


def packed(tx: Tx, artifact_id: int, versions: Sequence[int]) -> dict[int, Packed]:
    shown = artifact_version.c.version, artifact_version.c.base, artifact_version.c.packed
    mine = artifact_version.c.artifact_id == artifact_id, artifact_version.c.version.in_(versions)
    return {number: Packed(base, bytes(data)) for number, base, data in tx.execute(select(*shown).where(*mine))}


def version(tx: Tx, artifact_id: int, number: int) -> Version | None:
    mine = artifact_version.c.artifact_id == artifact_id, artifact_version.c.version == number
    row = tx.execute(_SUMMARIES.where(*mine)).mappings().first()
    return None if row is None else _version(row)


def page(tx: Tx, artifact_id: int, newest: int, *, skip: int, limit: int) -> list[Version]:
    """Newest first, from the `skip`th on: by number, as there is no gap."""
    first = newest - skip
    mine = artifact_version.c.artifact_id == artifact_id, artifact_version.c.version.between(first - limit + 1, first)
    found = tx.execute(_SUMMARIES.where(*mine).order_by(artifact_version.c.version.desc())).mappings()
    return [_version(row) for row in found]


_SUMMARIES = select(
    artifact_version.c.version,
    artifact_version.c.title,
    artifact_version.c.change_description,
    artifact_version.c.size_bytes,
    artifact_version.c.created_at,
    user.c.uuid.label("editor_uuid"),
).join_from(artifact_version, user, user.c.id == artifact_version.c.editor_id)


def _version(row: Row) -> Version:
    return Version(**{name: row[name] for name in Version.__dataclass_fields__})

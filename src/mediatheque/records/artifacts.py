"""Rows of artifacts: the newest state of each, and what it refers to."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update

from mediatheque.authoring import Artifact, ArtifactKind
from mediatheque.records import rooms
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact, artifact_reference, room, user

_creator, _editor = user.alias("creator"), user.alias("editor")
WHOLE = (
    select(
        artifact,
        room.c.uuid.label("room_uuid"),
        _creator.c.uuid.label("creator_uuid"),
        _editor.c.uuid.label("editor_uuid"),
    )
    .join(room, room.c.id == artifact.c.room_id)
    .join(_creator, _creator.c.id == artifact.c.creator_id)
    .join(_editor, _editor.c.id == artifact.c.editor_id)
)


def add(tx: Tx, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(artifact).returning(artifact.c.id), dict(values)).scalar_one())


def artifact_with(tx: Tx, room_id: int, uuid: UUID, *, lock: bool = False, is_deleted: bool = False) -> Artifact | None:
    """The room's artifact, or one of its deleted ones; `lock`: nobody else changes it until the transaction ends."""
    state = artifact.c.deleted_at.is_not(None) if is_deleted else artifact.c.deleted_at.is_(None)
    query = WHOLE.where(artifact.c.room_id == room_id, artifact.c.uuid == uuid, state)
    return _one(tx, query.with_for_update(of=artifact) if lock else query)


def artifact_by_row(tx: Tx, artifact_id: int, *, tenant_id: int) -> Artifact | None:
    mine = artifact.c.id == artifact_id, artifact.c.tenant_id == tenant_id, artifact.c.deleted_at.is_(None)
    return _one(tx, WHOLE.where(*mine))


def artifacts_by_row(tx: Tx, ids: Collection[int], *, tenant_id: int) -> dict[int, Artifact]:
    """Those of them that are there, by row."""
    mine = artifact.c.id.in_(ids), artifact.c.tenant_id == tenant_id, artifact.c.deleted_at.is_(None)
    return {it.id: it for it in _several(tx, WHOLE.where(*mine))}


def change(tx: Tx, artifact_id: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(artifact).where(artifact.c.id == artifact_id).values(dict(values)))


def page(tx: Tx, room_id: int, *, skip: int, limit: int, is_deleted: bool = False) -> tuple[list[Artifact], int]:
    """The most recently updated first, and how many; of the deleted ones, the most recently deleted first."""
    state = artifact.c.deleted_at.is_not(None) if is_deleted else artifact.c.deleted_at.is_(None)
    mine = artifact.c.room_id == room_id, state
    total = tx.execute(select(func.count()).select_from(artifact).where(*mine)).scalar_one()
    newest = (artifact.c.deleted_at if is_deleted else artifact.c.updated_at).desc(), artifact.c.id.desc()
    return _several(tx, WHOLE.where(*mine).order_by(*newest).offset(skip).limit(limit)), int(total)


def refer(tx: Tx, it: Artifact, assets: Iterable[UUID]) -> None:
    """Note which assets the newest content refers to."""
    tx.execute(delete(artifact_reference).where(artifact_reference.c.artifact_id == it.id))
    rows = [{"artifact_id": it.id, "asset_uuid": uuid, "tenant_id": it.tenant_id} for uuid in assets]
    if rows:
        tx.execute(insert(artifact_reference), rows)


def using(tx: Tx, tenant_id: int, user_id: int, asset: UUID, *, skip: int, limit: int) -> tuple[list[Artifact], int]:
    """Artifacts that refer to an asset, of those that the user may read, newest first; and how many."""
    mine: tuple[ColumnElement[bool], ...] = (
        artifact_reference.c.tenant_id == tenant_id,
        artifact_reference.c.asset_uuid == asset,
        artifact.c.deleted_at.is_(None),
        artifact.c.room_id.in_(rooms.readable_by(user_id)),
    )
    refers = artifact_reference.c.artifact_id == artifact.c.id
    count = select(func.count()).select_from(artifact_reference.join(artifact, refers)).where(*mine)
    found = WHOLE.join(artifact_reference, refers).where(*mine)
    newest = artifact.c.updated_at.desc(), artifact.c.id.desc()
    return _several(tx, found.order_by(*newest).offset(skip).limit(limit)), int(tx.execute(count).scalar_one())


def deleted_before(tx: Tx, moment: datetime, limit: int) -> list[int]:
    due = select(artifact.c.id).where(artifact.c.deleted_at < moment)
    return list(tx.execute(due.order_by(artifact.c.deleted_at).limit(limit)).scalars())


def erase(tx: Tx, artifact_id: int, deleted_before: datetime) -> None:
    """For good, with its history; one that was restored meanwhile stays."""
    tx.execute(delete(artifact).where(artifact.c.id == artifact_id, artifact.c.deleted_at < deleted_before))


def _one(tx: Tx, query: Select[Any]) -> Artifact | None:
    row = tx.execute(query).mappings().first()
    return None if row is None else to_artifact(row)


def _several(tx: Tx, query: Select[Any]) -> list[Artifact]:
    return [to_artifact(row) for row in tx.execute(query).mappings()]


def to_artifact(row: Row) -> Artifact:
    values = {name: row[name] for name in Artifact.__dataclass_fields__}
    return Artifact(**values | {"kind": ArtifactKind(row["kind"])})

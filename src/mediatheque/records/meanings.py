"""What artifacts mean: which are to be read again, whose turn it is, and the vectors of their passages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from mediatheque.authoring import Artifact
from mediatheque.records import rooms
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact, artifact_meaning, artifact_vector


@dataclass(frozen=True, slots=True)
class Due:
    """An artifact whose turn it is; `attempts` before this one came to nothing."""

    artifact_id: int
    tenant_id: int
    attempts: int


def call(tx: Tx, it: Artifact, now: datetime, *, is_new: bool) -> None:
    """Have an artifact read again."""
    values = {"attempts": 0, "due_at": now}
    if is_new:
        tx.execute(insert(artifact_meaning), values | {"artifact_id": it.id, "tenant_id": it.tenant_id})
    else:
        tx.execute(update(artifact_meaning).where(artifact_meaning.c.artifact_id == it.id).values(values))


def recall(tx: Tx, model: str, now: datetime, limit: int) -> int:
    """Have those read again that another model has read; how many they were."""
    others = artifact_meaning.c.model != model, artifact_meaning.c.due_at.is_(None)
    few = select(artifact_meaning.c.artifact_id).where(*others).limit(limit)
    query = update(artifact_meaning).where(artifact_meaning.c.artifact_id.in_(few))
    return tx.execute(query.values(attempts=0, due_at=now)).rowcount


def next_due(tx: Tx, now: datetime) -> Due | None:
    """The one that has waited longest, kept from others until the transaction ends; None: there is none."""
    columns = artifact_meaning.c.artifact_id, artifact_meaning.c.tenant_id, artifact_meaning.c.attempts
    query = select(*columns).where(artifact_meaning.c.due_at <= now).order_by(artifact_meaning.c.due_at)
    row = tx.execute(query.limit(1).with_for_update(skip_locked=True)).first()
    return None if row is None else Due(*row)


def postpone(tx: Tx, due: Due, until: datetime) -> None:
    """Nobody's turn until then, by when whoever takes it now has ended or died."""
    mine = artifact_meaning.c.artifact_id == due.artifact_id
    tx.execute(update(artifact_meaning).where(mine).values(due_at=until, attempts=due.attempts + 1))


def settle(tx: Tx, artifact_id: int, model: str | None, until: datetime) -> None:
    """Read, unless it was called again since it was postponed `until` then."""
    mine = artifact_meaning.c.artifact_id == artifact_id, artifact_meaning.c.due_at == until
    tx.execute(update(artifact_meaning).where(*mine).values(model=model, due_at=None, attempts=0))


def known(tx: Tx, artifact_id: int, model: str) -> dict[str, bytes]:
    """The artifact's vectors by this model, by the digest of their texts."""
    mine = artifact_vector.c.artifact_id == artifact_id, artifact_vector.c.model == model
    return {row.digest: row.amounts for row in tx.execute(select(artifact_vector).where(*mine))}


def put(tx: Tx, tenant_id: int, artifact_id: int, model: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the artifact's vectors, instead of any model's; those that stay the same stay."""
    mine = artifact_vector.c.artifact_id == artifact_id
    there = {(row.model, row.position, row.digest): row.id for row in tx.execute(select(artifact_vector).where(mine))}
    wanted = {(model, row["position"], row["digest"]): row for row in rows}
    gone = [{"gone": there[key]} for key in there.keys() - wanted.keys()]
    if gone:
        tx.execute(delete(artifact_vector).where(artifact_vector.c.id == bindparam("gone")), gone)
    common = {"tenant_id": tenant_id, "artifact_id": artifact_id, "model": model}
    new = [common | dict(row) for key, row in wanted.items() if key not in there]
    if new:
        tx.execute(insert(artifact_vector), new)


def models_of(tx: Tx, tenant_id: int) -> dict[str, int]:
    """The models that have read a tenant's artifacts, and how many each."""
    mine = artifact_meaning.c.tenant_id == tenant_id, artifact_meaning.c.model.is_not(None)
    query = select(artifact_meaning.c.model, func.count()).where(*mine).group_by(artifact_meaning.c.model)
    return {row[0]: row[1] for row in tx.execute(query)}


def readable(tx: Tx, tenant_id: int, user_id: int, room_id: int | None) -> list[int]:
    """Rows of the artifacts that the user may read, in that room or in all."""
    mine = [
        artifact.c.tenant_id == tenant_id,
        artifact.c.deleted_at.is_(None),
        artifact.c.room_id.in_(rooms.readable_by(user_id)),
        *([artifact.c.room_id == room_id] if room_id is not None else []),
    ]
    return list(tx.execute(select(artifact.c.id).where(*mine)).scalars())


def described(tx: Tx, tenant_id: int, ids: Collection[int]) -> dict[int, Row]:
    """Passages with these row ids: `snippet` and `position`."""
    columns = artifact_vector.c.id, artifact_vector.c.snippet, artifact_vector.c.position
    query = select(*columns).where(artifact_vector.c.tenant_id == tenant_id, artifact_vector.c.id.in_(ids))
    return {row["id"]: row for row in tx.execute(query).mappings()}

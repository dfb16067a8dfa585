"""Rows of batches: files that were sent together, and what has become of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, exists, func, insert, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.runs import REST
from mediatheque.records.tables import arrival, asset, batch, blob, finding, job, run


@dataclass(frozen=True, slots=True)
class Batch:
    id: int
    uuid: UUID
    tenant_id: int
    method: str
    state: str
    total_files: int
    created_at: datetime
    completed_at: datetime | None


def add(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.execute(insert(batch).returning(batch.c.id), values).scalar_one())


def batch_with(tx: Tx, uuid: UUID, tenant_id: int) -> Batch | None:
    query = select(batch).where(batch.c.uuid == uuid, batch.c.tenant_id == tenant_id)
    row = tx.execute(query).mappings().first()
    return None if row is None else _batch(row)


def change(tx: Tx, batch_id: int, values: dict[str, Any], *, state: str) -> bool:
    """False when it is no longer in that state."""
    mine = batch.c.id == batch_id, batch.c.state == state
    return tx.execute(update(batch).where(*mine).values(values)).rowcount == 1


def in_state(tx: Tx, tenant_id: int, state: str, limit: int) -> list[Batch]:
    query = select(batch).where(batch.c.tenant_id == tenant_id, batch.c.state == state)
    return [_batch(row) for row in tx.execute(query.order_by(batch.c.id.desc()).limit(limit)).mappings()]


def page(
    tx: Tx, tenant_id: int, *, state: str | None, method: str | None, limit: int, offset: int
) -> tuple[list[Batch], int]:
    """Newest first, and how many there are in all."""
    narrow = [batch.c.tenant_id == tenant_id]
    narrow += [batch.c.state == state] if state else []
    narrow += [batch.c.method == method] if method else []
    total = int(tx.execute(select(func.count()).select_from(batch).where(*narrow)).scalar_one())
    rows = tx.execute(select(batch).where(*narrow).order_by(batch.c.id.desc()).limit(limit).offset(offset)).mappings()
    return [_batch(row) for row in rows], total


def outcomes(tx: Tx, condition: "Sequence[int] | UUID", tenant_id: int, reading: Collection[str]) -> list[Row]:
    """Arrivals of these batches (or the one with this id), in the order they were sent, each with its asset.

    `is_running`: an unfinished run of the asset; `ended_at`: when its last run ended; `run_error`: of one that failed;
    `reading_state`: of its last run of one of the skills `reading`; `is_being_read`: somebody is at one now.
    """
    mine = arrival.c.uuid == condition if isinstance(condition, UUID) else arrival.c.batch_id.in_(condition)
    query = _OUTCOMES.where(mine, arrival.c.tenant_id == tenant_id).order_by(arrival.c.batch_id, arrival.c.position)
    return list(tx.execute(query, {"reading": list(reading)}).mappings())


def outcome_of_asset(tx: Tx, uuid: UUID, tenant_id: int, reading: Collection[str]) -> Row | None:
    """What is told of an asset, however it came."""
    query = _OF_ASSETS.where(asset.c.uuid == uuid, asset.c.tenant_id == tenant_id)
    return tx.execute(query, {"reading": list(reading)}).mappings().first()


def forget_before(tx: Tx, moment: datetime) -> None:
    held = select(arrival.c.batch_id).where(arrival.c.batch_id == batch.c.id)
    tx.execute(delete(batch).where(batch.c.created_at < moment, ~held.exists()))


def _batch(row: Row) -> Batch:
    return Batch(**{column.name: row[column.name] for column in batch.c})


_MINE = and_(run.c.asset_id == asset.c.id, run.c.trigger != REST)
_READS = _MINE, run.c.skill.in_(bindparam("reading", expanding=True))
_SEEN = (
    select(finding.c.value)
    .where(finding.c.blob_id == asset.c.blob_id, finding.c.kind == "visible_text", finding.c.state != "rejected")
    .order_by(finding.c.created_at.desc(), finding.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_ABOUT_ASSETS = (
    asset.c.state.label("asset_state"),
    asset.c.kind,
    asset.c.description,
    asset.c.tags,
    _SEEN.label("visible_text"),
    asset.c.filename.label("asset_filename"),
    asset.c.created_at.label("asset_created_at"),
    asset.c.updated_at.label("asset_updated_at"),
    asset.c.deleted_at,
    blob.c.key.label("blob_key"),
    blob.c.media_type.label("blob_type"),
    blob.c.details.label("blob_details"),
    select(run.c.state).where(*_READS).order_by(run.c.id.desc()).limit(1).scalar_subquery().label("reading_state"),
    exists().where(*_READS, job.c.run_id == run.c.id, job.c.owner.is_not(None)).label("is_being_read"),
    exists().where(_MINE, run.c.state.in_(("queued", "running"))).label("is_running"),
    select(func.max(run.c.finished_at)).where(_MINE).scalar_subquery().label("ended_at"),
    select(func.sum(run.c.attempts - 1)).where(_MINE, run.c.attempts > 1).scalar_subquery().label("retries"),
    select(batch.c.uuid)
    .where(
        batch.c.id == arrival.c.batch_id, arrival.c.asset_uuid == asset.c.uuid, batch.c.tenant_id == asset.c.tenant_id
    )
    .order_by(batch.c.id)
    .limit(1)
    .correlate(asset)
    .scalar_subquery()
    .label("batch_uuid"),
    select(func.max(run.c.error)).where(_MINE, run.c.state == "failed").scalar_subquery().label("run_error"),
)
_SENT_IN = select(batch.c.uuid).where(batch.c.id == arrival.c.batch_id).correlate(arrival).scalar_subquery()
_OUTCOMES = select(arrival, *_ABOUT_ASSETS, _SENT_IN.label("sent_in")).select_from(
    arrival.outerjoin(
        asset, and_(asset.c.uuid == arrival.c.asset_uuid, asset.c.tenant_id == arrival.c.tenant_id)
    ).outerjoin(blob, blob.c.id == asset.c.blob_id)
)
_OF_ASSETS = select(*_ABOUT_ASSETS).select_from(asset.outerjoin(blob, blob.c.id == asset.c.blob_id))

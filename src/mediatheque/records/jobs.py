"""A tenant's work as people look after it: what waits, what runs, and what has failed and was not tried again."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import asset, job, run


def depth(tx: Tx, tenant_id: int) -> tuple[int, int]:
    """(waiting, running) jobs of the tenant."""
    running = func.coalesce(func.sum(case((job.c.owner.is_not(None), 1), else_=0)), 0)
    row = tx.execute(select(func.count(), running).where(job.c.tenant_id == tenant_id)).one()
    return int(row[0]) - int(row[1]), int(row[1])


def unfinished(tx: Tx, tenant_id: int, limit: int) -> list[Row]:
    """What runs, then what waits, in about the order in which it will be done."""
    query = _LINES.where(job.c.tenant_id == tenant_id)
    order = case((job.c.owner.is_not(None), 0), else_=1), job.c.lane, job.c.backlog, job.c.id
    return list(tx.execute(query.order_by(*order).limit(limit)).mappings())


def failed(tx: Tx, tenant_id: int, *, skip: int, limit: int) -> list[Row]:
    """Runs after which nobody has tried again, newest first."""
    query = _failed(_LINES, tenant_id).order_by(run.c.id.desc()).offset(skip).limit(limit)
    return list(tx.execute(query).mappings())


def count_failed(tx: Tx, tenant_id: int) -> int:
    counted = select(func.count()).select_from(run.join(asset, asset.c.id == run.c.asset_id))
    return int(tx.execute(_failed(counted, tenant_id)).scalar_one())


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID) -> Row | None:
    """A run of the tenant's, on an asset that is there."""
    query = _LINES.where(run.c.tenant_id == tenant_id, run.c.uuid == uuid, asset.c.deleted_at.is_(None))
    return tx.execute(query).mappings().first()


def _failed(query: Select[Any], tenant_id: int) -> Select[Any]:
    later = run.alias()
    again = select(later.c.id).where(
        later.c.asset_id == run.c.asset_id, later.c.skill == run.c.skill, later.c.id > run.c.id
    )
    return query.where(
        run.c.tenant_id == tenant_id, run.c.state == "failed", asset.c.deleted_at.is_(None), ~again.exists()
    )


_LINES = select(
    run.c.id, run.c.uuid, run.c.skill, run.c.state, run.c.error, run.c.created_at, run.c.started_at,
    run.c.finished_at, func.coalesce(job.c.attempts, run.c.attempts).label("attempts"), job.c.owner,
    asset.c.uuid.label("asset_uuid"), asset.c.title, asset.c.original_filename, asset.c.state.label("asset_state"),
).select_from(
    run.join(asset, asset.c.id == run.c.asset_id).outerjoin(job, job.c.run_id == run.c.id)
)  # fmt: skip

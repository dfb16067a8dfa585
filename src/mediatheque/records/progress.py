"""How far one run has come, for those who wait for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from mediatheque.model import Run, RunState
from mediatheque.records.engine import Tx
from mediatheque.records.runs import now, run_of, steps_of
from mediatheque.records.tables import asset, job, run


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; `is_held`: somebody is at it now."""

    run: Run
    asset_uuid: UUID
    error: str | None
    result: dict[str, Any] | None
    created_at: datetime
    has_ended: bool
    is_held: bool


def of(tx: Tx, uuid: UUID, tenant_id: int) -> Progress | None:
    query = _PROGRESS.where(run.c.uuid == uuid, run.c.tenant_id == tenant_id)
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    return Progress(
        run=run_of(row, steps_of(tx, row["id"])),
        asset_uuid=row["asset_uuid"],
        error=row["error"],
        result=row["result"],
        created_at=row["created_at"],
        has_ended=row["finished_at"] is not None,
        is_held=row["owner"] is not None,
    )


def withdraw(tx: Tx, uuid: UUID, tenant_id: int, error: str, at: datetime) -> bool:
    """Take a run that nobody holds off the queue; False when somebody does, or it has ended."""
    mine = select(run.c.id).where(run.c.uuid == uuid, run.c.tenant_id == tenant_id)
    waiting = job.c.run_id.in_(mine.scalar_subquery()), job.c.lease_until <= now(tx)
    run_id = tx.execute(delete(job).where(*waiting).returning(job.c.run_id)).scalar()
    if run_id is None:
        return False
    values = {"state": RunState.CANCELLED, "error": error, "shown": False, "finished_at": at}
    tx.execute(update(run).where(run.c.id == run_id).values(values))
    return True


_PROGRESS = select(run, asset.c.uuid.label("asset_uuid"), job.c.owner).select_from(
    run.join(asset, asset.c.id == run.c.asset_id).outerjoin(job, job.c.run_id == run.c.id)
)

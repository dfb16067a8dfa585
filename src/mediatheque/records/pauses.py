"""Tenants whose work rests: their jobs lie in lanes that nobody serves.

The tenant's row is the truth, and jobs follow it: new ones are planned where it says, the others `straighten` moves.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from mediatheque.model import Queue
from mediatheque.records import crawls
from mediatheque.records.engine import Tx
from mediatheque.records.runs import FIRST, LANES, PAUSED_FROM
from mediatheque.records.tables import job, tenant

BATCH = 5000


def since(tx: Tx, tenant_id: int) -> datetime | None:
    """When the tenant's work was paused; None: it goes on."""
    found: datetime | None = tx.execute(select(tenant.c.work_paused_at).where(tenant.c.id == tenant_id)).scalar_one()
    return found


def mark(tx: Tx, tenant_id: int, moment: datetime | None) -> bool:
    """Pause the tenant's work from that moment on, or (None) resume it; False when that was so before."""
    is_other = tenant.c.work_paused_at.is_(None) if moment else tenant.c.work_paused_at.is_not(None)
    changed = update(tenant).where(tenant.c.id == tenant_id, is_other).values(work_paused_at=moment)
    return tx.execute(changed).rowcount == 1


def straighten(tx: Tx, tenant_id: int | None = None) -> bool:
    """Move a batch of jobs, of one tenant or (None) of all, to the lanes in which they belong; False: there is none.

    What somebody is at stays where it is; should it have to be tried again, it rests from the next time on.
    """
    mine = [] if tenant_id is None else [job.c.tenant_id == tenant_id]
    paused = job.c.tenant_id.in_(select(tenant.c.id).where(tenant.c.work_paused_at.is_not(None)))
    lanes = [number for lane, number in LANES.items() if lane != Queue.FAST]
    rests = _moved(tx, {"lane": job.c.lane + PAUSED_FROM, "site": None}, *mine, paused, job.c.lane.in_(lanes),
                   job.c.owner.is_(None), job.c.backlog != FIRST)  # fmt: skip
    woken = _moved(tx, {"lane": job.c.lane - PAUSED_FROM}, *mine, ~paused, job.c.lane >= PAUSED_FROM)
    if woken:
        crawls.seat(tx, woken)
    return bool(rests or woken)


def _moved(tx: Tx, values: dict[str, Any], *where: ColumnElement[bool]) -> list[int]:
    """The runs whose jobs were; those that somebody is writing wait for the next time."""
    some = select(job.c.id).where(*where).limit(BATCH).with_for_update(skip_locked=True).scalar_subquery()
    return list(tx.execute(update(job).where(job.c.id.in_(some)).values(values).returning(job.c.run_id)).scalars())

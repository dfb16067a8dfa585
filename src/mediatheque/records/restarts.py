"""Runs that nobody will end by itself: those that were lost, given up or cut off, and another try for them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, delete, insert, or_, select, update

from mediatheque.model import Queue
from mediatheque.records.engine import Row, Tx
from mediatheque.records.runs import lane_number, now
from mediatheque.records.tables import MICROSECOND, asset, job, run, tenant

_UNFINISHED = ("queued", "running")


def stuck(tx: Tx, *, grace_seconds: float) -> list[Row]:
    """Runs of assets that are there, and that nobody will end: without a job, or abandoned long ago."""
    long_ago = now(tx) - round(grace_seconds * MICROSECOND)
    abandoned = and_(job.c.lease_until > 0, job.c.lease_until <= long_ago)
    query = (
        select(run.c.id, run.c.uuid)
        .join(asset, and_(asset.c.id == run.c.asset_id, asset.c.deleted_at.is_(None)))
        .outerjoin(job, job.c.run_id == run.c.id)
        .where(run.c.state.in_(_UNFINISHED), or_(and_(job.c.id.is_(None), run.c.created_at <= long_ago), abandoned))
        .order_by(run.c.id)
    )
    return list(tx.execute(query).mappings())


def given_up(tx: Tx, skills: Sequence[str]) -> list[Row]:
    """Failed runs of these skills after which the asset is alive and nobody has tried again."""
    later = run.alias()
    again = select(later.c.id).where(
        later.c.asset_id == run.c.asset_id, later.c.blob_id == run.c.blob_id, later.c.skill == run.c.skill,
        later.c.id > run.c.id,
    )  # fmt: skip
    query = (
        select(run.c.id, run.c.uuid)
        .join(asset, and_(asset.c.id == run.c.asset_id, asset.c.blob_id == run.c.blob_id))
        .where(run.c.state == "failed", run.c.skill.in_(skills), asset.c.state != "failed", ~again.exists())
        .where(asset.c.deleted_at.is_(None))
        .order_by(run.c.id)
    )
    return list(tx.execute(query).mappings())


def restart(tx: Tx, run_ids: Sequence[int], lane_of: Mapping[str, Queue]) -> None:
    """Give these runs a job that can be claimed at once, with all its attempts."""
    tx.execute(delete(job).where(job.c.run_id.in_(run_ids)))
    mine = run.c.id.in_(run_ids), run.c.skill.in_(list(lane_of))
    tx.execute(update(run).where(*mine).values(state="queued", error=None, finished_at=None))
    query = select(run.c.id, run.c.tenant_id, run.c.skill, tenant.c.work_paused_at).join(tenant)
    rows = tx.execute(query.where(run.c.id.in_(run_ids))).all()
    jobs = [
        {"run_id": row.id, "tenant_id": row.tenant_id, "backlog": 0, "available_at": 0,
         "lane": lane_number(lane_of[row.skill], is_paused=row.work_paused_at is not None)}
        for row in rows if row.skill in lane_of
    ]  # fmt: skip
    if jobs:
        tx.execute(insert(job), jobs)


def unfinished(tx: Tx, run_ids: Sequence[int]) -> list[int]:
    """Those of the runs that have not ended."""
    query = select(run.c.id).where(run.c.state.in_(_UNFINISHED)).order_by(run.c.id)
    known = set(run_ids)
    return [found for found in tx.execute(query).scalars() if found in known]

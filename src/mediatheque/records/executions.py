"""Runs as the histories of their assets show them, and the pause that the trash makes in them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select

from mediatheque.model import Execution, RunState
from mediatheque.records.engine import Row, Tx
from mediatheque.records.runs import REST
from mediatheque.records.tables import asset, job, run

UNFINISHED = (RunState.QUEUED, RunState.RUNNING)
HISTORY_LIMIT = 100


def latest_of(tx: Tx, asset_ids: Sequence[int], skills: Collection[str]) -> dict[int, list[Execution]]:
    """The newest execution of each of these skills, oldest first, by asset; none that goes on with an earlier one."""
    found: dict[int, list[Execution]] = defaultdict(list)
    for row in tx.execute(_LATEST, {"assets": asset_ids, "skills": list(skills)}).mappings():
        found[row["asset_id"]].append(_execution(row))
    return found


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID, skills: Collection[str]) -> tuple[UUID, Execution] | None:
    """(asset, execution): a tenant's run of one of these skills, on an asset that is there."""
    query = _WITH_OWNER.add_columns(asset.c.uuid.label("asset_uuid")).join(asset, asset.c.id == run.c.asset_id)
    mine = run.c.tenant_id == tenant_id, run.c.uuid == uuid, run.c.skill.in_(skills), asset.c.deleted_at.is_(None)
    row = tx.execute(query.where(*mine)).mappings().first()
    return None if row is None else (row["asset_uuid"], _execution(row))


def history(tx: Tx, asset_id: int, skills: Collection[str]) -> list[Execution]:
    """What clients see of an asset's last runs, and all of these skills, oldest first."""
    seen = run.c.asset_id == asset_id, run.c.shown | run.c.skill.in_(skills)
    newest = _WITH_OWNER.where(*seen).order_by(run.c.id.desc()).limit(HISTORY_LIMIT)
    return [_execution(row) for row in tx.execute(newest).mappings()][::-1]


def failed(tx: Tx, asset_id: int, uuid: UUID) -> tuple[str, dict[str, Any]] | None:
    """(skill, parameters) of that run of the asset, if clients see it and it failed."""
    query = select(run.c.skill, run.c.parameters).where(run.c.asset_id == asset_id, run.c.uuid == uuid, run.c.shown)
    row = tx.execute(query.where(run.c.state == RunState.FAILED)).first()
    return None if row is None else (row.skill, row.parameters or {})


def skills_run(tx: Tx, asset_id: int) -> dict[str, int]:
    """How often each skill that clients see has run on the asset."""
    ended = run.c.asset_id == asset_id, run.c.shown, run.c.finished_at.is_not(None)
    query = select(run.c.skill, func.count().label("times")).where(*ended).group_by(run.c.skill)
    return {row.skill: row.times for row in tx.execute(query)}


def pause(tx: Tx, asset_id: int) -> None:
    """Take the asset's jobs off the queue; who is at one of them now finds that it is no longer theirs."""
    tx.execute(delete(job).where(job.c.run_id.in_(select(run.c.id).where(run.c.asset_id == asset_id))))


def unfinished(tx: Tx, asset_id: int) -> list[Row]:
    """(id, skill) of the asset's runs that have not come to an end."""
    query = select(run.c.id, run.c.skill).where(run.c.asset_id == asset_id, run.c.state.in_(UNFINISHED))
    return list(tx.execute(query.order_by(run.c.id)).mappings())


def waiting(tx: Tx, asset_id: int) -> set[str]:
    """The skills whose runs on the asset nobody has begun."""
    query = select(run.c.skill).join(job, job.c.run_id == run.c.id)
    return set(tx.execute(query.where(run.c.asset_id == asset_id, job.c.owner.is_(None))).scalars())


def _execution(row: Row) -> Execution:
    return Execution(
        uuid=row["uuid"],
        skill=row["skill"],
        state=RunState(row["state"]),
        is_held=row["owner"] is not None,
        error=row["error"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        attempts=row["attempts"] if row["tries"] is None else row["tries"],
    )


_WITH_OWNER = select(run, job.c.owner, job.c.attempts.label("tries")).select_from(
    run.outerjoin(job, job.c.run_id == run.c.id)
)
_NEWEST = (
    select(func.max(run.c.id))
    .where(
        run.c.asset_id.in_(bindparam("assets", expanding=True)),
        run.c.skill.in_(bindparam("skills", expanding=True)),
        run.c.trigger != REST,
    )
    .group_by(run.c.asset_id, run.c.skill)
)
_LATEST = _WITH_OWNER.where(run.c.id.in_(_NEWEST)).order_by(run.c.id)

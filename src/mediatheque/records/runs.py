"""Runs and their steps, and the small hot table of jobs that workers claim from.

A job is leased: whoever holds it renews the lease, and every write that ends it names the fence it was claimed
with, so that a worker that was thought dead cannot undo what its successor did.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    RowMapping,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from mediatheque.model import Queue, Run, RunState, StepResult
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import MICROSECOND, asset, blob, job, run, step, tenant

LATER = "later"
"""The lane of what nobody waits for: who serves `enrich` takes from it while the library is quiet (decision 0032)."""
LANES: dict[str, int] = {Queue.FAST: 0, Queue.ENRICH: 1, Queue.CRAWL: 2, LATER: 3}
PAUSED = "paused"
"""The lanes, told as one, of tenants whose work rests: nobody serves them (`records.pauses`)."""
PAUSED_FROM = 10
"""The number of a lane that rests is this much higher."""
REST = "rest"
"""Trigger of runs that go on where an earlier one stopped: they count in no status of a file."""
BACKLOG_LIMIT = 1000
HORIZON_MICROS = 3600 * MICROSECOND
"""No delay and no lease is this long: one that ends later was written before the clock was put back."""
FIRST = -1
"""Backlog of a job that goes before all others of its lane."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in somebody's hands, with what it takes to do it."""

    job_id: int
    fence: int
    attempts: int
    run_id: int
    run_uuid: UUID
    tenant_id: int
    asset_id: int
    asset_uuid: UUID
    blob_id: int
    skill: str
    trigger: str
    shown: bool
    parameters: dict[str, Any]
    trace: str | None
    """The `traceparent` of what planned the run."""
    blob: RowMapping


def enqueue(
    tx: Tx,
    rows: list[dict[str, Any]],
    lanes: Sequence[str],
    now_micros: int,
    *,
    first: bool = False,
    chained: bool = False,
) -> list[int]:
    """Add runs and their jobs; a tenant with many jobs waiting goes behind those with few.

    `first`: before all others of their lane, and even while the tenant's work is paused. `chained`: one after another,
    each when the one before it has ended.
    """
    run_ids = [int(tx.execute(_ADD_RUN, row).scalar_one()) for row in rows]
    tenant_id = rows[0]["tenant_id"]
    backlog, is_paused = (FIRST, False) if first else _turn(tx, tenant_id)
    common = {"tenant_id": tenant_id, "backlog": backlog, "available_at": now_micros}
    jobs = [
        {"run_id": run_id, "lane": lane_number(lane, is_paused=is_paused)}
        for run_id, lane in zip(run_ids, lanes, strict=True)
    ]
    if not chained:
        tx.execute(_ADD_JOBS, [common | row for row in jobs])
        return run_ids
    before = None
    for row in jobs:
        before = tx.execute(insert(job).returning(job.c.id), common | row | {"after_id": before}).scalar_one()
    return run_ids


def lane_number(lane: str, *, is_paused: bool) -> int:
    """What makes a file usable rests never."""
    return LANES[lane] + (PAUSED_FROM if is_paused and lane != Queue.FAST else 0)


def claim(tx: Tx, owner: str, lanes: Iterable[str], *, limit: int, lease_seconds: float) -> list[Claim]:
    """Lease up to `limit` jobs that nobody holds, in the order of their lane and turn."""
    wanted = {"lanes": [LANES[lane] for lane in lanes], "most": limit, "holder": owner,
              "lease": round(lease_seconds * MICROSECOND)}  # fmt: skip
    return taken(tx, _TAKE, wanted)


def taken(tx: Tx, take: Mapping[bool, Executable], wanted: Mapping[str, Any]) -> list[Claim]:
    """Jobs that are leased by a statement of `taking`, with what it takes to do them."""
    is_sqlite = tx.dialect.name == "sqlite"
    rows = tx.execute(take[is_sqlite], wanted).mappings()
    if not is_sqlite:
        return [_claim(row, row) for row in rows]
    jobs = {row["run_id"]: row for row in rows}
    details = tx.execute(_DETAILS_OF, {"runs": list(jobs)}).mappings() if jobs else ()
    return [_claim(jobs[row["run_id"]], row) for row in details]


def renew(tx: Tx, owner: str, job_ids: Sequence[int], lease_seconds: float) -> None:
    mine = job.c.owner == owner, job.c.id.in_(job_ids)
    tx.execute(update(job).where(*mine).values(lease_until=now(tx) + round(lease_seconds * MICROSECOND)))


def end(tx: Tx, job_id: int, owner: str, fence: int) -> bool:
    """Take the job off the queue; False when it is no longer ours."""
    return tx.execute(_END, {"job": job_id, "holder": owner, "fenced": fence}).rowcount == 1


def put_back(tx: Tx, job_id: int, owner: str, fence: int, *, delay_seconds: float, counts: bool) -> bool:
    """Let somebody try again after the delay; `counts` False gives the attempt back."""
    values = {
        "owner": None,
        "lease_until": 0,
        "available_at": now(tx) + round(delay_seconds * MICROSECOND),
        "attempts": job.c.attempts if counts else job.c.attempts - 1,
    }
    return tx.execute(update(job).where(*_held(job_id, owner, fence)).values(values)).rowcount == 1


def finish_run(tx: Tx, run_id: int, values: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    tx.execute(_FINISH, {"row": run_id, **values})
    if steps:
        tx.execute(_FORGET_STEPS, {"run": run_id})
        tx.execute(_ADD_STEPS, steps)


def drop_runs(tx: Tx, asset_id: int) -> None:
    """Forget the asset's runs and take its jobs off the queue."""
    runs = select(run.c.id).where(run.c.asset_id == asset_id)
    tx.execute(delete(job).where(job.c.run_id.in_(runs)))
    tx.execute(delete(run).where(run.c.asset_id == asset_id))


def latest(tx: Tx, asset_id: int) -> Run | None:
    """The asset's run that ended last, with its steps; only of those that clients see."""
    query = select(run).where(run.c.asset_id == asset_id, run.c.finished_at.is_not(None), run.c.shown)
    row = tx.execute(query.order_by(run.c.finished_at.desc(), run.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else run_of(row, steps_of(tx, row["id"]))


def depth(tx: Tx) -> dict[str, int]:
    """Jobs waiting or running, by lane."""
    counts = {row.lane: row.jobs for row in tx.execute(_DEPTH)}
    found = {str(lane): counts.get(number, 0) for lane, number in LANES.items()}
    return found | {PAUSED: sum(jobs for number, jobs in counts.items() if number >= PAUSED_FROM)}


def oldest_seconds(tx: Tx) -> dict[str, float]:
    """How long the oldest job of each lane has been there, by lane; 0 where there is none."""
    made = func.min(run.c.created_at, type_=BigInteger)
    query = select(job.c.lane, made.label("made")).join(run, run.c.id == job.c.run_id).group_by(job.c.lane)
    micros = tx.execute(select(now(tx))).scalar_one()
    ages = {row.lane: max(0.0, (micros - row.made) / MICROSECOND) for row in tx.execute(query)}
    return {str(lane): ages.get(number, 0.0) for lane, number in LANES.items()}


def next_due_seconds(tx: Tx) -> float | None:
    """Until the next job that needs no turn can be claimed, its lease or its delay having ended; None: there is none.

    Of the lane `later` nothing is told: whether it is its turn depends on all others (`records.lulls`).
    """
    micros = tx.execute(_NEXT_DUE[tx.dialect.name == "sqlite"]).scalar()
    return None if micros is None else max(0.0, micros / MICROSECOND)


def steps_of(tx: Tx, run_id: int) -> list[StepResult]:
    query = select(step).where(step.c.run_id == run_id).order_by(step.c.position)
    return [
        StepResult(row["name"], row["error"], row["started_at"], row["finished_at"])
        for row in tx.execute(query).mappings()
    ]


def run_of(row: Row, steps: list[StepResult]) -> Run:
    return Run(
        uuid=row["uuid"],
        skill=row["skill"],
        trigger=row["trigger"],
        state=RunState(row["state"]),
        started_at=row["started_at"] or row["created_at"],
        finished_at=row["finished_at"] or row["created_at"],
        steps=steps,
    )


def _turn(tx: Tx, tenant_id: int) -> tuple[int, bool]:
    """(how many jobs the tenant has waiting, whether its work is paused)."""
    row = tx.execute(_TURN, {"tenant": tenant_id}).one()
    return int(row.backlog), row.paused_at is not None


def _held(job_id: Any, owner: Any, fence: Any) -> tuple[ColumnElement[bool], ...]:
    return job.c.id == job_id, job.c.owner == owner, job.c.fence == fence


def now(tx: Tx) -> ColumnElement[int]:
    return SQLITE_NOW if tx.dialect.name == "sqlite" else POSTGRESQL_NOW


def _claim(leased: RowMapping, row: RowMapping) -> Claim:
    same = ("run_id", "run_uuid", "tenant_id", "asset_id", "asset_uuid", "skill", "trigger", "shown", "trace")
    own = {name: row[name] for name in same}
    job_row = {name: leased[name] for name in ("job_id", "fence", "attempts")}
    return Claim(**job_row, **own, blob_id=row["id"], parameters=row["parameters"] or {}, blob=row)


SQLITE_NOW: ColumnElement[int] = literal_column(
    "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)", BigInteger
)
POSTGRESQL_NOW: ColumnElement[int] = literal_column(
    "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)", BigInteger
)
_DEPTH = select(job.c.lane, func.count().label("jobs")).group_by(job.c.lane)
_DETAILS = select(
    run.c.id.label("run_id"),
    run.c.uuid.label("run_uuid"),
    run.c.tenant_id.label("tenant_id"),
    run.c.asset_id,
    run.c.skill,
    run.c.trigger,
    run.c.shown,
    run.c.parameters,
    run.c.trace,
    asset.c.uuid.label("asset_uuid"),
    asset.c.kind,
    asset.c.captured_at,
    *(column for column in blob.c if column.name != "tenant_id"),
).select_from(run.join(asset, asset.c.id == run.c.asset_id).join(blob, blob.c.id == asset.c.blob_id))
_DETAILS_OF = _DETAILS.where(run.c.id.in_(bindparam("runs", expanding=True)))


_BEFORE = job.alias("before")
_UNCHAINED = or_(job.c.after_id.is_(None), ~exists().where(_BEFORE.c.id == job.c.after_id))
"""Nothing has to end before this job. Ids of ended jobs are not given out again while a later one waits for them."""


def come(now: ColumnElement[int], *moments: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """That none of the moments is still to be waited for."""
    return [or_(moment <= now, moment > now + HORIZON_MICROS) for moment in moments]


def taking(*more: ColumnElement[bool]) -> dict[bool, Executable]:
    """Statements that lease what is free, for SQLite (True) and for PostgreSQL, which tells the details along.

    Parameters `lanes`, `most`, `holder`, `lease` in microseconds, and those of `more`.
    """
    leased = _take(POSTGRESQL_NOW, *more).cte("leased")
    details = _DETAILS.add_columns(leased.c.job_id, leased.c.fence, leased.c.attempts)
    return {True: _take(SQLITE_NOW, *more), False: details.join(leased, leased.c.run_id == run.c.id)}


def _take(now: ColumnElement[int], *more: ColumnElement[bool]) -> ReturningUpdate[Any]:
    free = (
        select(job.c.id)
        .where(
            job.c.lane.in_(bindparam("lanes", expanding=True)),
            *come(now, job.c.available_at, job.c.lease_until),
            _UNCHAINED,
            *more,
        )
        .order_by(job.c.lane, job.c.backlog, job.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(job)
        .where(job.c.id.in_(free.scalar_subquery()))
        .values(owner=bindparam("holder"), fence=job.c.fence + 1, attempts=job.c.attempts + 1,
                lease_until=now + bindparam("lease", type_=BigInteger))
        .returning(job.c.id.label("job_id"), job.c.fence, job.c.attempts, job.c.run_id)
    )  # fmt: skip


def _next_due(now: ColumnElement[int]) -> Select[Any]:
    held_until = case((job.c.lease_until > job.c.available_at, job.c.lease_until), else_=job.c.available_at)
    lanes = job.c.lane.in_([LANES[Queue.FAST], LANES[Queue.ENRICH]])
    return select(func.min(held_until) - now).where(_UNCHAINED, lanes)


# Built once: to build a statement takes longer than to run it, and SQLite's writers wait for each other.
_TAKE = taking()
_NEXT_DUE = {True: _next_due(SQLITE_NOW), False: _next_due(POSTGRESQL_NOW)}
_END = delete(job).where(*_held(bindparam("job"), bindparam("holder"), bindparam("fenced")))
_ADD_RUN = insert(run).returning(run.c.id)
_ADD_JOBS = insert(job)
_MINE = select(job.c.id).where(job.c.tenant_id == bindparam("tenant")).limit(BACKLOG_LIMIT).subquery()
_TURN = select(
    select(func.count()).select_from(_MINE).scalar_subquery().label("backlog"),
    select(tenant.c.work_paused_at).where(tenant.c.id == bindparam("tenant")).scalar_subquery().label("paused_at"),
)
_FINISH = update(run).where(run.c.id == bindparam("row"))
_FORGET_STEPS = delete(step).where(step.c.run_id == bindparam("run"))
_ADD_STEPS = insert(step)

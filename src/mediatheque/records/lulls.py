"""When there is time for what nobody waits for: the lane `later` (decision 0032)."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, exists, or_, select, type_coerce

from mediatheque.model import Queue
from mediatheque.records.engine import Tx
from mediatheque.records.runs import LANES, LATER, POSTGRESQL_NOW, SQLITE_NOW, come
from mediatheque.records.tables import MICROSECOND, asset, job

GO_FIRST = (Queue.FAST, Queue.ENRICH)
QUIET_MICROS = 2 * MICROSECOND
"""Since the last upload, before anything in that lane is begun."""
PATIENCE_MICROS = 120 * MICROSECOND
"""Who has waited so long goes on as soon as nothing else is to be done, however much comes in."""


def is_now(tx: Tx) -> bool:
    """Whether something waits in that lane, nothing is to be done in those that go first, and nothing has come in for a
    while, unless the next has waited for long."""
    return bool(tx.execute(_IS_NOW[tx.dialect.name == "sqlite"]).scalar())


def is_awaited(tx: Tx) -> bool:
    """Whether something waits in that lane."""
    return bool(tx.execute(_IS_AWAITED).scalar())


_LATER = job.c.lane == LANES[LATER]
_NEXT = select(job.c.available_at).where(_LATER).order_by(job.c.backlog, job.c.id).limit(1).scalar_subquery()
_NEWEST = select(type_coerce(asset.c.created_at, BigInteger)).order_by(asset.c.id.desc()).limit(1).scalar_subquery()


def _is_now(now: ColumnElement[int]) -> Select[Any]:
    is_quiet = or_(*(and_(*come(now, moment)) for moment in (_NEWEST + QUIET_MICROS, _NEXT + PATIENCE_MICROS)))
    is_busy = exists().where(job.c.lane.in_([LANES[lane] for lane in GO_FIRST]), *come(now, job.c.available_at))
    return select(and_(_NEXT.is_not(None), ~is_busy, is_quiet))


# Built once: to build a statement takes longer than to run it.
_IS_NOW = {True: _is_now(SQLITE_NOW), False: _is_now(POSTGRESQL_NOW)}
_IS_AWAITED = select(exists().where(_LATER))

"""Whose turn it is at which site: crawls wait in one row for each, and one request is under way at a time.

`free_at` of a site lies in the future while somebody is there, and for the pause that the site is then left alone.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate

from mediatheque.model import Queue
from mediatheque.records import runs
from mediatheque.records.engine import Tx
from mediatheque.records.runs import LANES, POSTGRESQL_NOW, SQLITE_NOW, Claim, come, now
from mediatheque.records.tables import MICROSECOND, job, link, run, site

FORGOTTEN_SECONDS = 60.0
"""A site that nobody has asked for so long is no longer remembered; no pause is longer."""


def seat(tx: Tx, run_ids: Sequence[int]) -> None:
    """Let the jobs of these runs that crawl wait at the sites of their links."""
    mine = job.c.run_id.in_(run_ids), job.c.lane == LANES[Queue.CRAWL]
    place = select(link.c.site).join(run, run.c.asset_id == link.c.asset_id).where(run.c.id == job.c.run_id)
    for name in sorted(set(tx.execute(update(job).where(*mine).values(site=place.scalar_subquery()).returning(
            job.c.site)).scalars())):  # fmt: skip
        _know(tx, name)


def claim(tx: Tx, owner: str, holder: str, *, lease_seconds: float, hold_seconds: float) -> tuple[Claim, str] | None:
    """Lease a crawl of the site that has waited longest and is free, and hold the site; None when there is none."""
    is_sqlite = tx.dialect.name == "sqlite"
    name = tx.execute(_TAKE_SITE[is_sqlite], {"turn": holder, "hold": round(hold_seconds * MICROSECOND)}).scalar()
    if name is None:
        return None
    wanted = {"lanes": [LANES[Queue.CRAWL]], "most": 1, "holder": owner, "lease": round(lease_seconds * MICROSECOND)}
    taken = runs.taken(tx, _TAKE, wanted | {"place": name})
    if not taken:
        free(tx, name, holder, pause_seconds=0)
        return None
    return taken[0], str(name)


def hold(tx: Tx, name: str, holder: str, *, hold_seconds: float) -> bool:
    """Have the turn at a site, for so long at most; False when somebody else has it."""
    _know(tx, name)
    free_now = come(now(tx), site.c.free_at)
    mine = update(site).where(site.c.name == name, (site.c.holder == holder) | free_now[0])
    until = now(tx) + round(hold_seconds * MICROSECOND)
    return tx.execute(mine.values(holder=holder, free_at=until)).rowcount == 1


def free(tx: Tx, name: str, holder: str, *, pause_seconds: float) -> None:
    """Give the turn back; nobody has the next one before the pause is over."""
    mine = site.c.name == name, site.c.holder == holder
    tx.execute(update(site).where(*mine).values(holder="", free_at=now(tx) + round(pause_seconds * MICROSECOND)))


def next_due_seconds(tx: Tx) -> float | None:
    """Until a site at which crawls wait is free; None when none wait."""
    micros = tx.execute(_NEXT_DUE[tx.dialect.name == "sqlite"]).scalar()
    return None if micros is None else max(0.0, micros / MICROSECOND)


def tidy(tx: Tx) -> None:
    """Forget sites that nobody waits for, and know all that somebody waits for."""
    quiet = site.c.free_at <= now(tx) - round(FORGOTTEN_SECONDS * MICROSECOND)
    tx.execute(delete(site).where(quiet, ~exists().where(job.c.site == site.c.name)))
    unknown = select(job.c.site).where(job.c.site.is_not(None), ~exists().where(site.c.name == job.c.site)).distinct()
    for name in tx.execute(unknown).scalars().all():
        _know(tx, str(name))


def _know(tx: Tx, name: str) -> None:
    insert_here = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(insert_here(site).values(name=name, holder="", free_at=0).on_conflict_do_nothing())


def _waiting(moment: ColumnElement[int]) -> ColumnElement[bool]:
    """That a crawl of the site can be claimed."""
    free_jobs = come(moment, job.c.available_at, job.c.lease_until)
    return exists().where(job.c.site == site.c.name, *free_jobs).correlate(site)


def _take_site(moment: ColumnElement[int]) -> ReturningUpdate[Any]:
    first = (
        select(site.c.name)
        .where(*come(moment, site.c.free_at), _waiting(moment))
        .order_by(site.c.free_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    until = moment + bindparam("hold", type_=site.c.free_at.type)
    taken = update(site).where(site.c.name == first.scalar_subquery())
    return taken.values(holder=bindparam("turn"), free_at=until).returning(site.c.name)


def _next_due(moment: ColumnElement[int]) -> Select[Any]:
    return select(site.c.free_at - moment).where(_waiting(moment)).order_by(site.c.free_at).limit(1)


_NEXT_DUE = {True: _next_due(SQLITE_NOW), False: _next_due(POSTGRESQL_NOW)}
_TAKE_SITE = {True: _take_site(SQLITE_NOW), False: _take_site(POSTGRESQL_NOW)}
_TAKE = runs.taking(job.c.site == bindparam("place"))

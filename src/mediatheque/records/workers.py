"""Which workers are alive: each writes a row now and then, by the database's clock."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select, update

from mediatheque.model import Queue
from mediatheque.records.engine import Tx
from mediatheque.records.runs import now
from mediatheque.records.tables import MICROSECOND, worker


def report(tx: Tx, owner: str, lanes: Iterable[Queue]) -> None:
    """A worker says that it is alive and which lanes it serves."""
    values = {"lanes": ",".join(sorted(lanes)), "seen_at": now(tx)}
    if not tx.execute(update(worker).where(worker.c.owner == owner).values(values)).rowcount:
        tx.execute(insert(worker).values(owner=owner, **values))


def leave(tx: Tx, owner: str) -> None:
    """A worker has ended in order."""
    tx.execute(delete(worker).where(worker.c.owner == owner))


def forget(tx: Tx, *, silent_seconds: float) -> None:
    tx.execute(delete(worker).where(worker.c.seen_at <= now(tx) - round(silent_seconds * MICROSECOND)))


def is_served(tx: Tx, lane: Queue, *, within_seconds: float) -> bool:
    """Whether a worker for this lane was heard of within that time."""
    heard = worker.c.seen_at > now(tx) - round(within_seconds * MICROSECOND)
    return any(lane in lanes.split(",") for lanes in tx.execute(select(worker.c.lanes).where(heard)).scalars())

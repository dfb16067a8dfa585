"""Rows of the chunks in which an arrival comes: where each lies, and whether its sender has confirmed it."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import part


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk that has come; `number` counts from 1."""

    arrival_id: int
    number: int
    size_bytes: int
    sha256: str
    staged_key: str
    is_confirmed: bool


def of_arrival(tx: Tx, arrival_id: int) -> list[Part]:
    """In their order in the file."""
    query = select(part).where(part.c.arrival_id == arrival_id).order_by(part.c.number)
    return [_part(row) for row in tx.execute(query).mappings()]


def numbered(tx: Tx, arrival_id: int, number: int) -> Part | None:
    query = select(part).where(part.c.arrival_id == arrival_id, part.c.number == number)
    row = tx.execute(query).mappings().first()
    return None if row is None else _part(row)


def put(tx: Tx, it: Part) -> None:
    """In place of the one with this number; whoever calls holds the arrival."""
    tx.execute(delete(part).where(part.c.arrival_id == it.arrival_id, part.c.number == it.number))
    tx.execute(insert(part).values({name: getattr(it, name) for name in it.__slots__}))


def confirm(tx: Tx, it: Part) -> None:
    """Whoever calls holds the arrival."""
    this = part.c.arrival_id == it.arrival_id, part.c.number == it.number
    tx.execute(update(part).where(*this).values(is_confirmed=True))


def remove(tx: Tx, arrival_id: int) -> list[str]:
    """Forget an arrival's chunks; the keys of their bytes."""
    query = delete(part).where(part.c.arrival_id == arrival_id).returning(part.c.staged_key)
    return list(tx.execute(query).scalars())


def _part(row: Row) -> Part:
    return Part(**{name: row[name] for name in Part.__slots__})

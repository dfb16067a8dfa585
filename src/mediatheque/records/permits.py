"""Turns to talk to somebody outside: a tenant has few at a time, on however many machines it is worked for."""

from sqlalchemy import delete, insert, select

from mediatheque.records.engine import Tx
from mediatheque.records.tables import permit


def take(tx: Tx, tenant_id: int, purpose: str, holder: str, now_micros: int, *, until: int, limit: int) -> bool:
    """Take a turn until then; False when all are taken. The caller holds the tenant's row."""
    mine = permit.c.tenant_id == tenant_id, permit.c.purpose == purpose
    tx.execute(delete(permit).where(*mine, permit.c.until <= now_micros))
    taken = set(tx.execute(select(permit.c.slot).where(*mine)).scalars())
    slot = next((number for number in range(limit) if number not in taken), None)
    if slot is None:
        return False
    row = {"tenant_id": tenant_id, "purpose": purpose, "slot": slot, "holder": holder, "until": until}
    tx.execute(insert(permit), row)
    return True


def give_back(tx: Tx, tenant_id: int, purpose: str, holder: str) -> None:
    mine = permit.c.tenant_id == tenant_id, permit.c.purpose == purpose, permit.c.holder == holder
    tx.execute(delete(permit).where(*mine))

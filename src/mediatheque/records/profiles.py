"""Rows of storage profiles."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mediatheque.model import Profile
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import PROFILED, blob, garbage, storage_profile, tenant


def of_tenant(tx: Tx, tenant_id: int) -> list[Profile]:
    """A tenant's profiles, oldest first."""
    query = select(storage_profile).where(storage_profile.c.tenant_id == tenant_id).order_by(storage_profile.c.id)
    return [_profile(row) for row in tx.execute(query).mappings()]


def profile_with(tx: Tx, uuid: UUID, tenant_id: int, *, for_update: bool = False) -> Profile | None:
    """With `for_update` it is held until the transaction ends."""
    query = select(storage_profile).where(storage_profile.c.uuid == uuid, storage_profile.c.tenant_id == tenant_id)
    row = tx.execute(query.with_for_update() if for_update else query).mappings().first()
    return None if row is None else _profile(row)


def default_of(tx: Tx, tenant_id: int) -> Profile | None:
    row = tx.execute(_DEFAULT, {"tenant": tenant_id}).mappings().first()
    return None if row is None else _profile(row)


def any_with(tx: Tx, uuid: UUID) -> tuple[Profile, UUID] | None:
    """A profile whatever its tenant, and the tenant's UUID: to open the store that a row names."""
    query = (
        select(storage_profile, tenant.c.uuid.label("tenant_uuid")).join(tenant).where(storage_profile.c.uuid == uuid)
    )
    row = tx.execute(query).mappings().first()
    return None if row is None else (_profile(row), row["tenant_uuid"])


def everybodys(tx: Tx) -> list[UUID]:
    """Every profile's UUID, oldest first."""
    return list(tx.execute(select(storage_profile.c.uuid).order_by(storage_profile.c.id)).scalars())


def add(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(storage_profile).values(values))


def change(tx: Tx, profile_id: int, values: dict[str, Any]) -> None:
    tx.execute(update(storage_profile).where(storage_profile.c.id == profile_id).values(values))


def unset_default(tx: Tx, tenant_id: int) -> None:
    mine = storage_profile.c.tenant_id == tenant_id, storage_profile.c.is_default
    tx.execute(update(storage_profile).where(*mine).values(is_default=False))


def is_used(tx: Tx, store: str) -> bool:
    """Whether bytes lie there: those of an asset, or deleted ones that are still to be removed."""
    kept = select(blob.c.id).where(blob.c.store == store, PROFILED).limit(1)
    leaving = select(garbage.c.id).where(garbage.c.store == store).limit(1)
    return any(tx.execute(query).first() is not None for query in (kept, leaving))


def remove(tx: Tx, profile_id: int) -> None:
    tx.execute(delete(storage_profile).where(storage_profile.c.id == profile_id))


def hold(tx: Tx, uuid: UUID, tenant_id: int) -> bool:
    """Keep the profile from being removed until the transaction ends; False when it is gone."""
    query = select(storage_profile.c.id).where(storage_profile.c.uuid == uuid, storage_profile.c.tenant_id == tenant_id)
    return tx.execute(query.with_for_update(read=True)).first() is not None


def _profile(row: Row) -> Profile:
    return Profile(**{column.name: row[column.name] for column in storage_profile.c})


_DEFAULT = select(storage_profile).where(
    storage_profile.c.tenant_id == bindparam("tenant"), storage_profile.c.is_default
)

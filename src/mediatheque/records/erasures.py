"""Rows about files that were erased, and the rows about them that nothing else removes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update

from mediatheque.privacy import Erasure
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import (
    arrival,
    asset,
    erasure,
    event,
    garbage,
    idempotency,
    run,
    tenant,
    webhook_delivery,
)

_WORDS: dict[str, Any] = {"title": None, "tags": [], "folder_id": None}
"""What a sender wished that could tell of the file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it is kept."""

    erasure: Erasure
    key_id: str
    signature: str
    blobs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Doomed:
    """A file that is to go; `origin`: the one that it was made of, unless it is the one that was named."""

    asset_id: int
    uuid: UUID
    kind: str
    origin: UUID | None = None


def tenant_of(tx: Tx, uuid: UUID) -> tuple[int, UUID] | None:
    """(id, public id) of the tenant that has, or had, this file."""
    query = select(tenant.c.id, tenant.c.uuid).join(asset, asset.c.tenant_id == tenant.c.id)
    row = tx.execute(query.where(asset.c.uuid == uuid)).first()
    return None if row is None else (row.id, row.uuid)


def hold(tx: Tx, tenant_id: int, uuid: UUID) -> Doomed | None:
    """The file, there or deleted, held until the transaction ends."""
    query = select(asset.c.id, asset.c.kind).where(asset.c.uuid == uuid, asset.c.tenant_id == tenant_id)
    row = tx.execute(query.with_for_update()).first()
    return None if row is None else Doomed(row.id, uuid, row.kind)


def made_of(tx: Tx, tenant_id: int, it: Doomed) -> list[Doomed]:
    """Files that runs on this one have made and that are not erased, each held."""
    results = tx.execute(select(run.c.result).where(run.c.asset_id == it.asset_id, run.c.result.is_not(None))).scalars()
    named = [UUID(result["asset"]) for result in results if result and "asset" in result]
    held = [found for uuid in named if (found := hold(tx, tenant_id, uuid)) and not of_asset(tx, tenant_id, uuid)]
    return [Doomed(found.asset_id, found.uuid, found.kind, it.uuid) for found in held]


def scrub(tx: Tx, tenant_id: int, uuid: UUID, spellings: Sequence[str]) -> None:
    """Take the file's name and what was said about it out of what outlives it.

    That is events, deliveries to webhooks, answers kept for idempotency keys, and how the bytes came in.
    """
    mine = event.c.tenant_id == tenant_id, event.c.subject == uuid
    tx.execute(update(event).where(*mine).values(content=json.dumps({"asset_id": str(uuid), "is_erased": True})))
    told = webhook_delivery.c.tenant_id == tenant_id, webhook_delivery.c.subject == uuid
    tx.execute(delete(webhook_delivery).where(*told))
    answers = or_(*(idempotency.c.body.contains(spelling, autoescape=True) for spelling in spellings))
    tx.execute(delete(idempotency).where(idempotency.c.tenant_id == tenant_id, answers))
    came = arrival.c.tenant_id == tenant_id, or_(arrival.c.asset_uuid == uuid, arrival.c.uuid == uuid)
    for row in tx.execute(select(arrival.c.id, arrival.c.options).where(*came)).all():
        nameless = {"filename": "", "object_key": None, "options": _without_words(row.options)}
        tx.execute(update(arrival).where(arrival.c.id == row.id).values(nameless))


def add(tx: Tx, tenant_id: int, root: UUID, made: Erasure, **kept: Any) -> None:
    """`root`: the file that was named; `kept`: `key_id`, `signature`, `blobs`."""
    values = {
        "uuid": made.id,
        "tenant_id": tenant_id,
        "asset_uuid": made.asset_id,
        "kind": made.kind,
        "sha256": made.sha256,
        "size_bytes": made.size_bytes,
        "origin_uuid": made.derived_from,
        "root_uuid": root,
        "erased_at": made.erased_at,
        "user_uuid": made.erased_by,
        "reason": made.reason,
    }
    tx.execute(insert(erasure), values | kept)


def of_asset(tx: Tx, tenant_id: int, uuid: UUID) -> list[Kept]:
    """The record of a file, and those of files that went with it."""
    mine = erasure.c.tenant_id == tenant_id, or_(erasure.c.asset_uuid == uuid, erasure.c.root_uuid == uuid)
    return [_kept(row) for row in tx.execute(_RECORDS.where(*mine).order_by(erasure.c.id)).mappings()]


def page(tx: Tx, tenant_id: int, offset: int, limit: int) -> list[Kept]:
    """Newest first."""
    query = _RECORDS.where(erasure.c.tenant_id == tenant_id).order_by(erasure.c.id.desc())
    return [_kept(row) for row in tx.execute(query.offset(offset).limit(limit)).mappings()]


def every(tx: Tx, tenant_id: int | None) -> list[Kept]:
    """Oldest first; `tenant_id` None: of all tenants, for the operator."""
    query = _RECORDS if tenant_id is None else _RECORDS.where(erasure.c.tenant_id == tenant_id)
    return [_kept(row) for row in tx.execute(query.order_by(erasure.c.id)).mappings()]


def count(tx: Tx, tenant_id: int) -> int:
    return int(tx.execute(select(func.count()).where(erasure.c.tenant_id == tenant_id)).scalar_one())


def waiting(tx: Tx, kept: Sequence[Kept]) -> set[str]:
    """Those of the erased blobs of which some object still waits to be removed."""
    blobs = {blob for it in kept for blob in it.blobs}
    theirs = [garbage.c.key.contains(f"/{tenant_uuid}/") for tenant_uuid in {it.erasure.tenant_id for it in kept}]
    if not blobs:
        return set()
    return blobs & {key.split("/")[-2] for key in tx.execute(select(garbage.c.key).where(or_(*theirs))).scalars()}


_RECORDS = select(erasure, tenant.c.uuid.label("tenant_uuid")).join(tenant, tenant.c.id == erasure.c.tenant_id)


def _without_words(options: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in {"facts", "told"}}
    told: dict[str, Any] = {"told": {}} if "told" in options else {}
    return kept | told | {"wishes": options.get("wishes", {}) | _WORDS}


def _kept(row: Row) -> Kept:
    made = Erasure(
        id=row["uuid"],
        tenant_id=row["tenant_uuid"],
        asset_id=row["asset_uuid"],
        kind=row["kind"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        derived_from=row["origin_uuid"],
        erased_at=row["erased_at"],
        erased_by=row["user_uuid"],
        reason=row["reason"],
    )
    return Kept(made, row["key_id"], row["signature"], row["blobs"])

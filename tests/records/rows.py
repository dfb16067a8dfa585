"""Rows that the tests of records need, made without core."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from mediatheque.model import Queue
from mediatheque.records import accounts, assets, runs
from mediatheque.records.engine import Database, Tx


def tenant(database: Database) -> int:
    with database.write() as tx:
        return accounts.add_tenant(tx, uuid4().hex, datetime.now(UTC))


def asset(tx: Tx, tenant_id: int) -> tuple[int, int]:
    """(asset id, blob id)"""
    now = datetime.now(UTC)
    blob_id = assets.add_blob(
        tx,
        {"uuid": uuid4(), "tenant_id": tenant_id, "store": "local", "key": f"uploads/t/{uuid4()}/a.jpg",
         "size_bytes": 1, "media_type": "image/jpeg", "sha256": "0" * 64, "created_at": now},
    )  # fmt: skip
    row = {
        "uuid": uuid4(), "tenant_id": tenant_id, "kind": "image", "state": "pending", "filename": "a.jpg",
        "original_filename": "a.jpg", "is_public": True, "blob_id": blob_id, "source": "test",
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    return assets.add_asset(tx, row), blob_id


def jobs(
    database: Database, tenant_id: int, lanes: Sequence[str] = (Queue.FAST,), *, uploads: int = 1, first: bool = False
) -> None:
    """For each upload one asset with a job in each of the lanes."""
    for _ in range(uploads):
        with database.hasten() as tx:
            asset_id, blob_id = asset(tx, tenant_id)
            rows = [
                {"uuid": uuid4(), "tenant_id": tenant_id, "asset_id": asset_id, "blob_id": blob_id,
                 "skill": f"skill-{number}", "skill_version": 1, "trigger": "test", "state": "queued",
                 "created_at": datetime.now(UTC)}
                for number, _ in enumerate(lanes)
            ]  # fmt: skip
            runs.enqueue(tx, rows, lanes, database.now_micros(tx), first=first)

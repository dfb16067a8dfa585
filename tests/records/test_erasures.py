"""Records of erasures, and which of them have bytes that still wait to be removed."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from mediatheque.privacy import Erasure
from mediatheque.records import erasures
from mediatheque.records.engine import Database, Tx
from mediatheque.records.tables import garbage, tenant
from tests.records import rows


def recorded(tx: Tx, tenant_id: int, blob: UUID) -> None:
    uuid = tx.execute(select(tenant.c.uuid).where(tenant.c.id == tenant_id)).scalar_one()
    made = Erasure(uuid4(), uuid, uuid4(), "image", None, None, None, datetime.now(UTC), None, None)
    erasures.add(tx, tenant_id, made.asset_id, made, key_id="k", signature="s", blobs=[str(blob)])


def left(tx: Tx, tenant_id: int, blob: UUID) -> None:
    """An object of that blob, whose store did not answer."""
    uuid = tx.execute(select(tenant.c.uuid).where(tenant.c.id == tenant_id)).scalar_one()
    key = f"uploads/{uuid}/{blob}/photo.jpg"
    tx.execute(insert(garbage), {"store": "local", "key": key, "created_at": datetime.now(UTC)})


def test_an_erasure_is_incomplete_as_long_as_an_object_of_its_own_waits(database: Database) -> None:
    one, other = rows.tenant(database), rows.tenant(database)
    gone, waits, others = uuid4(), uuid4(), uuid4()
    with database.write() as tx:
        for tenant_id, blob in ((one, gone), (one, waits), (other, others)):
            recorded(tx, tenant_id, blob)
        left(tx, one, waits)
        left(tx, one, uuid4())
        left(tx, other, others)
    with database.read() as tx:
        assert erasures.waiting(tx, erasures.page(tx, one, 0, 20)) == {str(waits)}
        assert erasures.waiting(tx, erasures.every(tx, None)) >= {str(waits), str(others)}
        assert erasures.waiting(tx, []) == set()

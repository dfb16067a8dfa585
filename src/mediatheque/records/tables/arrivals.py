"""What is on its way into the library: files that are promised, coming in or waiting, and their batches."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    false,
    text,
)

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

batch = Table(
    "batch",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("method", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("total_files", Integer, nullable=False),
    instant("created_at", nullable=False),
    instant("completed_at"),
    Index("ix_batch_newest", "tenant_id", "id"),
)

UNSETTLED = text("state IN ('open', 'settling', 'waiting')")
"""Arrivals whose bytes count against the quota although no asset has them yet."""

arrival = Table(
    "arrival",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    reference("user_account", "user_id"),
    Column("batch_id", BigId, ForeignKey("batch.id", ondelete="CASCADE")),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("method", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("media_type", String(127), nullable=False, server_default=text("''")),
    Column("size_bytes", BigInteger, nullable=False),
    Column("received_bytes", BigInteger, nullable=False, server_default="0"),
    Column("options", JSON, nullable=False),
    Column("object_key", String(1024)),
    Column("staged_key", String(1024)),
    Column("asset_uuid", Uuid),
    Column("error", Text),
    Column("retryable", Boolean, nullable=False, server_default=false()),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    instant("created_at", nullable=False),
    instant("expires_at"),
    instant("started_at"),
    instant("finished_at"),
    Index("ix_arrival_batch_id", "batch_id", "position"),
)
Index("ix_arrival_unsettled", arrival.c.tenant_id, arrival.c.size_bytes,
      sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)  # fmt: skip
WAITING = text("state IN ('settling', 'waiting')")
Index("ix_arrival_waiting", arrival.c.lease_until, arrival.c.id,
      sqlite_where=WAITING, postgresql_where=WAITING)  # fmt: skip
EXPIRING = text("expires_at IS NOT NULL")
Index("ix_arrival_expires_at", arrival.c.expires_at, sqlite_where=EXPIRING, postgresql_where=EXPIRING)
STAGED = text("staged_key IS NOT NULL")
Index("ix_arrival_staged_key", arrival.c.staged_key, sqlite_where=STAGED, postgresql_where=STAGED)
SETTLED = text("asset_uuid IS NOT NULL")
Index("ix_arrival_asset_uuid", arrival.c.asset_uuid, sqlite_where=SETTLED, postgresql_where=SETTLED)
PROMISED = text("object_key IS NOT NULL")
Index("ix_arrival_object_key", arrival.c.object_key, sqlite_where=PROMISED, postgresql_where=PROMISED)

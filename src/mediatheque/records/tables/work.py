"""What is to be done, by whom, and what came of it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

run = Table(
    "run",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    reference("asset", "asset_id"),
    Column("blob_id", BigId, nullable=False),
    Column("skill", String(64), nullable=False),
    Column("skill_version", Integer, nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("parameters", JSON),
    Column("result", JSON),
    Column("shown", Boolean, nullable=False, server_default=false()),
    Column("trace", String(55)),
    instant("created_at", nullable=False),
    instant("started_at"),
    instant("finished_at"),
    Index("ix_run_asset_id", "asset_id", "id"),
)

FAILED = text("state = 'failed'")
Index("ix_run_failed", run.c.tenant_id, run.c.id, sqlite_where=FAILED, postgresql_where=FAILED)

step = Table(
    "step",
    metadata,
    row_id(),
    Column("run_id", BigId, ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("name", String(64), nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("error", Text),
    instant("started_at", nullable=False),
    instant("finished_at", nullable=False),
    UniqueConstraint("run_id", "position"),
)

job = Table(
    "job",
    metadata,
    row_id(),
    Column("run_id", BigId, ForeignKey("run.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("tenant_id", BigId, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("backlog", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("owner", String(64)),
    Column("available_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("after_id", BigInteger),
    Column("site", String(263)),
    Index("ix_job_turn", "lane", "backlog", "id"),
    Index("ix_job_tenant_id", "tenant_id"),
)

SITED = text("site IS NOT NULL")
"""Jobs that talk to one site and wait for their turn there."""
Index("ix_job_site", job.c.site, job.c.backlog, job.c.id, sqlite_where=SITED, postgresql_where=SITED)

worker = Table(
    "worker",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("lanes", String(64), nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

workflow = Table(
    "workflow",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("is_auto_run", Boolean, nullable=False),
    Column("graph", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant_id", BigId, primary_key=True, autoincrement=False),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", SmallInteger),
    Column("body", Text),
    Column("lease_until", BigInteger, nullable=False),
    instant("created_at", nullable=False),
    Index("ix_idempotency_created_at", "created_at"),
)

"""What happens in the library, row by row, and who outside is told of it."""

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
    Uuid,
    text,
)

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

event = Table(
    "event",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("room_id", BigId),
    Column("subject", Uuid, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("content", Text, nullable=False),
    instant("created_at", nullable=False),
    Index("ix_event_tenant_id", "tenant_id", "id"),
    Index("ix_event_created_at", "created_at"),
)
"""What every process is told of, in the order of its numbers; `subject` is the thing that it happens to."""

ROOMS = text("room_id IS NOT NULL")
"""What websockets are told of: few among many."""
Index("ix_event_rooms", event.c.id, sqlite_where=ROOMS, postgresql_where=ROOMS)

webhook = Table(
    "webhook",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("url", String(2048), nullable=False),
    Column("description", String(255)),
    Column("events", JSON, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("sealed_secret", Text, nullable=False),
    Column("sealed_former", Text),
    instant("former_until"),
    Column("failures", Integer, nullable=False, server_default="0"),
    instant("last_success_at"),
    instant("last_failure_at"),
    Column("holder", String(32), nullable=False, server_default=text("''")),
    Column("free_at", BigInteger, nullable=False, server_default="0"),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    Index("ix_webhook_tenant_id", "tenant_id", "id"),
    Index("ix_webhook_turn", "free_at"),
)
"""`free_at` lies in the future while somebody delivers to it, and while it is left alone after a failure."""

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    row_id(),
    public_id(),
    Column("tenant_id", BigId, nullable=False),
    Column("webhook_id", BigId, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("event_uuid", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("status", Integer),
    Column("error", Text),
    Column("duration_ms", Integer),
    Column("due_at", BigInteger, nullable=False),
    instant("created_at", nullable=False),
    instant("attempted_at"),
    Index("ix_webhook_delivery_log", "webhook_id", "id"),
    Index("ix_webhook_delivery_created_at", "created_at"),
)
WAITING = text("state = 'pending'")
Index("ix_webhook_delivery_waiting", webhook_delivery.c.webhook_id, webhook_delivery.c.subject, webhook_delivery.c.id,
      sqlite_where=WAITING, postgresql_where=WAITING)  # fmt: skip

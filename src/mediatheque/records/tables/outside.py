"""What lies beyond the server: places for bytes, models, and what was spent on them."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

storage_profile = Table(
    "storage_profile",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("display_name", String(255)),
    Column("provider_type", String(32), nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("configuration", JSON, nullable=False),
    Column("sealed_secrets", Text),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

ai_provider = Table(
    "ai_provider",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("api_base_url", String(2048), nullable=False),
    Column("sealed_api_key", Text, nullable=False),
    Column("model_name", String(255), nullable=False),
    Column("system_prompt", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("allows_private", Boolean, nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

spending = Table(
    "spending",
    metadata,
    Column("tenant_id", BigId, ForeignKey("tenant.id"), primary_key=True, autoincrement=False),
    Column("purpose", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False),
)

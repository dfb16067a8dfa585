"""Who may do what, and who did it."""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint, Uuid, text

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

tenant = Table(
    "tenant",
    metadata,
    row_id(),
    public_id(),
    Column("name", String(255), nullable=False, unique=True),
    instant("created_at", nullable=False),
    instant("disabled_at"),
    Column("metadata_policy", String(16), nullable=False, server_default=text("'keep'")),
    instant("work_paused_at"),
)

user = Table(
    "user_account",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255)),
    Column("permissions", JSON),
    Column("generation", Integer, nullable=False, server_default="0"),
    instant("updated_at"),
    instant("last_login_at"),
    Column("subject", String(255)),
    instant("created_at", nullable=False),
    instant("disabled_at"),
    UniqueConstraint("tenant_id", "name"),
    UniqueConstraint("tenant_id", "subject"),
)

api_key = Table(
    "api_key",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    reference("user_account", "user_id"),
    Column("prefix", String(16), nullable=False),
    Column("name", String(100)),
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("scopes", JSON),
    instant("created_at", nullable=False),
    instant("expires_at"),
    instant("revoked_at"),
    instant("last_used_at"),
    Index("ix_api_key_tenant_id", "tenant_id"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    row_id(),
    reference("tenant", "tenant_id"),
    reference("user_account", "user_id"),
    Column("family", Uuid, nullable=False),
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("used_at"),
    instant("revoked_at"),
    Index("ix_refresh_token_family", "family"),
    Index("ix_refresh_token_user_id", "user_id"),
)

audit = Table(
    "audit",
    metadata,
    row_id(),
    reference("tenant", "tenant_id"),
    Column("user_id", BigId),
    Column("credential", String(64)),
    Column("action", String(64), nullable=False),
    Column("subject", String(255)),
    Column("details", JSON),
    instant("created_at", nullable=False),
    Index("ix_audit_tenant_id", "tenant_id", "id"),
)

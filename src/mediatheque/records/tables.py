"""Every table, once, for both databases. Times are microseconds since the epoch, UTC; sizes are bytes."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer, "sqlite")
"""Integer primary keys; SQLite numbers rows by itself only in a column of type INTEGER."""

MICROSECOND = 1_000_000


class Instant(TypeDecorator[datetime]):
    """A UTC time as microseconds since the epoch: exact, sortable and the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_micros(value)


def to_micros(value: datetime) -> int:
    return round(value.timestamp() * MICROSECOND)


def from_micros(value: int) -> datetime:
    seconds, micros = divmod(value, MICROSECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def _id() -> Column[int]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


def _uuid() -> Column[Any]:
    return Column("uuid", Uuid, nullable=False, unique=True)


def _to(table: str, name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigId, ForeignKey(f"{table}.id"), nullable=nullable)


def _at(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


tenant = Table(
    "tenant",
    metadata,
    _id(),
    _uuid(),
    Column("name", String(255), nullable=False, unique=True),
    _at("created_at", nullable=False),
    _at("disabled_at"),
)

user = Table(
    "user_account",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255)),
    Column("permissions", JSON),
    Column("generation", Integer, nullable=False, server_default="0"),
    _at("updated_at"),
    _at("last_login_at"),
    Column("subject", String(255)),
    _at("created_at", nullable=False),
    _at("disabled_at"),
    UniqueConstraint("tenant_id", "name"),
    UniqueConstraint("tenant_id", "subject"),
)

api_key = Table(
    "api_key",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    _to("user_account", "user_id"),
    Column("prefix", String(16), nullable=False),
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("scopes", JSON),
    _at("created_at", nullable=False),
    _at("expires_at"),
    _at("revoked_at"),
    Index("ix_api_key_tenant_id", "tenant_id"),
)

folder = Table(
    "folder",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    _to("folder", "parent_id", nullable=True),
    Column("name", String(255), nullable=False),
    Column("path", Text, nullable=False),
    _at("created_at", nullable=False),
    UniqueConstraint("tenant_id", "path"),
)

blob = Table(
    "blob",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("frames", Integer, nullable=False, server_default="1"),
    Column("details", JSON),
    _at("created_at", nullable=False),
)

asset = Table(
    "asset",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("original_filename", String(255), nullable=False),
    Column("alt_text", Text),
    Column("description", Text),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("media_type", String(127), nullable=False, server_default=text("''")),
    _to("folder", "folder_id", nullable=True),
    Column("is_public", Boolean, nullable=False),
    _to("blob", "blob_id", nullable=True),
    Column("source", String(16), nullable=False),
    _at("captured_at"),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    _at("deleted_at"),
)

PROFILED = text("store NOT IN ('local', 's3')")
"""Blobs in a tenant's own place: what tells whether a profile is in use."""
Index("ix_blob_store", blob.c.store, sqlite_where=PROFILED, postgresql_where=PROFILED)

SHOWN = text("deleted_at IS NULL AND state <> 'failed'")
"""What a list may show; the partial indexes below and `assets.shown()` say the same."""

Index("ix_asset_list", asset.c.tenant_id, asset.c.kind, asset.c.is_public, asset.c.created_at, asset.c.id,
      sqlite_where=SHOWN, postgresql_where=SHOWN)  # fmt: skip
Index("ix_asset_folder", asset.c.tenant_id, asset.c.folder_id, asset.c.kind, asset.c.is_public, asset.c.created_at,
      asset.c.id, sqlite_where=SHOWN, postgresql_where=SHOWN)  # fmt: skip
Index("ix_asset_blob_id", asset.c.blob_id)
PRESENT = text("deleted_at IS NULL")
"""What a list that also shows private and failed assets is about."""
Index("ix_asset_newest", asset.c.tenant_id, asset.c.kind, asset.c.created_at, asset.c.id,
      sqlite_where=PRESENT, postgresql_where=PRESENT)  # fmt: skip
Index("ix_asset_largest", asset.c.tenant_id, asset.c.kind, asset.c.size_bytes, asset.c.id,
      sqlite_where=PRESENT, postgresql_where=PRESENT)  # fmt: skip
Index("ix_asset_failed", asset.c.tenant_id, asset.c.kind,
      sqlite_where=text("deleted_at IS NULL AND state = 'failed'"),
      postgresql_where=text("deleted_at IS NULL AND state = 'failed'"))  # fmt: skip

variant = Table(
    "variant",
    metadata,
    _id(),
    _to("tenant", "tenant_id"),
    Column("blob_id", BigId, ForeignKey("blob.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(32), nullable=False),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    _at("created_at", nullable=False),
    UniqueConstraint("blob_id", "name"),
)

run = Table(
    "run",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    _to("asset", "asset_id"),
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
    _at("created_at", nullable=False),
    _at("started_at"),
    _at("finished_at"),
    Index("ix_run_asset_id", "asset_id", "id"),
)

step = Table(
    "step",
    metadata,
    _id(),
    Column("run_id", BigId, ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("name", String(64), nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("error", Text),
    _at("started_at", nullable=False),
    _at("finished_at", nullable=False),
    UniqueConstraint("run_id", "position"),
)

finding = Table(
    "finding",
    metadata,
    _id(),
    _to("tenant", "tenant_id"),
    Column("blob_id", BigId, ForeignKey("blob.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", BigId, ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("skill", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("value", JSON, nullable=False),
    Column("model", String(128)),
    Column("confidence", Float),
    _at("created_at", nullable=False),
    UniqueConstraint("blob_id", "skill", "kind"),
)

job = Table(
    "job",
    metadata,
    _id(),
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
    Index("ix_job_turn", "lane", "backlog", "id"),
    Index("ix_job_tenant_id", "tenant_id"),
)

tally = Table(
    "tally",
    metadata,
    _id(),
    Column("tenant_id", BigId, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("folder_id", BigId, nullable=False),
    Column("day", Integer, nullable=False),
    Column("assets", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index("ix_tally_sum", "tenant_id", "folder_id", "kind", "is_public", "day", "assets", "size_bytes"),
)

counter = Table(
    "counter",
    metadata,
    _id(),
    Column("tenant_id", BigId, nullable=False),
    Column("name", String(160), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index("ix_counter_sum", "tenant_id", "name", "amount", "size_bytes"),
)

asset_text = Table(
    "asset_text",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("scope", String(3), nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_asset_text_newest", "tenant_id", "scope", "asset_id"),
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
    _at("created_at", nullable=False),
    Index("ix_idempotency_created_at", "created_at"),
)

garbage = Table(
    "garbage",
    metadata,
    _id(),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("message", Text),
    _at("created_at", nullable=False),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    _id(),
    _to("tenant", "tenant_id"),
    _to("user_account", "user_id"),
    Column("family", Uuid, nullable=False),
    Column("secret_sha256", LargeBinary(32), nullable=False, unique=True),
    _at("created_at", nullable=False),
    _at("expires_at", nullable=False),
    _at("used_at"),
    _at("revoked_at"),
    Index("ix_refresh_token_family", "family"),
    Index("ix_refresh_token_user_id", "user_id"),
)

storage_profile = Table(
    "storage_profile",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("display_name", String(255)),
    Column("provider_type", String(32), nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("configuration", JSON, nullable=False),
    Column("sealed_secrets", Text),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

ai_provider = Table(
    "ai_provider",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("api_base_url", String(2048), nullable=False),
    Column("sealed_api_key", Text, nullable=False),
    Column("model_name", String(255), nullable=False),
    Column("system_prompt", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("allows_private", Boolean, nullable=False),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

workflow = Table(
    "workflow",
    metadata,
    _id(),
    _uuid(),
    _to("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("is_auto_run", Boolean, nullable=False),
    Column("graph", Text, nullable=False),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

worker = Table(
    "worker",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("lanes", String(64), nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

spending = Table(
    "spending",
    metadata,
    Column("tenant_id", BigId, ForeignKey("tenant.id"), primary_key=True, autoincrement=False),
    Column("purpose", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _to("tenant", "tenant_id"),
    Column("user_id", BigId),
    Column("credential", String(64)),
    Column("action", String(64), nullable=False),
    Column("subject", String(255)),
    Column("details", JSON),
    _at("created_at", nullable=False),
    Index("ix_audit_tenant_id", "tenant_id", "id"),
)

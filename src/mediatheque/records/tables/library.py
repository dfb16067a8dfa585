"""What the library holds, and what is counted and searched of it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mediatheque.records.tables.columns import (
    BigId,
    Instant,
    SortKey,
    instant,
    metadata,
    public_id,
    reference,
    row_id,
)

folder = Table(
    "folder",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    reference("folder", "parent_id", nullable=True),
    Column("name", String(255), nullable=False),
    Column("path", Text, nullable=False),
    instant("created_at", nullable=False),
    Column("updated_at", Instant, nullable=False, server_default="0"),
    UniqueConstraint("tenant_id", "path"),
    Index("ix_folder_children", "tenant_id", "parent_id"),
)

blob = Table(
    "blob",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("frames", Integer, nullable=False, server_default="1"),
    Column("details", JSON),
    instant("created_at", nullable=False),
    Column("received_sha256", String(64)),
    Index("ix_blob_sha256", "tenant_id", "sha256"),
)
CHANGED = text("received_sha256 IS NOT NULL")
"""Blobs whose metadata were taken out when they came: what was sent had another hash."""
Index(
    "ix_blob_received_sha256", blob.c.tenant_id, blob.c.received_sha256, sqlite_where=CHANGED, postgresql_where=CHANGED
)

asset = Table(
    "asset",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("original_filename", String(255), nullable=False),
    Column("title", String(500)),
    Column("title_key", SortKey, nullable=False, server_default=text("''")),
    Column("tags", JSON(none_as_null=True)),
    Column("alt_text", Text),
    Column("description", Text),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("media_type", String(127), nullable=False, server_default=text("''")),
    reference("folder", "folder_id", nullable=True),
    Column("is_public", Boolean, nullable=False),
    reference("blob", "blob_id", nullable=True),
    Column("source", String(16), nullable=False),
    Column("upload_method", String(16)),
    instant("captured_at"),
    instant("content_at"),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("deleted_at"),
    Column("purpose", String(32)),
    instant("expires_at"),
    instant("ready_at"),
    Column("extension", String(255)),
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
Index("ix_asset_largest", asset.c.tenant_id, asset.c.kind, asset.c.size_bytes, asset.c.created_at, asset.c.id,
      asset.c.deleted_at, sqlite_where=PRESENT, postgresql_where=PRESENT)  # fmt: skip
"""No tally tells where a page by size begins: what is skipped is skipped in the index, which has all that is asked."""
Index("ix_asset_type", asset.c.tenant_id, asset.c.kind, asset.c.media_type, asset.c.created_at, asset.c.id,
      sqlite_where=PRESENT, postgresql_where=PRESENT)  # fmt: skip
Index("ix_asset_failed", asset.c.tenant_id, asset.c.kind, asset.c.created_at, asset.c.id,
      sqlite_where=text("deleted_at IS NULL AND state = 'failed'"),
      postgresql_where=text("deleted_at IS NULL AND state = 'failed'"))  # fmt: skip

Index("ix_asset_content", asset.c.tenant_id, asset.c.kind, asset.c.content_at, asset.c.id,
      sqlite_where=SHOWN, postgresql_where=SHOWN)  # fmt: skip
Index("ix_asset_title", asset.c.tenant_id, asset.c.kind, asset.c.title_key, asset.c.id,
      sqlite_where=SHOWN, postgresql_where=SHOWN)  # fmt: skip
IS_DESCRIBED = text("(coalesce(description, '') <> '')")
"""Whether words say what it shows; `files` asks for it in the same words."""
Index("ix_asset_described", asset.c.tenant_id, asset.c.kind, IS_DESCRIBED, asset.c.id,
      sqlite_where=SHOWN, postgresql_where=SHOWN)  # fmt: skip
FILED = text("folder_id IS NOT NULL")
"""What lies in a folder, in whatever state: a folder that goes has to find it."""
Index("ix_asset_shelf", asset.c.folder_id, asset.c.content_at, asset.c.id,
      sqlite_where=FILED, postgresql_where=FILED)  # fmt: skip
TRASHED = text("deleted_at IS NOT NULL AND blob_id IS NOT NULL")
"""What lies in the trash: deleted, with its bytes still there; a tombstone has none."""
Index("ix_asset_trash", asset.c.tenant_id, asset.c.deleted_at, asset.c.id,
      sqlite_where=TRASHED, postgresql_where=TRASHED)  # fmt: skip

PASSING = text("expires_at IS NOT NULL")
"""What is to be gone at a time."""
Index("ix_asset_expires_at", asset.c.expires_at, sqlite_where=PASSING, postgresql_where=PASSING)

asset_tag = Table(
    "asset_tag",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tag", String(50), primary_key=True),
    Column("tenant_id", BigId, nullable=False),
    Index("ix_asset_tag_files", "tenant_id", "tag", "asset_id"),
)

variant = Table(
    "variant",
    metadata,
    row_id(),
    reference("tenant", "tenant_id"),
    Column("blob_id", BigId, ForeignKey("blob.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(32), nullable=False),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False, unique=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    instant("created_at", nullable=False),
    UniqueConstraint("blob_id", "name"),
)

finding = Table(
    "finding",
    metadata,
    row_id(),
    reference("tenant", "tenant_id"),
    Column("blob_id", BigId, ForeignKey("blob.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", BigId, ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("skill", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("value", JSON, nullable=False),
    Column("model", String(128)),
    Column("confidence", Float),
    Column("prompt_hash", String(64)),
    Column("language", String(16)),
    Column("state", String(16), nullable=False, server_default=text("'suggested'")),
    instant("created_at", nullable=False),
    UniqueConstraint("blob_id", "skill", "kind"),
)

asset_text = Table(
    "asset_text",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("scope", String(3), nullable=False),
    Column("names", Text, nullable=False, server_default=text("''")),
    Column("seen", Text, nullable=False, server_default=text("''")),
    Column("body", Text, nullable=False),
    Index("ix_asset_text_newest", "tenant_id", "scope", "asset_id"),
)

tally = Table(
    "tally",
    metadata,
    row_id(),
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
    row_id(),
    Column("tenant_id", BigId, nullable=False),
    Column("name", String(160), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index("ix_counter_sum", "tenant_id", "name", "amount", "size_bytes"),
)

garbage = Table(
    "garbage",
    metadata,
    row_id(),
    Column("store", String(64), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("message", Text),
    instant("created_at", nullable=False),
)

"""Rooms, who is in them, and the artifacts that are written there."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, Uuid, text

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

room = Table(
    "room",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("name", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("artifact_read_power", Integer, nullable=False),
    Column("artifact_write_power", Integer, nullable=False),
    instant("created_at", nullable=False),
    Index("ix_room_newest", "tenant_id", "id"),
)

room_member = Table(
    "room_member",
    metadata,
    Column("room_id", BigId, ForeignKey("room.id"), primary_key=True, autoincrement=False),
    Column("user_id", BigId, ForeignKey("user_account.id"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("power_level", Integer, nullable=False),
    instant("joined_at", nullable=False),
    Index("ix_room_member_user_id", "user_id", "room_id"),
)

artifact = Table(
    "artifact",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    reference("room", "room_id"),
    Column("title", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("language", String(64)),
    Column("version", Integer, nullable=False),
    reference("user_account", "creator_id"),
    reference("user_account", "editor_id"),
    Column("change_description", Text),
    Column("size_bytes", Integer, nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("deleted_at"),
)
THERE = text("deleted_at IS NULL")
Index("ix_artifact_room", artifact.c.room_id, artifact.c.updated_at, artifact.c.id,
      sqlite_where=THERE, postgresql_where=THERE)  # fmt: skip
DELETED = text("deleted_at IS NOT NULL")
Index("ix_artifact_deleted", artifact.c.deleted_at, artifact.c.id, sqlite_where=DELETED, postgresql_where=DELETED)

artifact_content = Table(
    "artifact_content",
    metadata,
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)
"""The newest content of each, whole, so that reading it is one row however long the history."""

artifact_version = Table(
    "artifact_version",
    metadata,
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("title", String(255), nullable=False),
    Column("change_description", Text),
    reference("user_account", "editor_id"),
    Column("size_bytes", Integer, nullable=False),
    Column("base", Integer),
    Column("packed", LargeBinary, nullable=False),
    instant("created_at", nullable=False),
)
"""`packed` is what has to be known beside the version `base`, or beside nothing (core/history.py)."""

artifact_text = Table(
    "artifact_text",
    metadata,
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("scope", String(24), nullable=False),
    Column("title", Text, nullable=False),
    Column("words", Text, nullable=False),
)

artifact_reference = Table(
    "artifact_reference",
    metadata,
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("asset_uuid", Uuid, primary_key=True),
    Column("tenant_id", BigId, nullable=False),
    Index("ix_artifact_reference_asset", "tenant_id", "asset_uuid", "artifact_id"),
)

artifact_share = Table(
    "artifact_share",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer),
    Column("shows_files", Boolean, nullable=False),
    reference("user_account", "creator_id"),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    Index("ix_artifact_share_artifact_id", "artifact_id", "id"),
    Index("ix_artifact_share_expires_at", "expires_at"),
)

viewing = Table(
    "viewing",
    metadata,
    Column("session", Uuid, primary_key=True),
    Column("tenant_id", BigId, nullable=False),
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False),
    reference("user_account", "user_id"),
    instant("until", nullable=False),
    Index("ix_viewing_artifact_id", "artifact_id"),
    Index("ix_viewing_until", "until"),
)
"""Who looks at an artifact just now, one row for each connection."""

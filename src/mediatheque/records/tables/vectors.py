"""What the library's texts mean: for each passage of a text its vector, by the model that made it."""

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from mediatheque.records.tables.columns import BigId, instant, metadata, row_id

embedding = Table(
    "embedding",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("model", String(64), primary_key=True),
    Column("tenant_id", BigId, nullable=False),
    Column("passages", Integer, nullable=False),
    instant("created_at", nullable=False),
    Index("ix_embedding_coverage", "tenant_id", "model", "asset_id"),
)

vector = Table(
    "passage_vector",  # a table called `vector` would stand in the way of pgvector's type
    metadata,
    row_id(),
    Column("tenant_id", BigId, nullable=False),
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), nullable=False),
    Column("model", String(64), nullable=False),
    Column("field", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("snippet", Text, nullable=False),
    Column("page_numbers", JSON(none_as_null=True)),
    Column("start_seconds", Float),
    Column("amounts", LargeBinary, nullable=False),
    Index("ix_passage_vector_scan", "tenant_id", "model", "id"),
    Index("ix_passage_vector_asset_id", "asset_id", "model"),
    sqlite_autoincrement=True,
)

artifact_meaning = Table(
    "artifact_meaning",
    metadata,
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    Column("model", String(64)),
    Column("attempts", Integer, nullable=False),
    instant("due_at"),
)
"""By which model an artifact was read last, and from when on it is to be read again: None when it has been."""
IS_DUE = text("due_at IS NOT NULL")
Index("ix_artifact_meaning_due_at", artifact_meaning.c.due_at, sqlite_where=IS_DUE, postgresql_where=IS_DUE)

artifact_vector = Table(
    "artifact_vector",
    metadata,
    row_id(),
    Column("tenant_id", BigId, nullable=False),
    Column("artifact_id", BigId, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False),
    Column("model", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("snippet", Text, nullable=False),
    Column("amounts", LargeBinary, nullable=False),
    Index("ix_artifact_vector_scan", "tenant_id", "model", "id"),
    Index("ix_artifact_vector_artifact_id", "artifact_id"),
    sqlite_autoincrement=True,
)

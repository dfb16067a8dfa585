"""What the library's texts mean: for each passage of a text its vector, by the model that made it."""

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

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

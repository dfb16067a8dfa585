"""Saved links, what crawls of them kept, and whose turn it is at which site."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from mediatheque.records.tables.columns import BigId, instant, metadata, public_id, reference, row_id

link = Table(
    "link",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    reference("tenant", "tenant_id"),
    Column("url", Text, nullable=False),
    Column("url_key", String(64), nullable=False),
    Column("domain", String(255), nullable=False),
    Column("site", String(263), nullable=False),
    instant("recrawl_asked_at"),
    Index("ix_link_url_key", "tenant_id", "url_key"),
)

snapshot = Table(
    "snapshot",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text),
    Column("text_chars", Integer, nullable=False),
    instant("created_at", nullable=False),
    Index("ix_snapshot_asset_id", "asset_id", "id"),
)

site = Table(
    "site",
    metadata,
    Column("name", String(263), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("free_at", BigInteger, nullable=False),
    Index("ix_site_free_at", "free_at"),
)

"""What is left on record of files that were erased."""

from sqlalchemy import JSON, BigInteger, Column, Index, String, Table, Uuid

from mediatheque.records.tables.columns import instant, metadata, public_id, reference, row_id

erasure = Table(
    "erasure",
    metadata,
    row_id(),
    public_id(),
    reference("tenant", "tenant_id"),
    Column("asset_uuid", Uuid, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("origin_uuid", Uuid),
    Column("root_uuid", Uuid, nullable=False),
    instant("erased_at", nullable=False),
    Column("user_uuid", Uuid),
    Column("reason", String(255)),
    Column("key_id", String(16), nullable=False),
    Column("signature", String(128), nullable=False),
    Column("blobs", JSON, nullable=False),
    Index("ix_erasure_tenant_id", "tenant_id", "id"),
    Index("ix_erasure_asset_uuid", "asset_uuid"),
    Index("ix_erasure_root_uuid", "root_uuid"),
)
"""`blobs`: ids of blobs, by which the keys of its objects are told; as long as one is garbage, not all is gone."""

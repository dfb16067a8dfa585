"""Vectors: what passages of texts mean, and on PostgreSQL an index of the nearest where pgvector can be had."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "embedding",
        sa.Column("asset_id", ID, autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_embedding_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", "model", name=op.f("pk_embedding")),
    )
    op.create_index("ix_embedding_coverage", "embedding", ["tenant_id", "model", "asset_id"], unique=False)
    op.create_table(
        "passage_vector",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("snippet", sa.Text(), nullable=False),
        sa.Column("page_numbers", sa.JSON(), nullable=True),
        sa.Column("start_seconds", sa.Float(), nullable=True),
        sa.Column("amounts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_passage_vector_asset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage_vector")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passage_vector_scan", "passage_vector", ["tenant_id", "model", "id"], unique=False)
    op.create_index("ix_passage_vector_asset_id", "passage_vector", ["asset_id", "model"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _index_nearest()


def _index_nearest() -> None:
    """Where the extension cannot be had, or is too old for half-precision vectors, searches look at all of them."""
    op.execute("""
        DO $$ BEGIN
            CREATE EXTENSION IF NOT EXISTS vector;
            CREATE TABLE vector_index (
                vector_id bigint PRIMARY KEY REFERENCES passage_vector (id) ON DELETE CASCADE,
                tenant_id bigint NOT NULL,
                model varchar(64) NOT NULL,
                amounts halfvec(384) NOT NULL
            );
            CREATE INDEX ix_vector_index_tenant ON vector_index (tenant_id, model);
            CREATE INDEX ix_vector_index_nearest ON vector_index USING hnsw (amounts halfvec_cosine_ops);
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'No index of vectors: %', SQLERRM;
        END $$
    """)

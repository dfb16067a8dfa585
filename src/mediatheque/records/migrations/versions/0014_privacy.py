"""What is left on record of erased files, what becomes of metadata that comes in, and the hashes of what came."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    policy = sa.Column("metadata_policy", sa.String(length=16), server_default=sa.text("'keep'"), nullable=False)
    op.add_column("tenant", policy)
    op.add_column("blob", sa.Column("received_sha256", sa.String(length=64), nullable=True))
    changed = sa.text("received_sha256 IS NOT NULL")
    op.create_index("ix_blob_received_sha256", "blob", ["tenant_id", "received_sha256"], unique=False,
                    sqlite_where=changed, postgresql_where=changed)  # fmt: skip
    op.create_table(
        "erasure",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("asset_uuid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("origin_uuid", sa.Uuid(), nullable=True),
        sa.Column("root_uuid", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("blobs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_erasure_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("uuid", name=op.f("uq_erasure_uuid")),
    )
    op.create_index("ix_erasure_tenant_id", "erasure", ["tenant_id", "id"], unique=False)
    op.create_index("ix_erasure_asset_uuid", "erasure", ["asset_uuid"], unique=False)
    op.create_index("ix_erasure_root_uuid", "erasure", ["root_uuid"], unique=False)

"""Arrivals: files on their way into the library, the batches they belong to, and bytes found by their hash."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_blob_sha256", "blob", ["tenant_id", "sha256"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total_files", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_batch_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("uuid", name=op.f("uq_batch_uuid")),
    )
    op.create_index("ix_batch_newest", "batch", ["tenant_id", "id"], unique=False)
    op.create_table(
        "arrival",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=127), server_default=sa.text("''"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("object_key", sa.String(length=1024), nullable=True),
        sa.Column("staged_key", sa.String(length=1024), nullable=True),
        sa.Column("asset_uuid", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("retryable", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_arrival_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_arrival_user_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_arrival_batch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("uuid", name=op.f("uq_arrival_uuid")),
    )
    op.create_index("ix_arrival_batch_id", "arrival", ["batch_id", "position"], unique=False)
    _partial("ix_arrival_unsettled", ["tenant_id", "size_bytes"], "state IN ('open', 'settling', 'waiting')")
    _partial("ix_arrival_waiting", ["lease_until", "id"], "state IN ('settling', 'waiting')")
    _partial("ix_arrival_expires_at", ["expires_at"], "expires_at IS NOT NULL")
    _partial("ix_arrival_staged_key", ["staged_key"], "staged_key IS NOT NULL")
    _partial("ix_arrival_object_key", ["object_key"], "object_key IS NOT NULL")


def _partial(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "arrival", columns, unique=False, sqlite_where=where, postgresql_where=where)

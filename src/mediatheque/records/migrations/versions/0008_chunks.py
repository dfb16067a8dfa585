"""Chunks of uploads that come in many pieces, and an index for lists of what is described and what is not."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "part",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("arrival_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("staged_key", sa.String(length=1024), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_part_arrival_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part")),
    )
    op.create_index("uq_part_number", "part", ["arrival_id", "number"], unique=True)
    op.create_index("ix_part_staged_key", "part", ["staged_key"], unique=False)
    shown = sa.text("deleted_at IS NULL AND state <> 'failed'")
    is_described = sa.text("(coalesce(description, '') <> '')")
    columns: list[str | sa.TextClause] = ["tenant_id", "kind", is_described, "id"]
    op.create_index("ix_asset_described", "asset", columns, sqlite_where=shown, postgresql_where=shown)
    settled = sa.text("asset_uuid IS NOT NULL")
    op.create_index("ix_arrival_asset_uuid", "arrival", ["asset_uuid"], sqlite_where=settled, postgresql_where=settled)

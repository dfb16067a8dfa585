"""Of files that are as large the newest first, out of the index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.drop_index("ix_asset_largest", "asset")
    op.create_index(
        "ix_asset_largest",
        "asset",
        ["tenant_id", "kind", "size_bytes", "created_at", "id", "deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

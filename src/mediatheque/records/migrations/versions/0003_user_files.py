"""User files: titles, tags, when the content was made, and the trash."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


SORT_KEY = sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("asset", sa.Column("title", sa.String(length=500), nullable=True))
    op.add_column("asset", sa.Column("title_key", SORT_KEY, server_default=sa.text("''"), nullable=False))
    op.add_column("asset", sa.Column("tags", sa.JSON(), nullable=True))
    op.add_column("asset", sa.Column("upload_method", sa.String(length=16), nullable=True))
    op.add_column("asset", sa.Column("content_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE asset SET content_at = COALESCE(captured_at, created_at) WHERE deleted_at IS NULL")
    op.create_index(
        "ix_asset_content",
        "asset",
        ["tenant_id", "kind", "content_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
    )
    op.create_index(
        "ix_asset_title",
        "asset",
        ["tenant_id", "kind", "title_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
    )
    op.create_index(
        "ix_asset_shelf",
        "asset",
        ["folder_id", "content_at", "id"],
        unique=False,
        sqlite_where=sa.text("folder_id IS NOT NULL"),
        postgresql_where=sa.text("folder_id IS NOT NULL"),
    )
    op.drop_index("ix_asset_failed", "asset")
    op.create_index(
        "ix_asset_failed",
        "asset",
        ["tenant_id", "kind", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state = 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state = 'failed'"),
    )
    op.create_index(
        "ix_asset_type",
        "asset",
        ["tenant_id", "kind", "media_type", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_asset_trash",
        "asset",
        ["tenant_id", "deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL AND blob_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL AND blob_id IS NOT NULL"),
    )
    op.create_table(
        "asset_tag",
        sa.Column("asset_id", ID, nullable=False, autoincrement=False),
        sa.Column("tag", sa.String(length=50), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_tag_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", "tag", name=op.f("pk_asset_tag")),
    )
    op.create_index("ix_asset_tag_files", "asset_tag", ["tenant_id", "tag", "asset_id"], unique=False)
    op.add_column("folder", sa.Column("updated_at", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("UPDATE folder SET updated_at = created_at")
    op.create_index("ix_folder_children", "folder", ["tenant_id", "parent_id"], unique=False)

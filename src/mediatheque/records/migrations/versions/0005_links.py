"""Links: their addresses, what crawls of them kept, and jobs that wait for their turn at a site."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("asset_id", ID, nullable=False, autoincrement=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_key", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("site", sa.String(length=263), nullable=False),
        sa.Column("recrawl_asked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_link_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_link_tenant_id")),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_link")),
    )
    op.create_index("ix_link_url_key", "link", ["tenant_id", "url_key"], unique=False)
    op.create_table(
        "snapshot",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text_chars", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_snapshot_asset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_snapshot_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("uuid", name=op.f("uq_snapshot_uuid")),
    )
    op.create_index("ix_snapshot_asset_id", "snapshot", ["asset_id", "id"], unique=False)
    op.create_table(
        "site",
        sa.Column("name", sa.String(length=263), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_site")),
    )
    op.create_index("ix_site_free_at", "site", ["free_at"], unique=False)
    op.add_column("job", sa.Column("site", sa.String(length=263), nullable=True))
    where = sa.text("site IS NOT NULL")
    op.create_index(
        "ix_job_site", "job", ["site", "backlog", "id"], unique=False, sqlite_where=where, postgresql_where=where
    )

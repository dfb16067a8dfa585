"""Assets dialect: profiles, providers, workflows, sessions, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ai_provider",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("api_base_url", sa.String(length=2048), nullable=False),
        sa.Column("sealed_api_key", sa.Text(), nullable=False),
        sa.Column("model_name", sa.String(length=255), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("allows_private", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_ai_provider_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ai_provider")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_ai_provider_tenant_id_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ai_provider_uuid")),
    )
    op.create_table(
        "counter",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter")),
    )
    op.create_index("ix_counter_sum", "counter", ["tenant_id", "name", "amount", "size_bytes"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("credential", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_audit_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_tenant_id", "audit", ["tenant_id", "id"], unique=False)

    op.create_table(
        "storage_profile",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=True),
        sa.Column("provider_type", sa.String(length=32), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("sealed_secrets", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_storage_profile_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_profile")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_storage_profile_tenant_id_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_storage_profile_uuid")),
    )
    op.create_table(
        "workflow",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_auto_run", sa.Boolean(), nullable=False),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_workflow_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_workflow_tenant_id_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_workflow_uuid")),
    )
    op.create_table(
        "worker",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("lanes", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_worker")),
    )
    op.create_table(
        "spending",
        sa.Column("tenant_id", ID, nullable=False, autoincrement=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_spending_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "purpose", "day", name=op.f("pk_spending")),
    )
    op.create_table(
        "refresh_token",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_refresh_token_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_refresh_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_refresh_token_secret_sha256")),
    )
    op.create_index("ix_refresh_token_family", "refresh_token", ["family"], unique=False)
    op.create_index("ix_refresh_token_user_id", "refresh_token", ["user_id"], unique=False)

    op.add_column("run", sa.Column("parameters", sa.JSON(), nullable=True))
    op.add_column("run", sa.Column("result", sa.JSON(), nullable=True))
    op.add_column("run", sa.Column("shown", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("job", sa.Column("after_id", sa.BigInteger(), nullable=True))
    op.add_column("asset", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("asset", sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("asset", sa.Column("media_type", sa.String(length=127), server_default=sa.text("''"), nullable=False))
    op.create_index(
        "ix_asset_failed",
        "asset",
        ["tenant_id", "kind"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state = 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state = 'failed'"),
    )
    op.create_index(
        "ix_asset_largest",
        "asset",
        ["tenant_id", "kind", "size_bytes", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_asset_newest",
        "asset",
        ["tenant_id", "kind", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.add_column("garbage", sa.Column("message", sa.Text(), nullable=True))
    op.create_index(
        "ix_blob_store",
        "blob",
        ["store"],
        unique=False,
        sqlite_where=sa.text("store NOT IN ('local', 's3')"),
        postgresql_where=sa.text("store NOT IN ('local', 's3')"),
    )
    op.add_column("user_account", sa.Column("permissions", sa.JSON(), nullable=True))
    op.add_column("user_account", sa.Column("generation", sa.Integer(), server_default="0", nullable=False))
    op.add_column("user_account", sa.Column("updated_at", sa.BigInteger(), nullable=True))
    op.add_column("user_account", sa.Column("last_login_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE asset SET size_bytes = (SELECT size_bytes FROM blob WHERE blob.id = asset.blob_id), "
        "media_type = (SELECT media_type FROM blob WHERE blob.id = asset.blob_id) WHERE blob_id IS NOT NULL"
    )

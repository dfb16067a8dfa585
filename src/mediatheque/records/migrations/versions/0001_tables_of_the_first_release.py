"""Tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "garbage",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_garbage")),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant_id", ID, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)

    op.create_table(
        "tally",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("folder_id", ID, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("assets", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    op.create_index(
        "ix_tally_sum",
        "tally",
        ["tenant_id", "folder_id", "kind", "is_public", "day", "assets", "size_bytes"],
        unique=False,
    )

    op.create_table(
        "tenant",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("name", name=op.f("uq_tenant_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_tenant_uuid")),
    )
    op.create_table(
        "blob",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), server_default="1", nullable=False),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_blob_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob")),
        sa.UniqueConstraint("key", name=op.f("uq_blob_key")),
        sa.UniqueConstraint("uuid", name=op.f("uq_blob_uuid")),
    )
    op.create_table(
        "folder",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["folder.id"], name=op.f("fk_folder_parent_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_folder_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder")),
        sa.UniqueConstraint("tenant_id", "path", name=op.f("uq_folder_tenant_id_path")),
        sa.UniqueConstraint("uuid", name=op.f("uq_folder_uuid")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_user_account_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_user_account_tenant_id_name")),
        sa.UniqueConstraint("tenant_id", "subject", name=op.f("uq_user_account_tenant_id_subject")),
        sa.UniqueConstraint("uuid", name=op.f("uq_user_account_uuid")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_api_key_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_api_key_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_key_secret_sha256")),
        sa.UniqueConstraint("uuid", name=op.f("uq_api_key_uuid")),
    )
    op.create_index("ix_api_key_tenant_id", "api_key", ["tenant_id"], unique=False)

    op.create_table(
        "asset",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("alt_text", sa.Text(), nullable=True),
        sa.Column("folder_id", ID, nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("blob_id", ID, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_asset_blob_id")),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=op.f("fk_asset_folder_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_asset_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("uuid", name=op.f("uq_asset_uuid")),
    )
    op.create_index("ix_asset_blob_id", "asset", ["blob_id"], unique=False)
    op.create_index(
        "ix_asset_folder",
        "asset",
        ["tenant_id", "folder_id", "kind", "is_public", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
    )
    op.create_index(
        "ix_asset_list",
        "asset",
        ["tenant_id", "kind", "is_public", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
    )

    op.create_table(
        "variant",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=1024), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_variant_blob_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_variant_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint("blob_id", "name", name=op.f("uq_variant_blob_id_name")),
        sa.UniqueConstraint("key", name=op.f("uq_variant_key")),
    )
    op.create_table(
        "asset_text",
        sa.Column("asset_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=3), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_asset_text_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", name=op.f("pk_asset_text")),
    )
    op.create_index("ix_asset_text_newest", "asset_text", ["tenant_id", "scope", "asset_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("skill", sa.String(length=64), nullable=False),
        sa.Column("skill_version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_run_asset_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_run_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("uuid", name=op.f("uq_run_uuid")),
    )
    op.create_index("ix_run_asset_id", "run", ["asset_id", "id"], unique=False)

    op.create_table(
        "finding",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("blob_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("skill", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_finding_blob_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_finding_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_finding_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("blob_id", "skill", "kind", name=op.f("uq_finding_blob_id_skill_kind")),
    )
    op.create_table(
        "job",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("backlog", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_job_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("run_id", name=op.f("uq_job_run_id")),
    )
    op.create_index("ix_job_tenant_id", "job", ["tenant_id"], unique=False)
    op.create_index("ix_job_turn", "job", ["lane", "backlog", "id"], unique=False)

    op.create_table(
        "step",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_step_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_step_run_id_position")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE_TEXT_INDEX:
            op.execute(statement)
    else:
        for statement in POSTGRESQL_TEXT_INDEX:
            op.execute(statement)


SQLITE_TEXT_INDEX = (
    "CREATE VIRTUAL TABLE asset_text_index USING fts5(scope, body, content='asset_text', content_rowid='asset_id', "
    "tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER asset_text_inserted AFTER INSERT ON asset_text BEGIN "
    "INSERT INTO asset_text_index(rowid, scope, body) VALUES (new.asset_id, new.scope, new.body); END",
    "CREATE TRIGGER asset_text_deleted AFTER DELETE ON asset_text BEGIN "
    "INSERT INTO asset_text_index(asset_text_index, rowid, scope, body) "
    "VALUES ('delete', old.asset_id, old.scope, old.body); END",
    "CREATE TRIGGER asset_text_changed AFTER UPDATE ON asset_text BEGIN "
    "INSERT INTO asset_text_index(asset_text_index, rowid, scope, body) "
    "VALUES ('delete', old.asset_id, old.scope, old.body); "
    "INSERT INTO asset_text_index(rowid, scope, body) VALUES (new.asset_id, new.scope, new.body); END",
)

POSTGRESQL_TEXT_INDEX = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS btree_gin",
    "CREATE INDEX ix_asset_text_body ON asset_text USING gin (scope, body gin_trgm_ops)",
)

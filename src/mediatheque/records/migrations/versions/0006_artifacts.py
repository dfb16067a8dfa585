"""Rooms and artifacts: members, documents with their histories, texts to search them by, links, live events."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "room",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("artifact_read_power", sa.Integer(), nullable=False),
        sa.Column("artifact_write_power", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_room_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("uuid", name=op.f("uq_room_uuid")),
    )
    op.create_index("ix_room_newest", "room", ["tenant_id", "id"], unique=False)
    op.create_table(
        "room_event",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_room_event_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_event")),
        sa.UniqueConstraint("uuid", name=op.f("uq_room_event_uuid")),
    )
    op.create_index("ix_room_event_created_at", "room_event", ["created_at"], unique=False)
    op.create_table(
        "artifact",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("creator_id", ID, nullable=False),
        sa.Column("editor_id", ID, nullable=False),
        sa.Column("change_description", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["creator_id"], ["user_account.id"], name=op.f("fk_artifact_creator_id")),
        sa.ForeignKeyConstraint(["editor_id"], ["user_account.id"], name=op.f("fk_artifact_editor_id")),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_artifact_room_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_artifact_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact")),
        sa.UniqueConstraint("uuid", name=op.f("uq_artifact_uuid")),
    )
    op.create_index(
        "ix_artifact_deleted",
        "artifact",
        ["deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_artifact_room",
        "artifact",
        ["room_id", "updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "room_member",
        sa.Column("room_id", ID, autoincrement=False, nullable=False),
        sa.Column("user_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("power_level", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_room_member_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_room_member_user_id")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_room_member")),
    )
    op.create_index("ix_room_member_user_id", "room_member", ["user_id", "room_id"], unique=False)
    op.create_table(
        "artifact_content",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_content_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact_content")),
    )
    op.create_table(
        "artifact_reference",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("asset_uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_reference_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", "asset_uuid", name=op.f("pk_artifact_reference")),
    )
    op.create_index(
        "ix_artifact_reference_asset", "artifact_reference", ["tenant_id", "asset_uuid", "artifact_id"], unique=False
    )
    op.create_table(
        "artifact_share",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("artifact_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("shows_files", sa.Boolean(), nullable=False),
        sa.Column("creator_id", ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_share_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["user_account.id"], name=op.f("fk_artifact_share_creator_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_artifact_share_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact_share")),
        sa.UniqueConstraint("uuid", name=op.f("uq_artifact_share_uuid")),
    )
    op.create_index("ix_artifact_share_artifact_id", "artifact_share", ["artifact_id", "id"], unique=False)
    op.create_index("ix_artifact_share_expires_at", "artifact_share", ["expires_at"], unique=False)
    op.create_table(
        "artifact_text",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=24), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_text_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact_text")),
    )
    op.create_table(
        "artifact_version",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("change_description", sa.Text(), nullable=True),
        sa.Column("editor_id", ID, nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=True),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_version_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["editor_id"], ["user_account.id"], name=op.f("fk_artifact_version_editor_id")),
        sa.PrimaryKeyConstraint("artifact_id", "version", name=op.f("pk_artifact_version")),
    )
    op.create_table(
        "viewing",
        sa.Column("session", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("artifact_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_viewing_artifact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_viewing_user_id")),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_viewing")),
    )
    op.create_index("ix_viewing_artifact_id", "viewing", ["artifact_id"], unique=False)
    op.create_index("ix_viewing_until", "viewing", ["until"], unique=False)

    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


SQLITE = (
    "CREATE VIRTUAL TABLE artifact_text_index USING fts5(scope, title, words, content='artifact_text', "
    "content_rowid='artifact_id', tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\")",
    "CREATE TRIGGER artifact_text_inserted AFTER INSERT ON artifact_text BEGIN "
    "INSERT INTO artifact_text_index(rowid, scope, title, words) "
    "VALUES (new.artifact_id, new.scope, new.title, new.words); END",
    "CREATE TRIGGER artifact_text_deleted AFTER DELETE ON artifact_text BEGIN "
    "INSERT INTO artifact_text_index(artifact_text_index, rowid, scope, title, words) "
    "VALUES ('delete', old.artifact_id, old.scope, old.title, old.words); END",
    "CREATE TRIGGER artifact_text_changed AFTER UPDATE ON artifact_text BEGIN "
    "INSERT INTO artifact_text_index(artifact_text_index, rowid, scope, title, words) "
    "VALUES ('delete', old.artifact_id, old.scope, old.title, old.words); "
    "INSERT INTO artifact_text_index(rowid, scope, title, words) "
    "VALUES (new.artifact_id, new.scope, new.title, new.words); END",
)

POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS btree_gin",
    "CREATE INDEX ix_artifact_text_words ON artifact_text "
    "USING gin (scope, array_to_tsvector(string_to_array(words, ' ')))",
    "ALTER TABLE artifact_content ALTER COLUMN packed SET STORAGE EXTERNAL",  # it is compressed already
    "ALTER TABLE artifact_version ALTER COLUMN packed SET STORAGE EXTERNAL",
)

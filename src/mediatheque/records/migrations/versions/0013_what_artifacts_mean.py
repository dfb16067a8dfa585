"""What artifacts mean: for each passage of their newest content its vector, and whose turn it is to be read."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "artifact_meaning",
        sa.Column("artifact_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_meaning_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifact_meaning")),
    )
    is_due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_artifact_meaning_due_at", "artifact_meaning", ["due_at"], unique=False,
                    sqlite_where=is_due, postgresql_where=is_due)  # fmt: skip
    op.create_table(
        "artifact_vector",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("artifact_id", ID, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("snippet", sa.Text(), nullable=False),
        sa.Column("amounts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name=op.f("fk_artifact_vector_artifact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact_vector")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_artifact_vector_scan", "artifact_vector", ["tenant_id", "model", "id"], unique=False)
    op.create_index("ix_artifact_vector_artifact_id", "artifact_vector", ["artifact_id"], unique=False)
    op.execute(
        "INSERT INTO artifact_meaning (artifact_id, tenant_id, attempts, due_at) "
        "SELECT id, tenant_id, 0, updated_at FROM artifact"
    )

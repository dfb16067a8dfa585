"""What API keys are called, and when each was last used; what has failed is found without walking all runs."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("name", sa.String(length=100), nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    has_failed = sa.text("state = 'failed'")
    op.create_index("ix_run_failed", "run", ["tenant_id", "id"], unique=False,
                    sqlite_where=has_failed, postgresql_where=has_failed)  # fmt: skip

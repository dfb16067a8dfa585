"""Tenants whose work rests."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("tenant", sa.Column("work_paused_at", sa.BigInteger(), nullable=True))

"""What planned a run, for those who follow it from the request to the worker."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("run", sa.Column("trace", sa.String(55), nullable=True))

"""The extension that an asset keeps although it is renamed."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("asset", sa.Column("extension", sa.String(255), nullable=True))

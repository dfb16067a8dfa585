"""Where findings come from and what people made of them, who wrote an asset's words, and what pictures look like."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BANDS = ("band_0", "band_1", "band_2", "band_3")


def upgrade() -> None:
    op.add_column("finding", sa.Column("prompt_hash", sa.String(length=64), nullable=True))
    op.add_column("finding", sa.Column("language", sa.String(length=16), nullable=True))
    state = sa.Column("state", sa.String(length=16), server_default=sa.text("'suggested'"), nullable=False)
    op.add_column("finding", state)
    op.create_table(
        "authorship",
        sa.Column("asset_id", ID, autoincrement=False, nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_authorship_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", "field", name=op.f("pk_authorship")),
    )
    op.create_table(
        "likeness",
        sa.Column("blob_id", ID, autoincrement=False, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in BANDS),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name=op.f("fk_likeness_blob_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_likeness")),
    )
    for name in BANDS:
        op.create_index(f"ix_likeness_{name}", "likeness", ["tenant_id", name], unique=False)
    op.create_table(
        "permit",
        sa.Column("tenant_id", ID, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_permit_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "purpose", "slot", name=op.f("pk_permit")),
    )
    _compare_what_is_there()


def _compare_what_is_there() -> None:
    """The hashes that were found before now, in the parts by which they are compared."""
    finding = sa.table("finding", *(sa.column(name) for name in ("blob_id", "tenant_id", "kind", "value")))
    likeness = sa.table("likeness", *(sa.column(name) for name in ("blob_id", "tenant_id", *BANDS)))
    connection = op.get_bind()
    known = sa.select(finding.c.blob_id, finding.c.tenant_id, sa.cast(finding.c.value, sa.Text))
    rows = connection.execute(known.where(finding.c.kind == "perceptual_hash")).all()
    hashed = {blob: (tenant, value.strip('"')) for blob, tenant, value in rows}
    values = [
        {"blob_id": blob, "tenant_id": tenant}
        | {name: int(digits[4 * part : 4 * part + 4], 16) for part, name in enumerate(BANDS)}
        for blob, (tenant, digits) in hashed.items()
        if len(digits) == 16
    ]
    for start in range(0, len(values), 1000):
        connection.execute(sa.insert(likeness), values[start : start + 1000])

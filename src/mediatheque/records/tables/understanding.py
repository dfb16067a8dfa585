"""Who wrote an asset's words, what pictures look like, and who may talk to a model now."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table

from mediatheque.records.tables.columns import BigId, instant, metadata

authorship = Table(
    "authorship",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("field", String(16), primary_key=True),
    Column("tenant_id", BigId, nullable=False),
    Column("run_id", BigId),
    Column("before", JSON),
    instant("written_at", nullable=False),
)
"""`run_id` is the run that wrote the field over `before`; null: a person decided what stands there, or that nothing
does."""

BANDS = ("band_0", "band_1", "band_2", "band_3")
"""The 64 bits of a perceptual hash in four parts of 16: where two differ in 6 bits, some part
differs in at most 1."""

likeness = Table(
    "likeness",
    metadata,
    Column("blob_id", BigId, ForeignKey("blob.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("tenant_id", BigId, nullable=False),
    *(Column(name, Integer, nullable=False) for name in BANDS),
    *(Index(f"ix_likeness_{name}", "tenant_id", name) for name in BANDS),
)

permit = Table(
    "permit",
    metadata,
    Column("tenant_id", BigId, ForeignKey("tenant.id"), primary_key=True, autoincrement=False),
    Column("purpose", String(32), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""One of a tenant's few turns to ask a model, held until it is given back or its time is over."""

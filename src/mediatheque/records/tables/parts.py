"""Pieces of arrivals that come in chunks, each with an object of its own until all of them are one file."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, false

from mediatheque.records.tables.columns import BigId, metadata, row_id

part = Table(
    "part",
    metadata,
    row_id(),
    Column("arrival_id", BigId, ForeignKey("arrival.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("staged_key", String(1024), nullable=False),
    Column("is_confirmed", Boolean, nullable=False, server_default=false()),
    Index("uq_part_number", "arrival_id", "number", unique=True),
    Index("ix_part_staged_key", "staged_key"),
)

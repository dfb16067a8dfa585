"""What the tables are made of: the columns that both databases store alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    Uuid,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer, "sqlite")
"""Integer primary keys; SQLite numbers rows by itself only in a column of type INTEGER."""

SORT_CHARS = 100
SortKey = String(SORT_CHARS).with_variant(String(SORT_CHARS, collation="C"), "postgresql")
"""Text that lists are sorted by: by code points on both databases, and short enough for an index."""

MICROSECOND = 1_000_000


class Instant(TypeDecorator[datetime]):
    """A UTC time as microseconds since the epoch: exact, sortable and the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_micros(value)


def to_micros(value: datetime) -> int:
    return round(value.timestamp() * MICROSECOND)


def from_micros(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime.fromtimestamp(0, UTC)


def row_id() -> Column[int]:
    return Column("id", BigId, primary_key=True, autoincrement=True)


def public_id() -> Column[Any]:
    return Column("uuid", Uuid, nullable=False, unique=True)


def reference(table: str, name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigId, ForeignKey(f"{table}.id"), nullable=nullable)


def instant(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)

"""Pictures that look alike: perceptual hashes of 64 bits, found by the parts in which they hardly differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select

from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset, likeness
from mediatheque.records.tables.understanding import BANDS

BITS = 16
"""Of one part."""
MAX_DISTANCE = 6
"""Bits in which the hashes of two pictures that look alike differ at most: 4 parts, so one differs in at most one."""
MOST = 2000
"""Candidates that are looked at: more look so much alike only where all are the same."""


@dataclass(frozen=True, slots=True)
class Likeness:
    asset_id: int
    distance: int


def put(tx: Tx, tenant_id: int, blob_id: int, digits: str) -> None:
    """Let the picture be found by its hash, 16 hexadecimal digits."""
    tx.execute(delete(likeness).where(likeness.c.blob_id == blob_id))
    values = {"blob_id": blob_id, "tenant_id": tenant_id}
    tx.execute(insert(likeness), values | dict(zip(BANDS, _parts(digits), strict=True)))


def near(tx: Tx, tenant_id: int, blob_id: int) -> list[Likeness]:
    """The tenant's other pictures that look like this one, the nearest first."""
    bands = [likeness.c[name] for name in BANDS]
    own = tx.execute(select(*bands).where(likeness.c.blob_id == blob_id, likeness.c.tenant_id == tenant_id)).first()
    if own is None:
        return []
    close = or_(*(band.in_(_within_one_bit(part)) for band, part in zip(bands, own, strict=True)))
    query = (
        select(asset.c.id, *bands)
        .join(asset, asset.c.blob_id == likeness.c.blob_id)
        .where(likeness.c.tenant_id == tenant_id, likeness.c.blob_id != blob_id, close)
        .where(asset.c.deleted_at.is_(None), asset.c.state != "failed")
        .limit(MOST)
    )
    found = [Likeness(row[0], _distance(own, row[1:])) for row in tx.execute(query)]
    return sorted((it for it in found if it.distance <= MAX_DISTANCE), key=lambda it: (it.distance, it.asset_id))


def _parts(digits: str) -> list[int]:
    return [int(digits[start : start + BITS // 4], 16) for start in range(0, len(BANDS) * BITS // 4, BITS // 4)]


def _within_one_bit(part: int) -> list[int]:
    return [part, *(part ^ (1 << bit) for bit in range(BITS))]


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return sum((first ^ second).bit_count() for first, second in zip(one, other, strict=True))

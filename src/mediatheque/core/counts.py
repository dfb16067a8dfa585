"""What an asset counts for: in the sums by folder and day, and in the tenant's statistics."""

from mediatheque.model import Asset
from mediatheque.records import assets, counters, executions, tallies
from mediatheque.records.engine import Tx
from mediatheque.records.tallies import Change

TRASH = "trash"
"""The kind under which the bytes of the trash are counted: they are still the tenant's."""


def count(tx: Tx, it: Asset, sign: int) -> None:
    """Let an asset that is shown count everywhere (1), or nowhere any more (-1)."""
    tallies.record(tx, tallies.of(it, assets.folder_of(tx, it.id), sign))
    counters.add(tx, it.tenant_id, counters.MEDIA_TYPE + it.blob.media_type, sign, sign * it.blob.size_bytes)
    count_derivatives(tx, it, sign * len(assets.variants_of(tx, it.blob.id)))


def count_derivatives(tx: Tx, it: Asset, amount: int) -> None:
    """So many more (or fewer) of an image; posters of other files are no derivatives in the statistics."""
    if amount and it.kind == "image":
        counters.add(tx, it.tenant_id, counters.DERIVATIVES, amount)


def count_runs(tx: Tx, it: Asset, sign: int) -> None:
    """Let what was run on an asset count among the tenant's skills, or no more."""
    for skill, times in executions.skills_run(tx, it.id).items():
        counters.add(tx, it.tenant_id, counters.SKILL + skill, sign * times)


def count_in_trash(tx: Tx, it: Asset, sign: int) -> None:
    day = assets.day_of(it.created_at)
    tallies.record(tx, Change(it.tenant_id, TRASH, it.is_public, None, day, it.blob.size_bytes, sign))

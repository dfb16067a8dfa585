"""What two texts have to look like to count as the same."""

import unicodedata

from mediatheque.records.tables.columns import SORT_CHARS


def fold(value: str) -> str:
    """Compatibility-composed and case-folded: what both sides of a comparison look like."""
    return unicodedata.normalize("NFKC", value).casefold()


def sort_key(value: str | None) -> str:
    """Where a text stands in a list; nothing comes before everything."""
    return fold(value or "")[:SORT_CHARS]

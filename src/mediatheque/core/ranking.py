"""Two rankings as one."""

from collections.abc import Collection, Sequence

CANDIDATES = 200
"""How many hits each ranking has; more are not counted."""
RANK_OFFSET = 60
"""Of reciprocal rank fusion: a hit scores 1 / (60 + rank) in each ranking (Cormack, Clarke, Buettcher 2009)."""


def fused(rankings: Collection[Sequence[int]]) -> dict[int, float]:
    """What each hit scores in all rankings together; the first of a ranking is its best."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, it in enumerate(ranking, 1):
            scores[it] = scores.get(it, 0.0) + 1 / (RANK_OFFSET + rank)
    return scores

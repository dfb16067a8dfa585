"""What the second dialect (`/api/v1`) is asked of a generated library: lists, searches, statistics."""

import random

from benchmarks.generator import COMMON, RARE
from benchmarks.questions import Question

PAGE_SIZE = 20
LIST_MS, SEARCH_MS = 5, 10


def questions(size: int) -> list[Question]:
    """Of a library of `size` assets."""
    dice = random.Random(size)
    deep = max(1, int(size / PAGE_SIZE * 0.9))
    listing = f"/api/v1/assets?pageSize={PAGE_SIZE}"
    asked = [
        Question("page 1", lambda: listing, LIST_MS),
        Question("page at 90 %", lambda: f"{listing}&page={deep - dice.randrange(max(1, deep // 100))}", LIST_MS),
        Question("page 1, oldest first", lambda: f"{listing}&orderDirection=asc", LIST_MS),
        Question("largest first", lambda: f"{listing}&orderBy=size", LIST_MS),
        Question("by size, page at 90 %", lambda: f"{listing}&orderBy=size&page={deep}", None),
        Question("search, common", lambda: f"{listing}&query={COMMON}", SEARCH_MS),
        Question("search, rare", lambda: f"{listing}&query={RARE}", SEARCH_MS),
        Question("common type", lambda: f"{listing}&contentType=image/jpeg", SEARCH_MS),
        Question("rare type", lambda: f"{listing}&contentType=image/gif", SEARCH_MS),
        Question("ready ones", lambda: f"{listing}&status=ready", SEARCH_MS),
        Question("gallery", lambda: "/api/v1/public/assets", LIST_MS),
        Question("usage-stats", lambda: "/api/v1/assets/usage-stats", LIST_MS),
    ]
    return [Question(f"/api/v1, {it.name}", it.path, it.goal_ms) for it in asked]

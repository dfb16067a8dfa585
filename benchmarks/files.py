"""What the third dialect (`/api/v2`) is asked of a generated library: lists, filters, searches."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.generator import COMMON, RARE, YEARS
from benchmarks.questions import Question

PAGE_SIZE = 20
LIST_MS, SEARCH_MS = 5, 10
MODES = ("all", "metadata", "visible_text")


def search_of_all() -> Question:
    """For what every generated file has in its name, so that the answer of each tenant is its own file."""
    return Question("search", lambda: "/api/v2/user-files?search=.jpg", SEARCH_MS)


def questions(size: int) -> list[Question]:
    """Of a library of `size` assets."""
    dice = random.Random(size)
    deep = int(size * 0.9)
    listing = f"/api/v2/user-files?limit={PAGE_SIZE}"
    asked = [
        Question("page 1", lambda: listing, LIST_MS),
        Question("page at 90 %", lambda: f"{listing}&offset={deep - dice.randrange(max(1, deep // 100))}", LIST_MS),
        Question("by size", lambda: f"{listing}&sort_by=size_bytes&sort_order=asc", LIST_MS),
        Question("by title", lambda: f"{listing}&sort_by=title&sort_order=asc", LIST_MS),
        Question("one month", lambda: listing + _month(dice), LIST_MS),
        *(Question(f"search, common, {mode}", partial("{}&search={}&search_mode={}".format, listing, COMMON, mode),
                   SEARCH_MS) for mode in MODES),
        Question("search, rare", lambda: f"{listing}&search={RARE}", SEARCH_MS),
        Question("search, none", lambda: f"{listing}&search=absent{dice.randrange(10**6)}", SEARCH_MS),
    ]  # fmt: skip
    return [Question(f"/api/v2, {it.name}", it.path, it.goal_ms) for it in asked]


def _month(dice: random.Random) -> str:
    end = datetime.now(UTC) - timedelta(days=dice.randrange(365 * YEARS - 31))
    return f"&date_from={end - timedelta(days=30):%Y-%m-%dT00:00:00Z}&date_to={end:%Y-%m-%dT00:00:00Z}"

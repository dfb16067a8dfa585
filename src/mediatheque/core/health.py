"""Whether the parts answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from mediatheque.core.pipeline import Pipeline
from mediatheque.ports import Store
from mediatheque.records.engine import Database


class Health:
    def __init__(self, database: Database, store: Store, pipeline: Pipeline) -> None:
        self._parts: dict[str, Callable[[], object]] = {
            "database": database.check,
            "storage": store.check,
            "queue": pipeline.depth,
        }

    def parts(self) -> dict[str, str]:
        """`ok` or what is wrong, for database, storage and queue."""
        return {name: self._state(check) for name, check in self._parts.items()}

    def _state(self, check: Callable[[], object]) -> str:
        try:
            check()
        except Exception as error:
            return getattr(error, "message", type(error).__name__)
        return "ok"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one part of an installation, and what to do about it."""

    GOOD: ClassVar = "good"
    DOUBTFUL: ClassVar = "doubtful"
    WRONG: ClassVar = "wrong"

    part: str
    state: str
    told: str
    advice: str | None = None

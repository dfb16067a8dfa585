"""What brings a library up to date after a start: files that came before a model did, or under another, and pages that
were left unread."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mediatheque.core import knowledge
from mediatheque.core.embedding import OFF, Embedder
from mediatheque.core.passages import TEXTS
from mediatheque.core.pipeline import Pipeline
from mediatheque.errors import NotInstalled
from mediatheque.model import Asset, Queue
from mediatheque.records import assets, findings, vectors
from mediatheque.records.engine import Database, Tx
from mediatheque.records.runs import LATER
from mediatheque.skills import document_text, look, ocr, scans, tags

BATCH = 200
MAX_WAITING = 1000
"""Jobs in the lane beyond which nothing is added: what people upload goes first."""


@dataclass(slots=True)
class Course:
    """A going through of all files, once, a batch at a time.

    `check` raises `NotInstalled` where there is no use in it; `behind` tells of rows after one, `plan` plans the work.
    """

    check: Callable[[], object]
    behind: Callable[[Tx, int], list[Any]]
    plan: Callable[[Tx, Asset], None]
    after: int = 0
    is_through: bool = False


class Relearning:
    """Goes through the files once for each thing; the vectors of another model are good until that has ended."""

    def __init__(self, database: Database, pipeline: Pipeline, embedder: Embedder) -> None:
        self._database = database
        self._pipeline = pipeline
        self._embedder = embedder
        self._is_alone: set[str] = set()
        planner, models = pipeline.planner, embedder.models
        texts = Course(
            lambda: embedder.model,
            lambda tx, after: vectors.behind(tx, embedder.model, TEXTS, after, BATCH),
            planner.follow,
        )
        pictures = Course(
            lambda: models.check(look.MODEL),
            lambda tx, after: vectors.unseen(tx, look.NAME, tags.COLOURS, after, BATCH),
            lambda tx, it: planner.go_on(tx, it, look.SKILL.name),
        )
        pages = Course(
            lambda: models.check(ocr.MODEL),
            lambda tx, after: findings.unfinished(tx, scans.FACTS, scans.UNREAD, after, BATCH),
            self._read_on,
        )
        self._courses = [*([] if embedder.engine == OFF else [texts]), pictures, pages]

    def go_on(self) -> None:
        """One more batch; at the end the vectors that nobody looks at any more are dropped."""
        depth = self._pipeline.depth()
        for course in self._courses:
            if not course.is_through and depth[Queue.ENRICH] + depth[LATER] < MAX_WAITING:
                self._go_on(course)
        if self._embedder.engine != OFF:
            self._swap(lambda: self._embedder.model)
        self._swap(lambda: look.NAME)

    def _go_on(self, course: Course) -> None:
        try:
            course.check()
        except NotInstalled:
            return
        with self._database.read() as tx:
            due = course.behind(tx, course.after)
        for row in due:
            with self._database.hasten() as tx:
                it = assets.asset_with(tx, row.uuid, row.tenant_id)
                if it is not None:
                    course.plan(tx, it)
            course.after = row.id
        course.is_through = len(due) < BATCH

    def _read_on(self, tx: Tx, it: Asset) -> None:
        if scans.has_rest(knowledge.values_of(tx, it).get(scans.FACTS, {})):
            self._pipeline.planner.go_on(tx, it, document_text.SKILL.name)

    def _swap(self, model_of: Callable[[], str]) -> None:
        """Drop the vectors of other models where this one has been through all; not again when there are no others."""
        try:
            model = model_of()
        except NotInstalled:
            return
        if model in self._is_alone:
            return
        with self._database.read() as tx:
            others, done = vectors.others(tx, model), vectors.superseded(tx, model)
        for tenant_id, other in done:
            with self._database.hasten() as tx:
                vectors.drop_model(tx, tenant_id, other)
        if len(done) == len(others):
            self._is_alone.add(model)

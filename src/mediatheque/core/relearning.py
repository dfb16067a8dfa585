"""What brings a library's vectors up to date after a start: files that came before the model did, or under another."""

from mediatheque.core.embedding import OFF, Embedder
from mediatheque.core.passages import TEXTS
from mediatheque.core.pipeline import Pipeline
from mediatheque.errors import NotInstalled
from mediatheque.model import Queue
from mediatheque.records import assets, vectors
from mediatheque.records.engine import Database

BATCH = 200
MAX_WAITING = 1000
"""Jobs in the lane beyond which nothing is added: what people upload goes first."""


class Relearning:
    """Goes through the files once, a batch at a time; the vectors of another model are good until it has ended."""

    def __init__(self, database: Database, pipeline: Pipeline, embedder: Embedder) -> None:
        self._database = database
        self._pipeline = pipeline
        self._embedder = embedder
        self._after = 0
        self._is_through = False
        self._is_alone = False

    def go_on(self) -> None:
        """One more batch; at the end the vectors that nobody looks at any more are dropped."""
        if self._embedder.engine == OFF:
            return
        try:
            model = self._embedder.model
        except NotInstalled:
            return
        if not self._is_through and self._pipeline.depth()[Queue.ENRICH] < MAX_WAITING:
            self._is_through = not self._enqueue(model)
        if not self._is_alone:
            self._is_alone = self._swap(model)

    def _enqueue(self, model: str) -> bool:
        with self._database.read() as tx:
            due = vectors.behind(tx, model, TEXTS, self._after, BATCH)
        for row in due:
            with self._database.hasten() as tx:
                it = assets.asset_with(tx, row.uuid, row.tenant_id)
                if it is not None:
                    self._pipeline.planner.follow(tx, it)
            self._after = row.id
        return len(due) == BATCH

    def _swap(self, model: str) -> bool:
        """Whether there are no vectors but this model's."""
        with self._database.read() as tx:
            others, done = vectors.others(tx, model), vectors.superseded(tx, model)
        for tenant_id, other in done:
            with self._database.hasten() as tx:
                vectors.drop_model(tx, tenant_id, other)
        return len(done) == len(others)

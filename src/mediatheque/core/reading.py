"""Artifacts read for their meaning, beside everything else: each when it has changed, by one worker at a time."""

from datetime import UTC, datetime, timedelta

from mediatheque.core import history
from mediatheque.core.embedding import OFF, Embedder
from mediatheque.core.passages import written
from mediatheque.errors import NotInstalled
from mediatheque.records import artifacts, meanings
from mediatheque.records.engine import Database
from mediatheque.records.meanings import Due

TURN = timedelta(minutes=2)
"""Who has not come to an end by then is taken for dead; each failure doubles it, up to a day."""
MAX_DOUBLINGS = 9
BATCH = 200


class Reader:
    """What artifacts say becomes vectors (decision 20)."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder

    def read_next(self) -> bool:
        """Read the artifact that has waited longest; False when none waits, or nobody can read.

        Raises `Unavailable` when the model does not answer; it is tried again later.
        """
        model = self._model()
        if model is None:
            return False
        with self._database.read() as tx:
            if meanings.next_due(tx, datetime.now(UTC)) is None:
                return False
        with self._database.hasten() as tx:
            now = datetime.now(UTC)
            due = meanings.next_due(tx, now)
            if due is None:
                return True
            until = now + TURN * 2 ** min(due.attempts, MAX_DOUBLINGS)
            meanings.postpone(tx, due, until)
        self._read(due, model, until)
        return True

    def go_on(self) -> None:
        """Have artifacts read that another model has read."""
        model = self._model()
        if model is not None:
            with self._database.hasten() as tx:
                meanings.recall(tx, model, datetime.now(UTC), BATCH)

    def _read(self, due: Due, model: str, until: datetime) -> None:
        with self._database.read() as tx:
            it = artifacts.artifact_by_row(tx, due.artifact_id, tenant_id=due.tenant_id)
            passages = [] if it is None else written(it.title, history.newest(tx, it).decode())
            known = meanings.known(tx, due.artifact_id, model)
        rows = self._embedder.rows(passages, known)
        with self._database.hasten() as tx:
            meanings.put(tx, due.tenant_id, due.artifact_id, model, rows)
            meanings.settle(tx, due.artifact_id, model, until)

    def _model(self) -> str | None:
        if self._embedder.engine == OFF:
            return None
        try:
            return self._embedder.model
        except NotInstalled:
            return None

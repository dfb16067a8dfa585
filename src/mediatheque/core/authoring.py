"""Writing together, as a whole: rooms, artifacts, what is found and shared of them, and what is told meanwhile."""

from collections.abc import Callable
from datetime import timedelta

from mediatheque.core.artifacts import Artifacts
from mediatheque.core.embedding import Embedder
from mediatheque.core.reading import Reader
from mediatheque.core.retrieval import Retrieval
from mediatheque.core.rooms import Rooms
from mediatheque.core.shares import Shares
from mediatheque.core.stream import Stream
from mediatheque.records.engine import Database
from mediatheque.records.signals import Signals


class Authoring:
    """`kept`: how long what is deleted can be restored; `listening` opens an ear for signals."""

    def __init__(
        self,
        database: Database,
        signals: Signals,
        listening: Callable[[], Signals],
        kept: timedelta,
        embedder: Embedder,
    ) -> None:
        self.stream = Stream(database, signals, listening)
        self.rooms = Rooms(database)
        self.artifacts = Artifacts(database, self.stream, kept)
        self.retrieval = Retrieval(database, embedder)
        self.shares = Shares(database)
        self.reader = Reader(database, embedder)

    def tidy(self) -> None:
        """Forget what has had its time: events, connections, links; have read what another model has read."""
        self.stream.tidy()
        self.shares.tidy()
        self.reader.go_on()

    def purge(self) -> None:
        """Erase artifacts that can no longer be restored."""
        self.artifacts.purge()

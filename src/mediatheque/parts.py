"""What every process of ours is made of."""

from dataclasses import dataclass
from types import ModuleType

from mediatheque.core.generations import Generations
from mediatheque.core.news import News
from mediatheque.core.pipeline import Pipeline
from mediatheque.decoder import Decoders
from mediatheque.inference import Models
from mediatheque.ports import Store
from mediatheque.records.engine import Database
from mediatheque.records.signals import Signals
from mediatheque.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What every process has: database, store, signals, decoder children and the pipeline over them."""

    settings: Settings
    plugins: ModuleType
    database: Database
    signals: Signals
    news: News
    decoders: Decoders
    readers: Decoders
    """For what crawls bring and URLs ask for, so that uploads need not wait for them."""
    models: Models
    store: Store
    pipeline: Pipeline
    generations: Generations

    def close(self) -> None:
        self.decoders.close()
        self.news.close()
        self.readers.close()
        self.models.close()
        self.signals.close()
        self.database.close()

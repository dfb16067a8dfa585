"""One process of the queue's benchmark: `python -m benchmarks.drain URL FOLDER [worker]`."""

import signal
import sys
import threading
from pathlib import Path
from types import ModuleType
from uuid import uuid4

from benchmarks.queue import NOTHING, pipeline_on
from mediatheque import plugins as installed
from mediatheque.app import make_worker, open_parts
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.results import Outcome
from mediatheque.model import Queue
from mediatheque.records.engine import Database
from mediatheque.settings import Settings
from mediatheque.worker import SLOTS


def main() -> None:
    url, home, *role = sys.argv[1:]
    if role:
        work(url, Path(home))
    else:
        drain(pipeline_on(Database(url), Path(home), NOTHING))


def drain(pipeline: Pipeline) -> None:
    """Claim and finish until nothing is left, in as many threads as a worker has; print how many it were."""
    pipeline.claim("nobody", (Queue.ENRICH,), 1)  # connections open
    print("ready", flush=True)
    sys.stdin.read()
    counts = [0] * SLOTS

    def slot(number: int) -> None:
        owner = f"{uuid4()}"
        while claims := pipeline.claim(owner, tuple(Queue), 1):
            for claim in claims:
                pipeline.complete(claim, owner, Outcome())
                counts[number] += 1

    threads = [threading.Thread(target=slot, args=(number,)) for number in range(SLOTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts), flush=True)


def work(url: str, home: Path) -> None:
    """The server's own worker, with one skill that says when it began."""
    plugins = ModuleType("plugins")
    plugins.__dict__.update(vars(installed) | {"SKILLS": ("benchmarks.queue:PROMPT",)})
    parts = open_parts(Settings(data_dir=home, database_url=url), decoders=1, plugins=plugins)
    worker = make_worker(parts, tuple(Queue))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
    parts.close()


if __name__ == "__main__":
    main()

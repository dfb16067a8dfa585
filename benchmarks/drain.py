"""One process of the queue's benchmark: `python -m benchmarks.drain URL FOLDER [worker]`."""

import signal
import sys
import threading
from pathlib import Path
from uuid import uuid4

from benchmarks.queue import NOTHING, PROMPT, pipeline_on
from mediatheque.core.pipeline import Outcome, Pipeline
from mediatheque.decoder import Decoders
from mediatheque.model import Queue
from mediatheque.records.engine import Database
from mediatheque.records.signals import signals_for
from mediatheque.worker import SLOTS, Worker


def main() -> None:
    url, home, *role = sys.argv[1:]
    database = Database(url)
    if role:
        work(database, Path(home))
    else:
        drain(pipeline_on(database, Path(home), NOTHING))


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


def work(database: Database, home: Path) -> None:
    """The server's own worker, with one skill that says when it began."""
    worker = Worker(pipeline_on(database, home, PROMPT), Decoders(1), signals_for(database, home), tuple(Queue))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    main()

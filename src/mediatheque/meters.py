"""What is counted and timed below the surfaces, for `/metrics`: runs, stores, models.

Each process of a machine keeps its counts in a file of the data folder (`process.share_counts`), where `/metrics` of
any finds them; the library is imported when the first count is made, after that place is known.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Histogram

RUN, STORE, MODEL = "mediatheque_run_seconds", "mediatheque_store_seconds", "mediatheque_model_seconds"
_making = threading.Lock()
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_KNOWN = {
    RUN: ("Time of one attempt at a run, by skill and how it went", ("skill", "outcome")),
    STORE: ("Time of one request to a distant store, by its kind and how it went", ("store", "outcome")),
    MODEL: ("Time of one question to a model, by its name and how it went", ("model", "outcome")),
}


@contextmanager
def timed(name: str, label: str) -> Iterator[None]:
    """Time the block; its outcome is `ok`, or the name of the exception that ended it."""
    started, outcome = time.perf_counter(), "ok"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        with _making:
            histogram = _histogram(name)
        histogram.labels(label, outcome).observe(time.perf_counter() - started)


@cache
def _histogram(name: str) -> "Histogram":
    """Made once: prometheus_client refuses a second one of that name, which two threads at once would make."""
    from prometheus_client import Histogram

    text, labels = _KNOWN[name]
    return Histogram(name, text, labels, buckets=_BUCKETS)

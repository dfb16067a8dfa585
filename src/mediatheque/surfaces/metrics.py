"""What `/metrics` counts. With several API processes the counts are shared through files in the data folder."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from mediatheque.core.library import Library

REQUESTS = Counter("mediatheque_http_requests_total", "HTTP requests taken, by first part of the path", ["path"])
ERRORS = Counter("mediatheque_http_errors_total", "Answers of class 5xx", ["status"])
SECONDS = Histogram(
    "mediatheque_http_request_seconds", "Time to answer, of requests outside the hot routes", ["method"]
)


def exposition(library: Library) -> tuple[bytes, str]:
    """The Prometheus text and its content type; the queue's depth is asked for now."""
    registry = CollectorRegistry()
    own = b""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        own = generate_latest(REGISTRY)
    depth = Gauge("mediatheque_jobs", "Jobs waiting or running", ["queue"], registry=registry)
    for queue, count in library.pipeline.depth().items():
        depth.labels(queue).set(count)
    return own + generate_latest(registry), CONTENT_TYPE_LATEST

"""What `/metrics` counts. With several API processes the counts are shared through files in the data folder."""

import os
from collections.abc import Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from mediatheque.core.library import Library

REQUESTS = Counter("mediatheque_http_requests_total", "HTTP requests taken, by first part of the path", ["path"])
ERRORS = Counter("mediatheque_http_errors_total", "Answers of class 5xx", ["status"])
SECONDS = Histogram(
    "mediatheque_http_request_seconds", "Time to answer, of requests outside the hot routes", ["method"]
)


class Asked:
    """What only the database knows, asked for when somebody looks."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def collect(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("mediatheque_jobs", "Jobs waiting or running", labels=["queue"])
        for queue, count in self._library.pipeline.depth().items():
            jobs.add_metric([queue], count)
        ages = GaugeMetricFamily("mediatheque_job_age_seconds", "Age of the oldest job", labels=["queue"])
        for queue, seconds in self._library.pipeline.ages().items():
            ages.add_metric([queue], seconds)
        files = GaugeMetricFamily("mediatheque_embedded_files", "Files searched by meaning, by model", labels=["model"])
        passages = GaugeMetricFamily("mediatheque_embedded_passages", "Their passages", labels=["model"])
        for covered in self._library.searching.coverage():
            files.add_metric([covered.model], covered.assets)
            passages.add_metric([covered.model], covered.passages)
        yield from (jobs, ages, files, passages)


def exposition(library: Library) -> tuple[bytes, str]:
    """The Prometheus text and its content type."""
    registry = CollectorRegistry()
    own = b""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        own = generate_latest(REGISTRY)
    registry.register(Asked(library))
    return own + generate_latest(registry), CONTENT_TYPE_LATEST

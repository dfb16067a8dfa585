"""Traces from a request to the workers that go on with it (OpenTelemetry, the extra `traces`).

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_TRACES_EXPORTER` is set: then nothing is imported and every span is
nothing. What a run was planned by travels in its row, as a `traceparent` (W3C Trace Context).
"""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mediatheque.errors import NotInstalled

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_MODULES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")

_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def is_wanted() -> bool:
    """Whether the environment asks for traces, as OpenTelemetry's own settings say."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    return exporter != "none" and bool(exporter or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def check() -> None:
    """Raise `NotInstalled` when traces are wanted and cannot be had."""
    if is_wanted() and not all(map(_is_there, _MODULES)):
        raise NotInstalled("OTEL_* asks for traces, and the extra `traces` is not installed: mediatheque[traces]")


def set_up(role: str) -> None:
    """Send spans from now on, if they are wanted."""
    global _provider, _tracer  # noqa: PLW0603
    if not is_wanted():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", f"mediatheque-{role}")})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer("mediatheque")


def end() -> None:
    """Send what has not been sent; no span after this one is."""
    if _provider is not None:
        _provider.shutdown()


@contextmanager
def span(name: str, *, parent: str | None = None, **attributes: Any) -> Iterator[dict[str, Any]]:
    """A span around the block, below the one with that `traceparent` or the current one.

    What the block puts into the yielded dictionary becomes attributes, too; a `name` there replaces the span's own.
    """
    found: dict[str, Any] = {}
    if _tracer is None:
        yield found
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    above = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    with _tracer.start_as_current_span(name, context=above, attributes=attributes) as current:
        try:
            yield found
        finally:
            current.update_name(str(found.pop("name", name)))
            current.set_attributes(found)


def current() -> str | None:
    """The `traceparent` of the span that we are in, for those who go on elsewhere."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def is_on() -> bool:
    return _tracer is not None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it lies in
        return False

"""Traces: from a request to the workers that go on with it, sent to whoever `OTEL_*` names."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import Server, upload, wait_for

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `traces` is not installed")

CLIENT_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """An address that takes traces, and the spans that have come."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans: list[Any] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()


def test_a_run_is_part_of_the_trace_of_the_request_that_planned_it(
    tmp_path: Path, collector: tuple[str, list[Any]]
) -> None:
    address, spans = collector
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "MEDIATHEQUE_LOG_REQUESTS": "on",
        "MEDIATHEQUE_LOG_FORMAT": "json",
    }
    server = Server(tmp_path / "data", environment).start()
    try:
        with server.client() as http:
            http.headers["traceparent"] = f"00-{CLIENT_TRACE}-b7ad6b7169203331-01"
            upload(http)
        wait_for(lambda: {"POST /v3/images", "run variants"} <= {it.name for it in spans}, "the spans", 30)
        found = {it.name: it for it in spans if it.trace_id.hex() == CLIENT_TRACE}
        assert {"POST /v3/images", "run variants"} <= set(found)
        assert found["run variants"].parent_span_id == found["POST /v3/images"].span_id
        assert '"route": "POST /v3/images"' in server.log.read_text()
    finally:
        server.stop()


def test_without_a_word_nothing_of_it_is_imported() -> None:
    code = "import sys; from mediatheque import tracing; tracing.set_up('web'); assert tracing.current() is None; " \
           "assert not any(name.startswith('opentelemetry') for name in sys.modules)"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)

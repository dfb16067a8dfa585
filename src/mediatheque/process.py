"""One process of the tree that `serve` keeps: `web`, `worker LANE…` or `metrics PORT`."""

import asyncio
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import structlog
from setproctitle import setproctitle

from mediatheque import tracing
from mediatheque.model import Queue
from mediatheque.settings import Settings

if TYPE_CHECKING:
    from mediatheque.surfaces.front import Front

COUNTS_BYTES = {"counter": 64 << 10, "histogram": 512 << 10, "gauge_all": 64 << 10}
"""Room for the counts of one process: times of every skill in every bucket among them."""
DRAIN_SECONDS = 20
"""For running requests to end after SIGTERM."""


def begin(settings: Settings, role: str, arguments: tuple[str, ...]) -> None:
    """Be that process, until SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    setproctitle(" ".join(("mediatheque:", role, *arguments)))
    set_up_logs(settings)
    tracing.set_up(role)
    try:
        if role == "web":
            web(settings)
        elif role == "metrics":
            metrics(settings, int(arguments[0]))
        else:
            worker(settings, [Queue(lane) for lane in arguments])
    finally:
        tracing.end()


def web(settings: Settings) -> None:
    """Serve HTTP until SIGTERM; requests under way are finished."""
    share_counts(settings.data_dir / "metrics")
    import uvloop

    from mediatheque.app import PROBES, make_web, open_parts

    uvloop.run(_serve(make_web(open_parts(settings, decoders=PROBES)), settings))


def worker(settings: Settings, lanes: list[Queue]) -> None:
    """Do jobs until SIGTERM; the one in hand is finished."""
    share_counts(settings.data_dir / "metrics")
    from mediatheque.app import make_worker, open_parts

    parts = open_parts(settings, decoders=1)
    working = make_worker(parts, lanes)
    signal.signal(signal.SIGTERM, lambda *_: working.stop())
    working.run()
    parts.close()


def metrics(settings: Settings, port: int) -> None:
    """Show what the workers of this machine counted, on a port of its own, until SIGTERM: they have no HTTP else."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.data_dir / "metrics")
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server, _ = start_http_server(port, settings.host, registry)
    signal.sigwait({signal.SIGTERM})
    server.shutdown()


def share_counts(folder: Path) -> None:
    """Have prometheus_client keep its counts in files there, where `/metrics` of every process finds them.

    It maps them with holes, and the first write to a hole on a full disk is a SIGBUS: so their room is taken before.
    Where there is none, this process counts for itself.
    """
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        for kind, size_bytes in COUNTS_BYTES.items():
            with (folder / f"{kind}_{os.getpid()}.db").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size_bytes)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # read when prometheus_client is imported


def set_up_logs(settings: Settings) -> None:
    """Lines for people on a terminal, JSON elsewhere, to standard error; a closed one is not our end."""
    wanted = settings.log_format or ("console" if sys.stderr.isatty() else "json")
    renderer = structlog.dev.ConsoleRenderer() if wanted == "console" else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Steady(sys.stderr))),
    )


class Steady(io.TextIOBase):
    """Standard error for the log: a full disk or a closed pipe behind it loses lines, not requests."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


async def _serve(front: "Front", settings: Settings) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    server = Server(
        front,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # else a connection that says nothing at all is never given up
        backlog=1024,
        http1_settings=HTTP1Settings(header_read_timeout=30_000, max_buffer_size=1 << 20),
        log_enabled=False,
    )

    def stop() -> None:
        front.end()
        server.stop()  # type: ignore[no-untyped-call]

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    await server.serve()

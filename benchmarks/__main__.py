"""`python -m benchmarks [--quick] [PART…]`: measure, print the table, and optionally keep it as JSON."""

import argparse
import atexit
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import (
    artifacts,
    capacity,
    console,
    enrichment,
    front,
    ingest,
    lists,
    machine,
    proxy,
    queue,
    report,
    startup,
    stream,
    upload,
)
from benchmarks.report import Figure
from benchmarks.server import postgres

PARTS = (
    "startup",
    "ingest",
    "stream",
    "proxy",
    "front",
    "queue",
    "lists",
    "artifacts",
    "enrichment",
    "upload",
    "console",
    "capacity",
)
QUICK_NOTE = "Short form: fewer rounds, up to 100,000 rows. `python -m benchmarks` is the full one."
SHARED_NOTE = "Client and server share these cores; medians of interleaved rounds. Ratios travel, absolutes do not."
QUIET_LOAD = 0.5


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="mediatheque-benchmarks-", dir=options.folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # PostgreSQL's own farewell still writes there
    started = time.monotonic()
    machine.compile_bytecode()
    figures: list[Figure] = []
    notes = [SHARED_NOTE, *([QUICK_NOTE] if options.quick else [])]
    if (load := machine.others_load()) > QUIET_LOAD:
        notes.append(f"Others were using the machine (load {load:.1f} before the start): figures are too low.")
    with postgres(folder / "postgresql") as postgresql:
        parts = {
            "startup": lambda: startup.measure(folder, quick=options.quick),
            "ingest": lambda: ingest.measure(folder, quick=options.quick),
            "stream": lambda: stream.measure(folder, quick=options.quick),
            "proxy": lambda: proxy.measure(folder, quick=options.quick),
            "front": lambda: front.measure(folder, quick=options.quick),
            "capacity": lambda: capacity.measure(folder, postgresql, quick=options.quick),
            "queue": lambda: queue.measure(folder, postgresql, quick=options.quick),
            "lists": lambda: lists.measure(folder, postgresql, quick=options.quick),
            "artifacts": lambda: artifacts.measure(folder, postgresql, quick=options.quick),
            "enrichment": lambda: enrichment.measure(folder, quick=options.quick),
            "upload": lambda: upload.measure(folder, quick=options.quick),
            "console": lambda: console.measure(folder, quick=options.quick),
        }
        for part in options.parts or PARTS:
            figures += _told(parts[part](), part, notes)
    notes.append(f"Took {time.monotonic() - started:.0f} s.")
    described = machine.describe()
    report.show(figures, described, notes)
    if options.json:
        report.save(figures, described, options.json)


def _told(measured: Iterable[Figure], part: str, notes: list[str]) -> list[Figure]:
    """The figures, each told as soon as it is there."""
    figures = []
    try:
        for figure in measured:
            figures.append(figure)
            print(
                f"{part}: {figure.work}: {report.number(figure.value)} {figure.unit} {figure.verdict}", file=sys.stderr
            )
    except LookupError as missing:
        notes.append(f"{part} was left out: {missing}.")
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="The server beside the limits of this machine.")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="three minutes, up to 100,000 rows")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--folder", type=Path, help="where to work: on the disk that is to be measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()

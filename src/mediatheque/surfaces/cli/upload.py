"""`mediatheque upload`: files and folders into the library; what it has already is not sent again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediatheque.surfaces.cli.exits import Exit, exit_of
from mediatheque.surfaces.cli.options import (
    DEFAULT_URL,
    ApiKey,
    Folder,
    Json,
    Tags,
    Url,
    connected,
    is_watched,
    listed,
    say,
    show,
    size,
    stopped,
)

if TYPE_CHECKING:
    from mediatheque.client import Client
    from mediatheque.surfaces.cli.sending import Report, Sending, Told

SETTLED_SECONDS = 2
"""A watched file that has not changed for so long is taken to be whole."""
CLOCK_SECONDS = 0.1
"""How far the clock of a file system may be behind."""


def upload(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, and folders with all that is in them.")],
    folder: Folder = "",
    tags: Tags = "",
    watch: Annotated[bool, typer.Option("--watch", help="Then go on with files that come or change.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Files on their way at a time.")] = 4,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Send files that the library does not have; run again after an interruption, it goes on."""
    from mediatheque.surfaces.cli.journal import Journal
    from mediatheque.surfaces.cli.sending import Sending, files_in

    with connected(url, api_key) as client, _telling(quiet=as_json) as told:
        wishes = _wishes(client, folder, tags, dry_run)
        journal = Journal(url, api_key)

        def sending() -> "Sending":
            return Sending(client, journal, wishes, at_once=concurrency, is_dry=dry_run, told=told)

        began = time.time()
        report = sending().run(files_in(paths))
        _tell(report, as_json, dry_run)
        if watch and not report.is_interrupted and report.fatal is None:
            with suppress(KeyboardInterrupt):  # the watch ends with it, whatever it was just at
                for changed in _settled(paths, began):
                    report = sending().run(changed)
                    _tell(report, as_json, dry_run)
                    if report.is_interrupted or report.fatal:
                        break
            if report.fatal is None:
                raise typer.Exit(Exit.DONE)
    _end(report)


def _wishes(client: "Client", folder: str, tags: str, dry_run: bool) -> dict[str, Any]:
    wishes: dict[str, Any] = {"tags": listed(tags)}
    if folder and not dry_run:
        wishes["folder_id"] = client.folders.with_path(folder, make=True).id
    return wishes


def _tell(report: "Report", as_json: bool, dry_run: bool) -> None:
    if as_json:
        show(report.as_json())
        return
    told = report.as_json()
    for item in report.items:
        if item.error:
            typer.echo(f"{item.state}: {item.path}: {item.error}", err=True)
    left = f", {told['to_send']} {'would be sent' if dry_run else 'not sent'}" if told["to_send"] else ""
    say(
        f"{told['found']} files: {told['sent']} sent ({size(told['sent_bytes'])}), {told['known']} were there already, "
        f"{told['skipped']} skipped, {told['failed']} failed{left}; {told['seconds']} s"
    )


def _end(report: "Report") -> None:
    if report.is_interrupted:
        raise stopped("interrupted; run it again to go on", Exit.INTERRUPTED)
    if report.fatal is not None:
        raise stopped(str(report.fatal), exit_of(report.fatal))
    raise typer.Exit(Exit.WRONG if report.count("failed") else Exit.DONE)


@contextmanager
def _telling(*, quiet: bool) -> Iterator["Told"]:
    """Bars on a terminal: files and bytes that are settled."""
    if quiet or not is_watched():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("0 files", total=None)
        settled = 0

        def told(item: Any) -> None:
            nonlocal settled
            settled += 1
            progress.update(task, advance=item.size_bytes, description=f"{settled} files, {item.path.name[:30]}")

        yield told


def _settled(paths: list[Path], began: float) -> Iterator[list[Path]]:
    """Files that came or changed since then, once nobody has written to them for a while. Ends with Ctrl-C."""
    from watchfiles import Change, watch

    from mediatheque.surfaces.cli.sending import files_in

    changing: set[Path] | None = None
    for changes in watch(*paths, rust_timeout=1000, yield_on_timeout=True, raise_interrupt=False):
        if changing is None:  # what came before anybody watched
            changing = {it for it in files_in(paths) if it.is_file() and it.stat().st_ctime >= began - CLOCK_SECONDS}
        changing |= {Path(name) for kind, name in changes if kind is not Change.deleted}
        changing = {it for it in changing if it.is_file() and not it.name.startswith(".")}
        whole = {it for it in changing if time.time() - it.stat().st_ctime >= SETTLED_SECONDS}
        changing -= whole
        if whole:
            yield sorted(whole)

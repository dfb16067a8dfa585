"""The `mediatheque` command, and what the user can mend told in one line."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediatheque import app as composition
from mediatheque import tracing, upkeep
from mediatheque.errors import LibraryError
from mediatheque.model import Queue
from mediatheque.records.schema import NewerSchema
from mediatheque.settings import Settings, SettingsError, read_settings
from mediatheque.supervisor import check_port, environment, supervise
from mediatheque.surfaces.cli import backup, fsck, keys, models, restore, storage, transfer

if TYPE_CHECKING:
    from mediatheque.core.accounts import FirstCredentials
    from mediatheque.core.fsck import Fsck

commands = typer.Typer(no_args_is_help=True, add_completion=False, help="The media library behind AI apps.")
commands.add_typer(keys.commands, name="keys")
commands.command()(fsck.command(lambda: _open_fsck()))  # noqa: PLW0108
commands.command()(backup.command(lambda: upkeep.make_backup(_open_parts())))
commands.command()(restore.command(lambda folder: upkeep.make_restoring(read_settings(), folder)))
commands.add_typer(storage.commands(lambda: upkeep.make_relocating(_open_parts())), name="storage")
commands.command()(transfer.export_command(lambda: upkeep.make_transfer(_open_parts())))
commands.command(name="import")(transfer.import_command(lambda: upkeep.make_transfer(_open_parts())))
commands.command()(models.command(lambda: composition.make_shelf(read_settings())))


@commands.callback()
def _context(context: typer.Context) -> None:
    context.obj = lambda: composition.make_accounts(read_settings())


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[bool, typer.Option(help="Start background workers too.")] = True,
    processes: Annotated[int, typer.Option(min=1, help="API processes on the one port.")] = 1,
) -> None:
    """Run the API and the background workers in one process tree."""
    settings = read_settings(**{name: value for name, value in (("host", host), ("port", port)) if value is not None})
    try:
        check_port(settings.host, settings.port)
    except OSError as error:
        raise SettingsError(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    tracing.check()
    first = composition.prepare(settings)
    for counts in (settings.data_dir / "metrics").glob("*.db"):
        counts.unlink()  # those of processes that have ended
    _welcome(settings, first)
    supervise(environment(settings.host, settings.port), processes, settings.workers if workers else 0, tuple(Queue))


@commands.command()
def worker(
    queues: Annotated[str, typer.Option(help="Queues to work on, comma-separated.")] = ",".join(Queue),
) -> None:
    """Run background workers alone, beside servers on the same database and store."""
    try:
        lanes = tuple(Queue(name.strip()) for name in queues.split(","))
    except ValueError as error:
        raise SettingsError(f"--queues {queues!r}: takes {', '.join(Queue)}") from error
    settings = read_settings()
    tracing.check()
    composition.prepare(settings)
    for counts in (settings.data_dir / "metrics").glob("*.db"):
        if not Path("/proc", counts.stem.rpartition("_")[2]).exists():  # a server may keep its own there
            counts.unlink(missing_ok=True)
    supervise(environment(settings.host, settings.port), 0, settings.workers, lanes)


def main() -> None:
    """Run a command; what the user can mend is told in one line, without a traceback."""
    _open_standard_files()
    try:
        commands()
    except (SettingsError, NewerSchema) as error:
        sys.exit(f"mediatheque: {error}")
    except LibraryError as error:
        sys.exit(f"mediatheque: {error.message}")


def _open_fsck() -> "Fsck":
    return composition.make_fsck(_open_parts())


def _open_parts() -> composition.Parts:
    return upkeep.open_library(read_settings())


def _welcome(settings: Settings, first: "FirstCredentials | None") -> None:
    lines: list[Any] = [f"Mediatheque serves {settings.base_url}"]
    if first is not None:
        lines += [
            f"First start. Login: {first.username}  password: {first.password}",
            f"First API key: {first.key}",
            "Both are shown this once; `mediatheque keys create --tenant default` makes more keys.",
        ]
    with suppress(OSError):  # nobody can read it; the server can serve all the same
        typer.echo("\n".join(lines))
        sys.stdout.flush()


def _open_standard_files() -> None:
    """Where one of the first three descriptors is closed, some file would get it, and all that is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            os.set_inheritable(number, True)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115


if __name__ == "__main__":
    main()

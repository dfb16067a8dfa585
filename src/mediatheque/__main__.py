"""The `mediatheque` command: the server and its upkeep, and the library for those who use it."""

import gc
import importlib.util
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from mediatheque import tracing
from mediatheque.errors import LibraryError, Told
from mediatheque.model import Queue
from mediatheque.supervisor import Supervisor, apart, check_port
from mediatheque.surfaces.cli import (
    artifacts,
    backup,
    demo,
    doctor,
    erasing,
    files,
    fsck,
    keys,
    models,
    restore,
    storage,
    tenants,
    transfer,
    upload,
)
from mediatheque.surfaces.cli.options import PREFIX

if TYPE_CHECKING:
    from mediatheque import app as composition
    from mediatheque import checkup, configuration, process, upkeep
    from mediatheque import settings as configured
    from mediatheque.core.accounts import Accounts, FirstCredentials
    from mediatheque.core.fsck import Fsck
    from mediatheque.parts import Parts
    from mediatheque.settings import Settings
else:

    def _later(name: str) -> Any:
        """A module that is imported when it is first used: `--help` needs none of these (importlib's own recipe)."""
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.find_spec(name)
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    configured = _later("mediatheque.settings")
    composition = _later("mediatheque.app")
    checkup, configuration = _later("mediatheque.checkup"), _later("mediatheque.configuration")
    process, upkeep = _later("mediatheque.process"), _later("mediatheque.upkeep")


def read_settings(**overrides: Any) -> "Settings":
    return configured.read_settings(**overrides)


commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than all else that `--help` needs
    help="The media library behind AI apps.",
)
commands.add_typer(keys.commands, name="keys")
commands.command()(fsck.command(lambda: _open_fsck()))  # noqa: PLW0108
commands.command()(backup.command(lambda: upkeep.make_backup(_open_parts())))
commands.command()(restore.command(lambda folder: upkeep.make_restoring(read_settings(), folder)))
commands.add_typer(storage.commands(lambda: upkeep.make_relocating(_open_parts())), name="storage")
commands.add_typer(tenants.commands(lambda: upkeep.make_policies(_open_parts())), name="tenants")
commands.command()(erasing.erase_command(lambda: upkeep.make_erasing(_open_parts())))
commands.command("erasures")(erasing.list_command(lambda: upkeep.make_erasing(_open_parts())))
commands.command()(transfer.export_command(lambda: upkeep.make_transfer(_open_parts())))
commands.command(name="import")(transfer.import_command(lambda: upkeep.make_transfer(_open_parts())))
commands.command()(models.command(lambda: composition.make_shelf(read_settings())))
commands.command()(upload.upload)
commands.command()(files.search)
commands.command()(files.get)
commands.command()(files.ls)
commands.add_typer(files.links, name="link")
commands.add_typer(artifacts.commands, name="artifact")
commands.command()(demo.demo)
commands.command("doctor")(doctor.doctor(lambda url: checkup.looks(url)))  # noqa: PLW0108
commands.command("config")(doctor.config(lambda: configuration.effective(read_settings())))


@commands.callback()
def _context(context: typer.Context) -> None:
    context.obj = _open_accounts


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[bool, typer.Option(help="Start background workers too.")] = True,
    processes: Annotated[int, typer.Option(min=1, help="API processes on the one port.")] = 1,
) -> None:
    """Run the API and the background workers in one process tree."""
    _begin_imports()
    settings = read_settings(**{name: value for name, value in (("host", host), ("port", port)) if value is not None})
    _check_port(settings.host, settings.port)
    tracing.check()
    # Nobody keeps the first credentials: who is forked has all that is in memory then.
    _tell(_prepared(settings, web=True), sys.stdout, f"Mediatheque serves {settings.base_url}")
    for counts in (settings.data_dir / "metrics").glob("*.db"):
        counts.unlink()  # those of processes that have ended
    supervisor = Supervisor(partial(process.begin, settings))
    supervisor.run(processes, settings.workers if workers else 0, tuple(Queue))


@commands.command()
def worker(
    queues: Annotated[str, typer.Option(help="Queues to work on, comma-separated.")] = ",".join(Queue),
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of their own /metrics; 0: none.")] = 0,
) -> None:
    """Run background workers alone, beside servers on the same database and store."""
    _begin_imports()
    try:
        lanes = tuple(Queue(name.strip()) for name in queues.split(","))
    except ValueError as error:
        raise Told(f"--queues {queues!r}: takes {', '.join(Queue)}") from error
    settings = read_settings()
    if metrics_port:
        _check_port(settings.host, metrics_port)
    tracing.check()
    _tell(_prepared(settings, web=False), sys.stderr)
    for counts in (settings.data_dir / "metrics").glob("*.db"):
        if not Path("/proc", counts.stem.rpartition("_")[2]).exists():  # a server may keep its own there
            counts.unlink(missing_ok=True)
    Supervisor(partial(process.begin, settings)).run(0, settings.workers, lanes, metrics_port)


def main() -> None:
    """Run a command; what the user can mend is told in one line, without a traceback."""
    _open_standard_files()
    try:
        commands(auto_envvar_prefix=PREFIX)
    except Told as error:
        sys.exit(f"mediatheque: {error}")
    except LibraryError as error:
        sys.exit(f"mediatheque: {error.message}")


def _begin_imports() -> None:
    """Look for no garbage where little arises, which takes a fifth of the time of a start; children do."""
    gc.disable()


def _prepared(settings: "Settings", *, web: bool) -> "FirstCredentials | None":
    return apart(partial(composition.prepare, settings), partial(composition.preload, web=web))


def _check_port(host: str, port: int) -> None:
    try:
        check_port(host, port)
    except OSError as error:
        raise Told(f"Cannot listen on {host}:{port}: {error.strerror}") from error


def _open_fsck() -> "Fsck":
    return composition.make_fsck(_open_parts())


def _open_parts() -> "Parts":
    settings = read_settings()
    _tell(composition.prepare(settings), sys.stderr)
    return composition.open_parts(settings, decoders=1)


def _open_accounts() -> "Accounts":
    settings = read_settings()
    _tell(composition.prepare(settings), sys.stderr)
    return composition.make_accounts(settings)


def _tell(first: "FirstCredentials | None", stream: TextIO, *before: str) -> None:
    """Say what is said once: the first credentials, when this was the first start of all."""
    lines = [*before]
    if first is not None:
        lines += [
            f"First start. Login: {first.username}  password: {first.password}",
            f"First API key: {first.key}",
            "Both are shown this once; `mediatheque keys create --tenant default` makes more keys.",
        ]
    with suppress(OSError):  # nobody can read it; the server can serve all the same
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()


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

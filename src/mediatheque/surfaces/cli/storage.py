"""`mediatheque storage`: move a tenant's bytes from one place to another."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.relocating import Moved, Relocating


def commands(open_relocating: "Callable[[], Relocating]") -> typer.Typer:
    """The group of commands, over a library that is opened when one runs."""
    group = typer.Typer(no_args_is_help=True, help="Where bytes lie.")
    group.callback()(lambda: None)

    @group.command()
    def move(
        tenant: Annotated[str, typer.Option(help="Whose bytes.")],
        source: Annotated[str, typer.Option("--from", help="A storage profile's name, or `own`: the server's store.")],
        target: Annotated[str, typer.Option("--to", help="The same, of the new place.")],
        as_json: Json = False,
    ) -> None:
        """Move a tenant's objects while the library is used, each held against its hash; exits 1 if some are damaged.

        What is interrupted is gone on with by the same command.
        """
        moved = open_relocating().move(tenant, source, target, lambda it: _tell(it, as_json=as_json))
        typer.echo(json.dumps(moved.as_json()) if as_json else _text(moved))
        raise typer.Exit(1 if moved.damaged else 0)

    return group


def _tell(moved: "Moved", *, as_json: bool) -> None:
    if not as_json and sys.stderr.isatty():
        typer.echo(f"{moved.objects} objects, {moved.bytes} bytes", err=True)


def _text(moved: "Moved") -> str:
    lines = [f"{moved.objects} objects, {moved.bytes} bytes moved; {moved.left} are left there"]
    return "\n".join(lines + [f"damaged: {key}" for key in moved.damaged])

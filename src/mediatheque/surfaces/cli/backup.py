"""`mediatheque backup`: copy the library into a folder, also while the server runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.backup import Backup, Taken


def command(open_backup: "Callable[[], Backup]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def backup(
        folder: Annotated[Path, typer.Argument(help="Where to; an earlier backup there is brought up to date.")],
        as_json: Json = False,
    ) -> None:
        """Copy all rows and objects as they are at one moment; exits 1 when some object could not be copied."""
        taken = open_backup().take(folder)
        typer.echo(json.dumps(taken.as_json()) if as_json else _text(taken))
        raise typer.Exit(0 if taken.is_clean else 1)

    return backup


def _text(taken: "Taken") -> str:
    lines = [f"{taken.rows} rows, {taken.objects} objects, {taken.bytes} bytes; {taken.copied} objects were new"]
    for name, entries in taken.as_json().items():
        if isinstance(entries, list):
            lines += [f"{name.replace('_', ' ')}: {entry}" for entry in entries]
    return "\n".join(lines)

"""`mediatheque restore`: a library out of a backup, on an empty machine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.restoring import Restored, Restoring


def command(open_restoring: "Callable[[Path], Restoring]") -> Callable[..., None]:
    """The command, over a place that is opened when it runs."""

    def restore(
        folder: Annotated[Path, typer.Argument(help="The backup.")],
        verify: Annotated[bool, typer.Option("--verify", help="Then hold every object against its hash.")] = False,
        as_json: Json = False,
    ) -> None:
        """Bring a backup into the configured database and store, which are empty; exits 1 when something is wrong.

        They need not be of the kind that the backup was taken from.
        """
        restored = open_restoring(folder).restore(folder, verify=verify)
        typer.echo(json.dumps(restored.as_json()) if as_json else _text(restored))
        raise typer.Exit(0 if restored.is_clean else 1)

    return restore


def _text(restored: "Restored") -> str:
    lines = [f"{restored.rows} rows, {restored.objects} objects restored"]
    lines += [f"damaged: {key}" for key in restored.damaged]
    lines += [f"out of reach: {name}" for name in restored.unreachable_stores]
    if restored.verified is not None:
        found = restored.verified
        lines.append(f"verified: {found.assets} assets, {found.objects} objects: {_verdict(restored)}")
    return "\n".join(lines)


def _verdict(restored: "Restored") -> str:
    assert restored.verified is not None
    return "clean" if restored.verified.is_clean else json.dumps(restored.verified.as_json())

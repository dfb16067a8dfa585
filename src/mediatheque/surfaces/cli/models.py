"""`mediatheque models`: which models are there, and loading them ahead."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.models import Shelf, Shown


def command(open_shelf: "Callable[[], Shelf]") -> Callable[..., None]:
    """The command, over a shelf that is opened when it runs."""

    def models(
        warm: Annotated[bool, typer.Option("--warm", help="Load them, in the server where one runs.")] = False,
        as_json: Json = False,
    ) -> None:
        """List the models that understand files, and what those that are missing need."""
        shelf = open_shelf()
        try:
            found = shelf.listed(warm=warm)
        finally:
            shelf.close()
        typer.echo(json.dumps([asdict(one) for one in found]) if as_json else "\n".join(_line(one) for one in found))

    return models


def _line(one: "Shown") -> str:
    state = one.missing or ("there" if one.loaded_seconds is None else f"loaded in {one.loaded_seconds} s")
    return f"{one.name} ({one.extra}): {one.purpose}: {state}"

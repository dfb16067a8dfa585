"""`mediatheque export` and `import`: one tenant's library as plain files and JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.transfer import Transfer, Transferred


def export_command(open_transfer: "Callable[[], Transfer]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def export(
        folder: Annotated[Path, typer.Argument(help="Where to; an empty folder, or one to be made.")],
        tenant: Annotated[str, typer.Option(help="Whose library.")],
        as_json: Json = False,
    ) -> None:
        """Write a tenant's files, and all that is known of them, as plain files and JSON."""
        _tell("exported", open_transfer().export(tenant, folder), as_json=as_json)

    return export


def import_command(open_transfer: "Callable[[], Transfer]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def take_in(
        folder: Annotated[Path, typer.Argument(help="What `export` wrote.")],
        tenant: Annotated[str | None, typer.Option(help="The new tenant's name; default: as it was.")] = None,
        as_json: Json = False,
    ) -> None:
        """Bring an exported library into a new tenant; its people get keys by `keys create`."""
        _tell("imported", open_transfer().take_in(folder, tenant), as_json=as_json)

    return take_in


def _tell(done: str, it: "Transferred", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(it.as_json()))
        return
    typer.echo(f"{it.tenant}: {it.assets} assets, {it.objects} objects, {it.bytes} bytes, {it.rows} rows {done}")
    if it.renamed:
        typer.echo(f"{it.renamed} ids were taken here: ids.json lists what took their place")

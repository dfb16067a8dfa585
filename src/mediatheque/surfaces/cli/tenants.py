"""`mediatheque tenants`: who has a library here, and what becomes of the metadata in what comes into it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.privacy import MetadataPolicy
from mediatheque.surfaces.cli.options import Json, say, show

if TYPE_CHECKING:
    from mediatheque.core.policies import Policies


def commands(open_policies: "Callable[[], Policies]") -> typer.Typer:
    """The group of commands, over a library that is opened when one runs."""
    group = typer.Typer(no_args_is_help=True, help="Tenants, and what they decided.")

    @group.command(name="list")
    def list_tenants(as_json: Json = False) -> None:
        """List all tenants."""
        found = open_policies().tenants()
        rows = [
            {"tenant_id": it.uuid, "name": it.name, "metadata": it.metadata_policy, "is_disabled": it.is_disabled}
            for it in found
        ]
        if as_json:
            show(rows)
            return
        for it in found:
            say(f"{it.name}  metadata: {it.metadata_policy}{'  (disabled)' if it.is_disabled else ''}")

    @group.command()
    def metadata(
        tenant: Annotated[str, typer.Argument(help="The tenant's name.")],
        policy: Annotated[MetadataPolicy, typer.Argument(help="What becomes of metadata in pictures and videos.")],
    ) -> None:
        """Decide what is taken out of pictures and videos that come in from now on, also while the server runs."""
        open_policies().decide_outside(tenant, policy)
        say(f"{tenant}: {policy}")

    return group

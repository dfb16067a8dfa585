"""`mediatheque keys`: make, list and revoke API keys, also while the server runs."""

import json
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from mediatheque.model import Role
from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.accounts import Accounts

commands = typer.Typer(no_args_is_help=True, help="API keys.")


@commands.command()
def create(
    context: typer.Context,
    tenant: Annotated[str, typer.Option(help="The tenant; made when missing.")],
    user: Annotated[
        str | None, typer.Option(help="The user; made when missing. Default: one of the key's own.")
    ] = None,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.EDITOR,
    scope: Annotated[list[str] | None, typer.Option(help="Narrow the role to this scope; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key; its secret is shown this once."""
    made = _accounts(context).create_key(tenant, user=user, role=role, scopes=scope)
    row = {"key": made.key, "key_id": made.key_id, "tenant_id": made.tenant_id, "user_id": made.user_id}
    _print(row) if as_json else _say(f"{made.key}\n(shown once; id {made.key_id})")


@commands.command(name="list")
def list_keys(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="Only of this tenant.")] = None,
    as_json: Json = False,
) -> None:
    """List keys: never their secrets."""
    rows = [_row(key) for key in _accounts(context).keys(tenant)]
    if as_json:
        _print(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "tenant", "user", "prefix", "role", "state")
    for row in rows:
        state = "revoked" if row["revoked_at"] else "active"
        table.add_row(*(str(row[name]) for name in ("key_id", "tenant", "user", "prefix", "role")), state)
    Console().print(table)


@commands.command()
def revoke(context: typer.Context, key_id: UUID) -> None:
    """Revoke a key: every process refuses it at once."""
    _accounts(context).revoke_key(key_id)
    _say(f"Revoked {key_id}")


def _accounts(context: typer.Context) -> "Accounts":
    accounts: Accounts = context.obj()
    return accounts


def _row(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "key_id": key["key_uuid"],
        "tenant": key["tenant_name"],
        "tenant_id": key["tenant_uuid"],
        "user": key["user_name"],
        "user_id": key["user_uuid"],
        "name": key["key_name"],
        "prefix": key["prefix"],
        "role": key["key_role"],
        "scopes": key["scopes"],
        "created_at": key["created_at"],
        "expires_at": key["expires_at"],
        "last_used_at": key["last_used_at"],
        "revoked_at": key["revoked_at"],
    }


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, default=str))


def _say(text: str) -> None:
    typer.echo(text)

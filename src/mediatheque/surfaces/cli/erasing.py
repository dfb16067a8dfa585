"""`mediatheque erase` and `mediatheque erasures`: files gone for good, and the signed records of that."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from mediatheque.errors import LibraryError
from mediatheque.surfaces.cli.exits import Exit
from mediatheque.surfaces.cli.options import Json, say, show

if TYPE_CHECKING:
    from mediatheque.core.erasing import Erasing, Recorded

VERDICTS = {True: "genuine", False: "FORGED", None: "unknown key"}


def erase_command(open_erasing: "Callable[[], Erasing]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def erase(
        asset_ids: Annotated[list[UUID], typer.Argument(metavar="ASSET_ID…", help="Ids of files, of any tenant.")],
        reason: Annotated[
            str | None, typer.Option(help="Stays on record and is signed: no place for personal data.")
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Erase files for good with all that was made of them, also while the server runs; signed records stay.

        Exits 1 when one is not there; the others are erased all the same.
        """
        erasing, records, problems = open_erasing(), [], []
        for uuid in dict.fromkeys(asset_ids):
            try:
                records += erasing.erase_outside(uuid, reason=reason)
            except LibraryError as error:
                problems.append(error.message)
        if as_json:
            show([_row(it) for it in records])
        for it in records if not as_json else ():
            say(_text(it))
        for problem in problems:
            typer.echo(f"mediatheque: {problem}", err=True)
        raise typer.Exit(Exit.WRONG if problems else Exit.DONE)

    return erase


def list_command(open_erasing: "Callable[[], Erasing]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def erasures(
        tenant: Annotated[str | None, typer.Option(help="Only of this tenant.")] = None,
        verify: Annotated[bool, typer.Option("--verify", help="Exit 1 unless every signature holds.")] = False,
        as_json: Json = False,
    ) -> None:
        """List what is on record of erased files, and whether each signature holds."""
        erasing = open_erasing()
        records = erasing.all(tenant)
        if as_json:
            show({"erasures": [_row(it) for it in records], "public_keys": dict(erasing.notary.public_keys)})
        else:
            for it in records:
                say(_text(it))
            say(f"{len(records)} records")
        raise typer.Exit(Exit.WRONG if verify and not all(it.is_genuine for it in records) else Exit.DONE)

    return erasures


def _row(it: "Recorded") -> dict[str, Any]:
    made = it.erasure
    return {
        "id": made.id, "tenant_id": made.tenant_id, "asset_id": made.asset_id, "kind": made.kind, "sha256": made.sha256,
        "size_bytes": made.size_bytes, "derived_from": made.derived_from, "erased_at": made.erased_at,
        "erased_by": made.erased_by, "reason": made.reason, "is_complete": it.is_complete, "is_genuine": it.is_genuine,
        "key_id": it.key_id, "signature": it.signature, "signed": made.signed_bytes().decode(),
    }  # fmt: skip


def _text(it: "Recorded") -> str:
    made = it.erasure
    waits = "" if it.is_complete else "  (some bytes wait for their store)"
    return (
        f"{made.asset_id}  {made.erased_at:%Y-%m-%d %H:%M:%S}Z  {made.sha256 or '-'}  {VERDICTS[it.is_genuine]}{waits}"
    )

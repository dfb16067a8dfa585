"""`mediatheque doctor` and `config`: what is wrong with an installation and what to do, and what its settings are."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from mediatheque.surfaces.cli.exits import Exit
from mediatheque.surfaces.cli.options import DEFAULT_URL, Json, Url, say, show

if TYPE_CHECKING:
    from mediatheque.core.health import Look

MARKS = {"good": "ok", "doubtful": "hm", "wrong": "!!"}


def doctor(looks: "Callable[[str], Iterable[Look]]") -> Callable[..., None]:
    """The command, over what is looked at when it runs."""

    def command(as_json: Json = False, url: Url = DEFAULT_URL) -> None:
        """Look at settings, database, clock, workers, store, disk, models and server; exits 1 when one is wrong."""
        found = list(looks(url))
        if as_json:
            show([asdict(one) for one in found])
        else:
            for one in found:
                say(f"{MARKS[one.state]}  {one.part}: {one.told}" + (f"\n      {one.advice}" if one.advice else ""))
        raise typer.Exit(Exit.WRONG if any(one.state == "wrong" for one in found) else Exit.DONE)

    return command


def config(effective: Callable[[], list[dict[str, Any]]]) -> Callable[..., None]:
    """The command, over the settings as they are when it runs."""

    def command(as_json: Json = False) -> None:
        """Show every setting as it holds here, and where it comes from; secrets are hidden."""
        rows = effective()
        if as_json:
            show(rows)
            return
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            say(f"{row['name']:<{width}}  {row['source']:<11}  {row['value']}".rstrip())

    return command

"""What several commands have in common: where the server is, how they print, and what becomes of a refusal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediatheque.surfaces.cli.exits import Exit, exit_of

if TYPE_CHECKING:
    from mediatheque.client import Client

PREFIX = "MEDIATHEQUE"
"""Of the variable that every option has: MEDIATHEQUE_{COMMAND}_{OPTION}, unless its help names another."""
DEFAULT_URL = "http://127.0.0.1:8000"

Url = Annotated[str, typer.Option("--url", envvar="MEDIATHEQUE_URL", help="Where the server is.")]
ApiKey = Annotated[str, typer.Option("--api-key", envvar="MEDIATHEQUE_API_KEY", help="API key.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", envvar="MEDIATHEQUE_JSON", help="Print JSON.")]
Tags = Annotated[str, typer.Option("--tags", help="Comma-separated.", show_default=False)]
Folder = Annotated[str, typer.Option("--folder", help="Path of a folder: names with / between them.")]


@contextmanager
def connected(url: str, api_key: str) -> Iterator["Client"]:
    """A client for the command; what the server refuses ends it with one line and its exit code."""
    from mediatheque.client import Client, MediathequeError

    try:
        with Client(url, api_key=api_key) as client:
            yield client
    except MediathequeError as error:
        raise stopped(str(error), exit_of(error)) from None


def stopped(message: str, code: Exit) -> typer.Exit:
    """Says why on standard error; to be raised."""
    typer.echo(f"mediatheque: {message}", err=True)
    return typer.Exit(code)


def show(value: Any) -> None:
    """JSON, on standard output."""
    typer.echo(json.dumps(value, default=str))


def say(text: str) -> None:
    """What people read, on standard output."""
    typer.echo(text)


def is_watched() -> bool:
    """Whether somebody sees standard error as it is written."""
    return sys.stderr.isatty()


def listed(text: str) -> list[str]:
    """The items of a comma-separated option."""
    return [item.strip() for item in text.split(",") if item.strip()]


def size(size_bytes: int) -> str:
    """For people: `3.4 MB`."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"

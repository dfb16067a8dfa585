"""`mediatheque artifact`: documents in rooms, written, read, and taken back to an earlier version."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mediatheque.surfaces.cli.options import DEFAULT_URL, ApiKey, Json, Url, connected, say, show

commands = typer.Typer(no_args_is_help=True, help="Documents in rooms.")

Room = Annotated[str, typer.Option("--room", envvar="MEDIATHEQUE_ROOM", help="The room's id.")]
Id = Annotated[str, typer.Argument(metavar="ARTIFACT", help="The artifact's id.")]
Content = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, allow_dash=True, dir_okay=False, help="`-`: standard input.")
]
Expected = Annotated[
    int | None, typer.Option("--expect", min=1, help="The version that is changed; a newer one is not.")
]


class Kind(StrEnum):
    MARKDOWN = "markdown"
    CODE = "code"
    JSON = "json"


@commands.command()
def create(
    content: Content,
    title: Annotated[str, typer.Option(help="What it is called.")],
    room: Room = "",
    kind: Annotated[Kind, typer.Option(help="What it is.")] = Kind.MARKDOWN,
    language: Annotated[str, typer.Option(help="Of code.")] = "",
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Make a document; without --room in a new room of the same name."""
    with connected(url, api_key) as client:
        place = room or client.rooms.create(title).id
        it = client.artifacts.create(place, title, _text(content), kind=kind.value, language=language or None)
    show({**it.raw, "room_id": place}) if as_json else say(f"{it.id}  version {it.version}  {place}")


@commands.command()
def get(
    artifact: Id,
    room: Room,
    version: Annotated[int | None, typer.Option(min=1, help="Default: the newest.")] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Print what it says."""
    with connected(url, api_key) as client:
        it = client.artifacts.version(room, artifact, version) if version else client.artifacts.get(room, artifact)
    show(it.raw) if as_json else typer.echo(it.content, nl=False)


@commands.command()
def put(
    artifact: Id,
    content: Content,
    room: Room,
    title: Annotated[str, typer.Option(help="A new title.")] = "",
    change: Annotated[str, typer.Option("--change", help="What has changed, in a sentence.")] = "",
    expect: Expected = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Make a new version of it."""
    with connected(url, api_key) as client:
        it = client.artifacts.put(
            room, artifact, content=_text(content), title=title or None, change_description=change or None,
            expected_version=expect,
        )  # fmt: skip
    show(it.raw) if as_json else say(f"{it.id}  version {it.version}")


@commands.command()
def ls(room: Room, as_json: Json = False, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List the documents of a room, the most recently changed first."""
    with connected(url, api_key) as client:
        found = list(client.artifacts.list(room))
    if as_json:
        show([it.raw for it in found])
    else:
        for it in found:
            say(f"{it.id}  version {it.version:<4}  {it.kind:<8}  {it.updated_at:%Y-%m-%d %H:%M}  {it.title}")


@commands.command()
def history(artifact: Id, room: Room, as_json: Json = False, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List its versions, the newest first."""
    with connected(url, api_key) as client:
        found = list(client.artifacts.versions(room, artifact))
    if as_json:
        show([it.raw for it in found])
    else:
        for it in found:
            say(f"{it.version:>4}  {it.created_at:%Y-%m-%d %H:%M}  {it.change_description or it.title}")


@commands.command()
def revert(
    artifact: Id,
    version: Annotated[int, typer.Argument(min=1, help="What it shall say again.")],
    room: Room,
    expect: Expected = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Make a new version that says what an earlier one said."""
    with connected(url, api_key) as client:
        it = client.artifacts.revert(room, artifact, version, expected_version=expect)
    show(it.raw) if as_json else say(f"{it.id}  version {it.version}")


def _text(content: Path) -> str:
    return sys.stdin.read() if str(content) == "-" else content.read_text()

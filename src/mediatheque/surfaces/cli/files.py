"""`mediatheque search`, `get`, `ls` and `link add`: what is in the library, and what is on the web."""

import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.surfaces.cli.exits import Exit
from mediatheque.surfaces.cli.options import (
    DEFAULT_URL,
    ApiKey,
    Folder,
    Json,
    Tags,
    Url,
    connected,
    listed,
    say,
    show,
    size,
    stopped,
)

if TYPE_CHECKING:
    from mediatheque.client import Client, File

links = typer.Typer(no_args_is_help=True, help="Links to pages.")


class Kind(StrEnum):
    IMAGE = "image"
    DOCUMENT = "document"
    VIDEO = "video"
    AUDIO = "audio"
    LINK = "link"


class Mode(StrEnum):
    WORDS = "words"
    SEMANTIC = "semantic"
    HYBRID = "hybrid"


class Size(StrEnum):
    ORIGINAL = "original"
    TINY = "tiny_64"
    SMALL = "small_256"
    MEDIUM = "medium_750"
    LARGE = "large_1024"


Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Only of this kind; may be repeated.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


def search(
    query: Annotated[str, typer.Argument(help="Words, or what it is about.")],
    mode: Annotated[Mode, typer.Option(help="By words, by meaning, or both.")] = Mode.HYBRID,
    kind: Kinds = None,
    tags: Tags = "",
    folder: Folder = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 20,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Find files by what they say or mean, the best first."""
    with connected(url, api_key) as client:
        found = client.files.search(
            query, mode=mode.value, media_types=[it.value for it in kind or ()], tags=listed(tags),
            folder_id=_folder_id(client, folder), limit=limit,
        )  # fmt: skip
    if as_json:
        hits = [{**hit.file.raw, "score": hit.score} for hit in found.hits]
        show({"total": found.total, "mode": found.mode, "note": found.note, "hits": hits})
        return
    for hit in found.hits:
        say(_line(hit.file))
        for match in hit.matches[:1]:
            say(f"    {match.field}: {' '.join(match.snippet.split())[:100]}")
    if found.note:
        typer.echo(found.note, err=True)


def ls(
    folder: Folder = "",
    kind: Kinds = None,
    tags: Tags = "",
    trash: Annotated[bool, typer.Option("--trash", help="What was deleted and can be restored.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """List files, the newest first."""
    found: list[File] = []
    with connected(url, api_key) as client:
        for it in client.files.list(
            media_types=[it.value for it in kind or ()], tags=listed(tags), folder_id=_folder_id(client, folder),
            deleted=trash, sort_by="created_at", page_size=min(limit, 100),
        ):  # fmt: skip
            found.append(it)
            if len(found) == limit:
                break
    if as_json:
        show([it.raw for it in found])
    else:
        for it in found:
            say(_line(it))


def get(
    file_id: Annotated[str, typer.Argument(help="The file's id, or the first eight characters of it.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where to put it; `-`: standard output. Default: its own name.")
    ] = "",
    variant: Annotated[Size | None, typer.Option(help="A picture's size.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Fetch a file; with --json tell what the library knows of it, and fetch it only to --output."""
    with connected(url, api_key) as client:
        it = client.files.get(file_id)
        if as_json:
            show(it.raw)
        if output == "-":
            with tempfile.TemporaryFile() as file:
                client.files.download_into(it.id, file, variant=variant.value if variant else None)
                file.seek(0)
                shutil.copyfileobj(file, sys.stdout.buffer)
        elif output or not as_json:
            to = Path(output or Path(it.filename or it.id).name)
            if to.exists() and not force:
                raise stopped(f"{to} is there already: --force overwrites it", Exit.USAGE)
            client.files.download(it.id, to, variant=variant.value if variant else None)
            if not as_json:
                say(f"{to} ({size(to.stat().st_size)})")


@links.command()
def add(
    address: Annotated[str, typer.Argument(help="http or https.")],
    title: Annotated[str, typer.Option(help="Default: the page's own.")] = "",
    tags: Tags = "",
    folder: Folder = "",
    crawl: Annotated[bool, typer.Option(help="Have the server visit the page.")] = True,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Save a link."""
    with connected(url, api_key) as client:
        folder_id = client.folders.with_path(folder, make=True).id if folder else None
        it = client.links.add(address, title=title or None, tags=listed(tags), folder_id=folder_id, crawl=crawl)
    show(it.raw) if as_json else say(f"{it.id}  {it.crawl_status}  {it.source_url}")


def _folder_id(client: "Client", path: str) -> str | None:
    return client.folders.with_path(path).id if path else None


def _line(it: "File") -> str:
    day = f"{it.created_at:%Y-%m-%d}" if it.created_at else ""
    name = it.title or it.filename or it.source_url or ""
    return f"{it.id}  {it.media_type or '':<8}  {size(it.size_bytes):>8}  {day}  {name}"

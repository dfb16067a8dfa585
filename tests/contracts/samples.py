"""What the contract tests need to know of each plug-in: where a store can be opened, and files of each kind.

A new store or kind adds its line here, and all the contract's tests run over it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from mediatheque.kinds.link import shortcut
from mediatheque.model import Reach
from mediatheque.ports import Markable, Opening, Site, Store, StoreType
from mediatheque.stores import github, local, s3
from tests import servers
from tests.documents import docx, pdf
from tests.github import TOKEN, GitHub, Repo
from tests.pictures import picture
from tests.videos import recording, video

OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True)
class Sample:
    """How a test opens an empty store: in a folder, on a server of the tests' own."""

    open: Callable[[Path], Store]
    """What it keeps locally lies in the folder."""
    keeps_its_own_staging: bool = True
    rounds: int = 40
    """How often a test that looks for races goes round."""
    has_a_disk: bool = False
    """It is full when the folder's file system is."""


def _local(folder: Path) -> Store:
    store = opened(local.STORE, (folder / "objects").as_uri(), folder)
    assert isinstance(store, Markable)
    store.mark()
    return store


def opened(store_type: StoreType, url: str, folder: Path, options: Mapping[str, str] | None = None) -> Store:
    assert store_type.open is not None
    return store_type.open(url, Site(folder, folder / "staging", (), options or {}))


def _s3(folder: Path) -> Store:
    server = servers.seaweed()
    return opened(s3.STORE, f"s3://{server.place()}", folder, server.options())


def github_store(server: GitHub, folder: Path, *, token: str | None = TOKEN, **configuration: object) -> Store:
    """The store of a profile for `octo/media` or another repository of the stand-in."""
    settings = {"owner": "octo", "repository": "media", "reference": "main", "api_base_url": server.url,
                "raw_base_url": f"{server.url}/raw", **configuration}  # fmt: skip
    site = Site(folder, folder / "staging")
    opening = Opening(
        "profile",
        github.Configuration.model_validate(settings),
        github.Secrets(token=token),
        site,
        Reach(anywhere=True),
    )
    assert github.STORE.provider is not None
    return github.STORE.provider.open(opening)


def _github(folder: Path) -> Store:
    server = servers.github()
    name = uuid4().hex
    server.repos[f"octo/{name}"] = Repo()
    return github_store(server, folder, repository=name)


STORES: Mapping[str, Sample] = {
    "local": Sample(_local, rounds=150, has_a_disk=True),
    "s3": Sample(_s3),
    "github": Sample(_github, keeps_its_own_staging=False, rounds=5),
}
"""By the last part of the module's name."""

FILES: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "image": {
        "image/jpeg": lambda: picture("JPEG"),
        "image/png": lambda: picture("PNG"),
        "image/gif": lambda: picture("GIF"),
        "image/webp": lambda: picture("WEBP"),
    },
    "video": {
        "video/mp4": lambda: video("mp4"),
        "video/quicktime": lambda: video("mov"),
        "video/webm": lambda: video("webm"),
        "video/x-msvideo": lambda: video("avi"),
    },
    "audio": {
        "audio/mpeg": lambda: recording("mp3"),
        "audio/mp4": lambda: recording("ipod"),
        "audio/wav": lambda: recording("wav"),
        "audio/ogg": lambda: recording("ogg"),
        "audio/flac": lambda: recording("flac"),
    },
    "document": {
        "application/pdf": lambda: pdf("One", "Two"),
        f"{OFFICE}.wordprocessingml.document": lambda: docx("One", "Two"),
        "text/plain": lambda: b"One\n\nTwo\n",
        "text/markdown": lambda: b"# One\n\nTwo\n",
        "text/html": lambda: b"<!doctype html><title>One</title><p>Two",
        "text/csv": lambda: b"one,two\n1,2\n",
    },
    "link": {
        "application/internet-shortcut": lambda: shortcut(servers.site().url("/page.html")),
    },
}
"""Good files by kind and media type."""

BREAKABLE = {"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime", "application/pdf"}
"""Types of which half a file is no file; of the others it is a shorter one, or may be."""

FOREIGN = {
    "text": b"A line of text.\n" * 10,
    "markup": b"<!doctype html><script>alert(1)</script>",
    "vector graphics": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "program": b"\x7fELF\x02\x01\x01" + bytes(100),
    "script of a picture": b"push graphic-context\nimage over 0,0 0,0 '/etc/passwd'\npop graphic-context",
}
"""Bytes of none of our kinds."""

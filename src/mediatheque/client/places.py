"""Folders and links (`/api/v2/folders`, `/api/v2/user-files/links`)."""

import uuid
from collections.abc import Sequence
from typing import Literal

from mediatheque.client.errors import Conflict, NotFound
from mediatheque.client.files import FILES
from mediatheque.client.models import Folder, Link, Snapshot
from mediatheque.client.shells import operation
from mediatheque.client.wire import Call, Plan, given, one

FOLDERS = "/api/v2/folders"


class FolderOperations:
    """`client.folders`."""

    @operation
    def list(self) -> Plan[tuple[Folder, ...]]:
        """Every folder of the tree."""
        return _folders()

    @operation
    def create(self, name: str, *, parent_id: str | None = None) -> Plan[Folder]:
        return _created(name, parent_id)

    @operation
    def with_path(self, path: str, *, make: bool = False) -> Plan[Folder]:
        """The folder that names from the root lead to, separated by `/`; `make` those that are missing.

        Raises `NotFound`.
        """
        names = [name for name in path.split("/") if name]
        if not names:
            raise ValueError("a path is at least one name")
        found = {(it.parent_id, it.name): it for it in (yield from _folders())}
        it: Folder | None = None
        for name in names:
            parent_id = it.id if it else None
            it = found.get((parent_id, name)) or (yield from _made(name, parent_id, path, make))
        assert it is not None
        return it

    @operation
    def rename(self, folder_id: str, name: str) -> Plan[Folder]:
        return one(Call("PATCH", f"{FOLDERS}/{folder_id}", json={"name": name}, repeats=True), Folder.of)

    @operation
    def move(self, folder_id: str, parent_id: str | None) -> Plan[Folder]:
        """Put it with all that is in it into another, or with None to the root."""
        body = {"new_parent_id": parent_id}
        return one(Call("POST", f"{FOLDERS}/{folder_id}/move", json=body, repeats=True), Folder.of)

    @operation
    def delete(self, folder_id: str, *, mode: Literal["move_to_parent", "delete_all"] = "move_to_parent") -> Plan[int]:
        """Remove it; what lies in it goes one level up, or into the trash. How many files that were."""
        return one(Call("DELETE", f"{FOLDERS}/{folder_id}", params={"mode": mode}), int, within="files_affected")


class LinkOperations:
    """`client.links`."""

    @operation
    def add(
        self,
        url: str,
        *,
        title: str | None = None,
        tags: Sequence[str] = (),
        folder_id: str | None = None,
        crawl: bool = True,
    ) -> Plan[Link]:
        """Save a link; the server visits the page, unless told not to."""
        body = {"url": url, "tags": [*tags], "auto_crawl": crawl} | given(title=title, folder_id=folder_id)
        return one(Call("POST", f"{FILES}/links", json=body, key=str(uuid.uuid4())), Link.of)

    @operation
    def recrawl(self, link_id: str) -> Plan[None]:
        """Visit the page again, once an hour at most."""
        yield Call("POST", f"{FILES}/{link_id}/recrawl")

    @operation
    def snapshots(self, link_id: str) -> Plan[tuple[Snapshot, ...]]:
        """What the visits kept of the page, the newest first."""
        return one(
            Call("GET", f"{FILES}/{link_id}/snapshots"),
            lambda found: tuple(Snapshot.of(it) for it in found),
            within="snapshots",
        )


def _folders() -> Plan[tuple[Folder, ...]]:
    return one(Call("GET", FOLDERS), lambda found: tuple(Folder.of(it) for it in found), within="folders")


def _created(name: str, parent_id: str | None) -> Plan[Folder]:
    body = {"name": name, "parent_id": parent_id}
    return one(Call("POST", FOLDERS, json=body, key=str(uuid.uuid4())), Folder.of)


def _made(name: str, parent_id: str | None, path: str, make: bool) -> Plan[Folder]:
    """A new folder, or the one that somebody else made meanwhile."""
    if not make:
        raise NotFound(404, "RESOURCE_NOT_FOUND", f"There is no folder {path!r}", request_id=None)
    try:
        return (yield from _created(name, parent_id))
    except Conflict:
        for it in (yield from _folders()):
            if (it.parent_id, it.name) == (parent_id, name):
                return it
        raise

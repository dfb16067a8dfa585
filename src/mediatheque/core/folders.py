"""Folders: one tree per tenant; dialects without folder ids name one by its path."""

from datetime import UTC, datetime
from uuid import UUID

from mediatheque.errors import NotFound
from mediatheque.records import folders
from mediatheque.records.engine import Tx


def at(tx: Tx, tenant_id: int, parts: tuple[str, ...]) -> int | None:
    """The folder of that path, None when there is none."""
    return folders.folder_at(tx, tenant_id, "/".join(parts))


def make(tx: Tx, tenant_id: int, parts: tuple[str, ...]) -> int:
    """The folder of that path, made with all above it where missing; it stays until the transaction ends."""
    known = folders.folder_at(tx, tenant_id, "/".join(parts))
    if known is not None and folders.hold(tx, known):
        return known
    folders.lock_tree(tx, tenant_id)  # nobody may move what is above it meanwhile
    parent: int | None = None
    for depth, name in enumerate(parts, start=1):
        path = "/".join(parts[:depth])
        known = folders.folder_at(tx, tenant_id, path)
        parent = known if known is not None else folders.add_folder(
            tx, tenant_id, parent, name, path, datetime.now(UTC))  # fmt: skip
    assert parent is not None
    return parent


def with_id(tx: Tx, tenant_id: int, uuid: UUID) -> int:
    """The row of a folder of this tenant, which stays until the transaction ends; raises `NotFound`."""
    found = folders.folder_with(tx, tenant_id, uuid)
    if found is None or not folders.hold(tx, found):
        raise NotFound("No such folder").about("folder")
    return found

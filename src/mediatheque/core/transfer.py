"""`export` and `import`: one tenant's library as plain files and JSON, out of one server and into another.

    library.json         whose it is, and of which schema
    files/FOLDER/NAME    the originals, under the names that people gave them
    variants/…           what was made from them, so that nothing has to be made again
    rows/TABLE.jsonl     everything known of them; `objects.jsonl` says which file is whose bytes

Passwords, keys, the secrets of storage profiles and AI providers, shared links and uploads under way stay behind.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core.backupfolder import Incoming
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.staging import Staged
from mediatheque.errors import Conflict, Invalid, LibraryError, NotFound, file_meanings
from mediatheque.records import accounts, belongings, restarts, schema
from mediatheque.records.belongings import Settling
from mediatheque.records.engine import Database, Tx
from mediatheque.records.tables import asset, blob, folder, variant

FORMAT = 1
_PIECE_BYTES = 1 << 20
_NAME_BYTES = 200


@dataclass(slots=True)
class Transferred:
    tenant: str
    assets: int = 0
    objects: int = 0
    bytes: int = 0
    rows: int = 0
    renamed: int = 0
    """Public ids that were taken where they came to; `ids.json` beside the export lists what took their place."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Transfer:
    def __init__(self, database: Database, pipeline: Pipeline) -> None:
        self._database = database
        self._pipeline = pipeline
        self._stores = pipeline.stores

    def export(self, tenant: str, root: Path) -> Transferred:
        """Write the tenant's library into an empty folder, as it is at one moment; raises `NotFound`, `Conflict`."""
        with file_meanings():
            root.mkdir(parents=True, exist_ok=True)
            if any(root.iterdir()):
                raise Conflict(f"{root} is not empty")
            (root / "rows").mkdir()
        done = Transferred(tenant)
        with self._database.snapshot() as tx:
            found = accounts.tenant_named(tx, tenant)
            if found is None:
                raise NotFound(f"No tenant is called {tenant}")
            about = {"format": FORMAT, "revision": schema.revision_of(tx), "tenant": tenant, "id": str(found["uuid"]),
                     "exported_at": datetime.now(UTC).isoformat()}  # fmt: skip
            for table in belongings.TABLES:
                found_rows = belongings.rows(tx, table, found["id"])
                done.rows += _write(root / "rows" / f"{table.name}.jsonl", found_rows)
        done.assets = sum(1 for _ in _read(root / "rows" / f"{asset.name}.jsonl"))
        with (root / "objects.jsonl").open("w", encoding="utf-8") as index:
            for it in _objects(root):
                self._copy(root, it, done)
                index.write(json.dumps(it, ensure_ascii=False) + "\n")
        (root / "library.json").write_text(json.dumps(about, indent=1))
        return done

    def take_in(self, root: Path, tenant: str | None = None) -> Transferred:
        """Bring an export into a new tenant, called as it was or otherwise; everything or nothing.

        Public ids stay as they are where nobody has them. Bytes first, then all rows in one transaction. Raises
        `Invalid` for what is no whole export, `Conflict` when there is such a tenant.
        """
        about = _about(root)
        done = Transferred(tenant or about["tenant"])
        with self._database.read() as tx:
            if schema.revision_of(tx) != about["revision"]:
                raise Invalid(f"The export is of schema {about['revision']}: import it with the version it is of")
            if accounts.tenant_named(tx, done.tenant) is not None:
                raise Conflict(f"There is a tenant called {done.tenant}")
            there = accounts.tenant_with(tx, UUID(about["id"]))
        tenant_uuid = uuid4() if there else UUID(about["id"])
        placed = self._place(root, tenant_uuid, done)
        try:
            self._settle(root, tenant_uuid, placed, done)
        except BaseException:
            for key in placed.values():
                with suppress(LibraryError):  # the sweeper finds what is left
                    self._stores.primary.delete(key)
            raise
        self._pipeline.announce()
        return done

    def _copy(self, root: Path, it: dict[str, Any], done: Transferred) -> None:
        with Incoming(root / it["file"]) as incoming:
            for piece in self._stores[it.pop("store")].open(it.pop("key")):
                incoming.write(piece)
            if incoming.sha256 != it["sha256"]:
                raise Invalid(f"{it['file']} has other bytes than were recorded: run `mediatheque fsck --read-data`")
            incoming.keep()
        done.objects += 1
        done.bytes += incoming.size_bytes

    def _place(self, root: Path, tenant_uuid: UUID, done: Transferred) -> dict[tuple[str, int], str]:
        """Put every object into the server's own store; its key by table and row."""
        store, placed = self._stores.primary, {}
        homes: dict[str, UUID] = {}
        for it in _read(root / "objects.jsonl"):
            source = (root / it["file"]).resolve()
            if not source.is_relative_to(root.resolve()) or not source.is_file():
                raise Invalid(f"The export lacks {it['file']}")
            home = homes.setdefault(it["blob"], uuid4())
            family = "uploads" if it["table"] == blob.name else "variants"
            key = f"{store.key_prefix}{family}/{tenant_uuid}/{home}/{it['name']}"
            with Staged(store.staging, it["size_bytes"]) as staged:
                with source.open("rb") as file:
                    while piece := file.read(_PIECE_BYTES):
                        staged.write(piece)
                if staged.sha256 != it["sha256"]:
                    raise Invalid(f"The export is damaged: {it['file']} is not what was written")
                store.put(staged.path, key)
            placed[it["table"], it["id"]] = key
            done.objects += 1
            done.bytes += it["size_bytes"]
        return placed

    def _settle(self, root: Path, uuid: UUID, placed: dict[tuple[str, int], str], done: Transferred) -> None:
        with self._database.write() as tx:
            tenant_id = accounts.add_tenant(tx, done.tenant, datetime.now(UTC), uuid=uuid)
            settling = Settling(tx, tenant_id)
            for table in belongings.TABLES:
                found = _read(root / "rows" / f"{table.name}.jsonl")
                if table in {blob, variant}:
                    found = self._at_home(table.name, found, placed)
                count = settling.settle(table, found)
                done.rows += count
                done.assets += count if table is asset else 0
            settling.finish()
            self._restart(tx, settling)
        done.renamed = len(settling.uuids)
        if settling.uuids:
            renamed = {str(before): str(after) for before, after in settling.uuids.items()}
            (root / "ids.json").write_text(json.dumps(renamed, indent=1))

    def _at_home(
        self, table: str, found: Iterator[dict[str, Any]], placed: dict[tuple[str, int], str]
    ) -> Iterator[dict[str, Any]]:
        for row in found:
            if (table, row["id"]) in placed:
                yield row | {"store": self._stores.primary.name, "key": placed[table, row["id"]]}

    def _restart(self, tx: Tx, settling: Settling) -> None:
        """What was not done there is done here."""
        self._pipeline.restart(tx, restarts.unfinished(tx, list(settling.ids["run"].values())))


def _objects(root: Path) -> Iterator[dict[str, Any]]:
    """The objects of the exported rows, and a file for each: originals by folder and name, others by what they are."""
    rows = root / "rows"
    folders = {it["id"]: it["path"] for it in _read(rows / f"{folder.name}.jsonl")}
    owners = {it["blob_id"]: it for it in _read(rows / f"{asset.name}.jsonl")}
    taken: set[str] = set()
    blobs: dict[int, str] = {}
    for it in _read(rows / f"{blob.name}.jsonl"):
        blobs[it["id"]] = it["uuid"]
        owner = owners[it["id"]]
        wanted = "/".join(("files", folders.get(owner.get("folder_id"), ""), owner["filename"]))
        yield _object(blob.name, it, it["uuid"], _free(_safe(wanted), it["uuid"], taken))
    for it in _read(rows / f"{variant.name}.jsonl"):
        if it["blob_id"] in blobs:
            uuid = blobs[it["blob_id"]]
            yield _object(variant.name, it, uuid, f"variants/{uuid}/{PurePosixPath(it['key']).name}")


def _object(table: str, row: dict[str, Any], owner: str, file: str) -> dict[str, Any]:
    return {"table": table, "id": row["id"], "file": file, "blob": owner, "name": PurePosixPath(row["key"]).name,
            **{name: row[name] for name in ("store", "key", "size_bytes", "sha256")}}  # fmt: skip


def _safe(path: str) -> str:
    """A path that every file system takes and that leads nowhere else."""
    parts = (part.replace("\0", "_").replace("\\", "_").strip() for part in path.split("/"))
    cut = (part.encode()[:_NAME_BYTES].decode(errors="ignore") for part in parts if part)
    return "/".join(f"_{part}" if part.startswith(".") else part for part in cut)


def _free(path: str, uuid: str, taken: set[str]) -> str:
    """The path, or one beside it when another file has it, whatever the case of its letters."""
    if path.casefold() in taken:
        it = PurePosixPath(path)
        path = str(it.with_name(f"{it.stem} ({uuid[:8]}){it.suffix}"))
    taken.add(path.casefold())
    return path


def _about(root: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((root / "library.json").read_text())
    except (OSError, ValueError) as error:
        raise Invalid(f"{root} holds no export: its library.json cannot be read") from error
    if about.get("format") != FORMAT:
        raise Invalid(f"The export has format {about.get('format')}; this version reads {FORMAT}")
    return about


def _write(file: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines)

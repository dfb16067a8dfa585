"""`backup`: one moment of the database, and then the objects that it names (safety.md, F27).

Objects never change once they are written, so those of that moment can be copied while clients go on writing. What is
deleted meanwhile is told apart from what is lost.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mediatheque.core.backupfolder import OBJECTS, BackupFolder, Incoming, Manifest, Rows
from mediatheque.core.sealing import Sealer
from mediatheque.core.stores import Stores
from mediatheque.errors import Conflict, NotFound, Unavailable, file_meanings
from mediatheque.records import dump, schema
from mediatheque.records.engine import Database
from mediatheque.records.locks import exclusive

PROOF = "mediatheque"
AT_ONCE = 8
"""Objects that are copied at a time."""
_BATCH = 512


@dataclass(slots=True)
class Taken:
    """What was copied, and the keys of what could not be: lost before, other bytes than were recorded, out of reach."""

    rows: int = 0
    objects: int = 0
    bytes: int = 0
    copied: int = 0
    """Objects that an earlier backup in the same folder did not have."""
    missing_objects: list[str] = field(default_factory=list)
    checksum_mismatches: list[str] = field(default_factory=list)
    unreachable_stores: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Deleted by their owners while the backup was taken."""

    @property
    def is_clean(self) -> bool:
        return not (self.missing_objects or self.checksum_mismatches or self.unreachable_stores)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Backup:
    def __init__(self, database: Database, stores: Stores, sealer: Sealer, secret: Path) -> None:
        self._database = database
        self._stores = stores
        self._sealer = sealer
        self._secret = secret

    def take(self, root: Path) -> Taken:
        """Copy the library into the folder, beside a running server; objects that are there already are kept.

        The folder is an earlier backup until the new one is whole. Raises `Conflict` when another is being taken, or
        when the folder holds another library's.
        """
        folder = BackupFolder(root)
        folder.prepare()
        with exclusive(self._database, "backup", wait=False) as held:
            if not held:
                raise Conflict("Another backup is being taken")
            return self._taken(folder)

    def _taken(self, folder: BackupFolder) -> Taken:
        now = datetime.now(UTC)
        name = f"rows-{now:%Y%m%dT%H%M%S%f}"
        taken = Taken()
        with self._database.snapshot() as tx:
            revision, library = schema.revision_of(tx), dump.identity(tx)
            if folder.library() not in {None, library}:
                raise Conflict(f"{folder.root} holds the backup of another library")
            tables = {it.name: folder.write_rows(name, it.name, dump.rows(tx, it)) for it in dump.TABLES}
            named = folder.write_rows(name, OBJECTS, dump.objects(tx, self._stores.primary.name))
        taken.rows = sum(rows.count for rows in tables.values())
        self._copy_objects(folder, name, taken)
        folder.keep_secret(self._secret)
        folder.publish(self._manifest(now, library, str(revision), name, tables | {OBJECTS: named}, taken))
        return taken

    def _manifest(
        self, now: datetime, library: str, revision: str, name: str, tables: dict[str, Rows], taken: Taken
    ) -> Manifest:
        return Manifest(
            created_at=now.isoformat(),
            library=library,
            revision=revision,
            primary=self._stores.primary.name,
            rows=name,
            tables=tables,
            objects=taken.objects,
            bytes=taken.bytes,
            proof=self._sealer.seal(PROOF),
            gone=[*taken.gone, *taken.missing_objects, *taken.checksum_mismatches],
        )

    def _copy_objects(self, folder: BackupFolder, name: str, taken: Taken) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for batch in _batches(folder.read_rows(name, OBJECTS)):
                for _ in pool.map(lambda it: self._copy(folder, it, taken), batch):
                    pass

    def _copy(self, folder: BackupFolder, recorded: dict[str, Any], taken: Taken) -> None:
        """Lists and sums of `taken` are only added to, which threads may do at once."""
        store, key = recorded["store"], recorded["key"]
        if store in taken.unreachable_stores:
            return
        target = folder.object(store, key)
        with file_meanings():
            if target.exists() and recorded["size_bytes"] in (None, target.stat().st_size):
                taken.objects += 1
                taken.bytes += target.stat().st_size
                return
        try:
            self._copy_anew(target, recorded, taken)
        except NotFound:
            with self._database.read() as tx:
                (taken.missing_objects if dump.living(tx, key) else taken.gone).append(key)
        except Unavailable:
            if store == self._stores.primary.name:
                raise
            if store not in taken.unreachable_stores:
                taken.unreachable_stores.append(store)

    def _copy_anew(self, target: Path, recorded: dict[str, Any], taken: Taken) -> None:
        pieces = self._stores[recorded["store"]].open(recorded["key"])
        with Incoming(target) as incoming:
            for piece in pieces:
                incoming.write(piece)
            if recorded["sha256"] not in (None, incoming.sha256):
                taken.checksum_mismatches.append(recorded["key"])
                return
            incoming.keep()
            taken.objects += 1
            taken.copied += 1
            taken.bytes += incoming.size_bytes


def _batches(found: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(found, _BATCH)):
        yield batch

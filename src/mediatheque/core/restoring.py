"""`restore`: a library out of a backup, on an empty machine; also on the other database and in another store."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from mediatheque.core.backup import PROOF
from mediatheque.core.backupfolder import MANIFEST, OBJECTS, SECRET, BackupFolder, Manifest, sha256_of
from mediatheque.core.fsck import Fsck, Report
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.sealing import Sealer
from mediatheque.core.staging import Staged
from mediatheque.errors import Conflict, Invalid, NotFound, Unavailable
from mediatheque.ports import Markable, Store
from mediatheque.records import dump, schema
from mediatheque.records.engine import Database

_PIECE_BYTES = 1 << 20
_MENDED_AT_ONCE = 500


@dataclass(slots=True)
class Restored:
    rows: int = 0
    objects: int = 0
    damaged: list[str] = field(default_factory=list)
    """Keys of objects that the backup lacks, or holds with other bytes: what needs them is made again or has failed."""
    unreachable_stores: list[str] = field(default_factory=list)
    verified: Report | None = None
    """With `verify`: what `fsck` says when it reads everything."""

    @property
    def is_clean(self) -> bool:
        found = self.verified is None or self.verified.is_clean
        return found and not self.damaged and not self.unreachable_stores

    def as_json(self) -> dict[str, Any]:
        said = asdict(self)
        return said | {"verified": self.verified.as_json() if self.verified else None}


class Restoring:
    def __init__(self, database: Database, pipeline: Pipeline, sealer: Sealer, fsck: Fsck, progress: Path) -> None:
        """`progress`: a file that says, until a restoration has ended, which backup it is of."""
        self._database = database
        self._pipeline = pipeline
        self._stores = pipeline.stores
        self._sealer = sealer
        self._fsck = fsck
        self._progress = progress

    def restore(self, root: Path, *, verify: bool = False) -> Restored:
        """Bring the backup into the empty database and the stores; one that was interrupted is gone on with.

        The server's own objects first, then all rows in one transaction. Raises `Invalid` for a damaged backup and
        `Conflict` when the database is in use.
        """
        folder = BackupFolder(root)
        manifest = folder.manifest()
        self._check_secrets(manifest)
        is_begun = self._is_begun(folder)
        if not is_begun:
            self._demand_empty(manifest)
        restored = Restored()
        primary = self._stores.primary
        _claim(primary)
        for it in self._objects(folder, manifest, own=True):
            self._put(folder, primary, it, restored)
        if not is_begun:
            restored.rows = self._load(folder, manifest)
        schema.migrate(self._database)
        self._put_theirs(folder, manifest, restored)
        self._mend([*manifest.gone, *restored.damaged])
        self._progress.unlink(missing_ok=True)
        self._pipeline.announce()
        if verify:
            restored.verified = self._fsck.check(grace=timedelta(), sample_percent=100)
        return restored

    def _check_secrets(self, manifest: Manifest) -> None:
        try:
            known = self._sealer.open(manifest.proof) == PROOF
        except Unavailable:
            known = False
        if not known:
            raise Invalid("MEDIATHEQUE_SECRET is not that of the backup: what it seals and signs could not be read")

    def _is_begun(self, folder: BackupFolder) -> bool:
        if not self._progress.exists() or self._progress.read_text() != _identity(folder):
            return False
        with self._database.read() as tx:  # it is written just before the rows are committed
            return schema.revision_of(tx) is not None and not dump.is_empty(tx)

    def _demand_empty(self, manifest: Manifest) -> None:
        with self._database.read() as tx:
            found = schema.revision_of(tx)
            is_empty = found is None or (found == manifest.revision and dump.is_empty(tx))
        if not is_empty:
            raise Conflict("The database is not empty: a backup is restored into a new one")

    def _load(self, folder: BackupFolder, manifest: Manifest) -> int:
        schema.build(self._database, manifest.revision)
        loaded = 0
        with self._database.write() as tx:
            for table in dump.TABLES:
                if table.name in manifest.tables:
                    count = dump.load(tx, table, folder.read_rows(manifest.rows, table.name))
                    if count != manifest.tables[table.name].count:
                        raise Invalid(f"The backup is damaged: {table.name} has {count} rows")
                    loaded += count
            dump.rename_store(tx, manifest.primary, self._stores.primary.name)
            dump.finish(tx)
            self._progress.write_text(_identity(folder))
        return loaded

    def _objects(self, folder: BackupFolder, manifest: Manifest, *, own: bool) -> Iterator[dict[str, Any]]:
        known = set(manifest.gone)
        for it in folder.read_rows(manifest.rows, OBJECTS):
            if (it["store"] == manifest.primary) == own and it["key"] not in known:
                yield it

    def _put_theirs(self, folder: BackupFolder, manifest: Manifest, restored: Restored) -> None:
        """What lies in tenants' own places; most of it is still there."""
        for it in self._objects(folder, manifest, own=False):
            if it["store"] in restored.unreachable_stores:
                continue
            try:
                store = self._stores[it["store"]]
                _claim(store)
                self._put(folder, store, it, restored)
            except Unavailable:
                restored.unreachable_stores.append(it["store"])

    def _put(self, folder: BackupFolder, store: Store, recorded: dict[str, Any], restored: Restored) -> None:
        source = folder.object(recorded["store"], recorded["key"])
        if not source.exists():
            restored.damaged.append(recorded["key"])
            return
        if not _is_there(store, recorded["key"], source.stat().st_size):
            with Staged(store.staging, source.stat().st_size) as staged:
                with source.open("rb") as file:
                    while piece := file.read(_PIECE_BYTES):
                        staged.write(piece)
                if recorded["sha256"] not in (None, staged.sha256):
                    restored.damaged.append(recorded["key"])
                    return
                store.put(staged.path, recorded["key"], message="Restored from a backup")
        restored.objects += 1

    def _mend(self, keys: list[str]) -> None:
        for start in range(0, len(keys), _MENDED_AT_ONCE):
            with self._database.write() as tx:
                self._pipeline.mend(tx, keys[start : start + _MENDED_AT_ONCE])


def keep_secret(root: Path, kept: Path) -> None:
    """Take over the secret of the backup, where this machine has none of its own."""
    secret = BackupFolder(root).root / SECRET
    if secret.exists() and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(secret, kept)
        kept.chmod(0o600)


def _identity(folder: BackupFolder) -> str:
    return sha256_of(folder.root / MANIFEST)


def _claim(store: Store) -> None:
    """The place is the store from now on: it was empty, and it is to be filled."""
    if isinstance(store, Markable) and not store.is_marked():
        store.mark()


def _is_there(store: Store, key: str, size_bytes: int) -> bool:
    try:
        return store.size(key) == size_bytes
    except NotFound:
        return False

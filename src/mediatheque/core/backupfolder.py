"""A backup as a folder: rows as JSON lines, a file for each table, objects as files, and a manifest, written last.

manifest.json                  what is here, with a hash of every file of rows; a folder without it is no backup
rows-TIME/TABLE.jsonl.gz       rows as `records.dump` gives them
rows-TIME/objects.jsonl.gz     the objects that these rows name
objects/STORE/KEY              their bytes, which never change: a later backup to the same folder adds what is new
secret                         what signs and seals, where the server made it itself
"""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from mediatheque.errors import Invalid, file_meanings

FORMAT = 1
OBJECTS = "objects"
MANIFEST = "manifest.json"
SECRET = "secret"  # noqa: S105
_LEVEL = 1
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Rows:
    """A file of rows."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`proof` is a word that only the secrets of the library open; `gone` are keys of what was deleted meanwhile."""

    created_at: str
    library: str
    """The id of its first tenant: what tells one library from another."""
    revision: str
    primary: str
    rows: str
    tables: Mapping[str, Rows]
    objects: int
    bytes: int
    proof: str
    gone: list[str]
    format: int = FORMAT


class BackupFolder:
    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def prepare(self) -> None:
        """Make the folder, for us alone: it holds secrets."""
        with file_meanings():
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write_rows(self, folder: str, name: str, rows: Iterable[Mapping[str, Any]]) -> Rows:
        file = self.root / folder / f"{name}.jsonl.gz"
        count = 0
        with file_meanings():
            file.parent.mkdir(exist_ok=True)
            with gzip.open(file, "wt", compresslevel=_LEVEL, encoding="utf-8") as out:
                for row in rows:
                    out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                    count += 1
        return Rows(count, sha256_of(file))

    def read_rows(self, folder: str, name: str) -> Iterator[dict[str, Any]]:
        with gzip.open(self.root / folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def object(self, store: str, key: str) -> Path:
        return self.root / OBJECTS / store / key

    def publish(self, manifest: Manifest) -> None:
        """From now on the folder is this backup; what only an earlier one needed is removed."""
        draft = self.root / f".{MANIFEST}"
        with file_meanings():
            draft.write_text(json.dumps(asdict(manifest), indent=1))
            os.sync()  # thousands of small files: one sync for all
            draft.rename(self.root / MANIFEST)
            os.sync()
        self._prune(manifest)

    def manifest(self) -> Manifest:
        """Raises `Invalid` for what is no backup, or one that is damaged or of a newer version."""
        try:
            found = json.loads((self.root / MANIFEST).read_text())
        except (OSError, ValueError) as error:
            raise Invalid(f"{self.root} holds no backup: its {MANIFEST} cannot be read") from error
        if found.get("format") != FORMAT:
            raise Invalid(f"The backup has format {found.get('format')}; this version reads {FORMAT}")
        tables = {name: Rows(**rows) for name, rows in found.pop("tables").items()}
        manifest = Manifest(tables=tables, **found)
        for name, rows in tables.items():
            file = self.root / manifest.rows / f"{name}.jsonl.gz"
            if not file.exists() or sha256_of(file) != rows.sha256:
                raise Invalid(f"The backup is damaged: {file.relative_to(self.root)} is not what was written")
        return manifest

    def library(self) -> str | None:
        """Whose backup the folder holds; None: none that is whole."""
        try:
            return str(json.loads((self.root / MANIFEST).read_text())["library"])
        except (OSError, ValueError, KeyError):
            return None

    def keep_secret(self, secret: Path) -> None:
        if secret.exists():
            shutil.copyfile(secret, self.root / SECRET)
            (self.root / SECRET).chmod(0o600)

    def _prune(self, manifest: Manifest) -> None:
        for old in self.root.glob("rows-*"):
            if old.name != manifest.rows:
                shutil.rmtree(old)
        wanted = {str(self.object(it["store"], it["key"])) for it in self.read_rows(manifest.rows, OBJECTS)}
        for folder, _, files in os.walk(self.root / OBJECTS, topdown=False):
            for name in files:
                if (path := os.path.join(folder, name)) not in wanted:  # noqa: PTH118
                    Path(path).unlink()
            if not os.listdir(folder):  # noqa: PTH208
                Path(folder).rmdir()


class Incoming:
    """A file of the backup while it is written; it gets its name when it is whole."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._draft = target.with_name(f".{target.name[-200:]}.part")
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def __enter__(self) -> Self:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._draft.open("wb")
        return self

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size_bytes += len(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def keep(self) -> None:
        self._file.close()
        self._draft.rename(self._target)

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._draft.unlink(missing_ok=True)


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

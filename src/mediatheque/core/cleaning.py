"""Metadata taken out of files that come in, where their tenant wants that: before anybody else sees their bytes."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediatheque.core.probing import Probing
from mediatheque.core.staging import Staged
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import Malformed, Unavailable, file_meanings
from mediatheque.model import Facts
from mediatheque.privacy import MetadataPolicy
from mediatheque.records import accounts
from mediatheque.records.engine import Database

EDITS = "mediatheque.skills.metadata_decode:edits"
TIMEOUT_SECONDS = 30
COVERED = frozenset({"image", "video"})
"""Kinds in which cameras and phones say where they were; other files stay as they are (decision 0029)."""
PIECE_BYTES = 1 << 20
ROOM_BYTES = 1 << 16
"""By how much a file may grow: one that had no EXIF of its own gets none."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Bytes as they are kept, and facts about them; `received_sha256` of those that came, when these are others."""

    staged: Staged
    facts: Facts
    received_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Cleaning:
    database: Database
    probing: Probing
    decoders: Decoders

    @contextmanager
    def applied(self, tenant_id: int, staged: Staged, facts: Facts, filename: str) -> Iterator[Clean]:
        """The bytes as the tenant's policy wants them; raises `Unsupported` where that cannot be had, `Malformed`."""
        with self.database.read() as tx:
            policy = MetadataPolicy(accounts.metadata_policy(tx, tenant_id))
        edits: Sequence[Sequence[Any]] = []
        if policy is not MetadataPolicy.KEEP and facts.kind in COVERED:
            edits = self._edits(staged.path, facts, policy)
        if not edits:
            yield Clean(staged, facts)
            return
        with Staged(staged.path.parent, staged.size_bytes + ROOM_BYTES) as fresh:
            _write(staged.path, edits, fresh)
            yield Clean(fresh, self.probing.facts(fresh.path, filename), staged.sha256)

    def _edits(self, file: Path, facts: Facts, policy: MetadataPolicy) -> Sequence[Sequence[Any]]:
        try:
            found: Sequence[Sequence[Any]] = self.decoders.run(
                EDITS, timeout_seconds=TIMEOUT_SECONDS, path=str(file), media_type=facts.media_type,
                orientation=int(facts.details.get("orientation", 1)), policy=policy,
            )  # fmt: skip
        except DecoderFailed as failure:
            raise Malformed(f"The file's metadata cannot be read: {failure}") from failure
        return found


def _write(source: Path, edits: Sequence[Sequence[Any]], target: Staged) -> None:
    """Copy the file with these changes; a child that was taken over can spoil its own file and nothing else."""
    with file_meanings(absent=Unavailable), source.open("rb") as file:
        position = 0
        for start, end, text, zeros in edits:
            if not position <= start <= end or zeros < 0:
                raise Malformed("The file's metadata cannot be taken out")
            _copy(file, start - position, target)
            try:
                target.write(base64.b64decode(text, validate=True))
            except binascii.Error:
                raise Malformed("The file's metadata cannot be taken out") from None
            for written in range(0, zeros, PIECE_BYTES):
                target.write(bytes(min(PIECE_BYTES, zeros - written)))
            position = file.seek(end)
        _copy(file, None, target)


def _copy(file: Any, length: int | None, target: Staged) -> None:
    left = length
    while left is None or left > 0:
        piece = file.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))
        if not piece:
            return
        target.write(piece)
        left = None if left is None else left - len(piece)

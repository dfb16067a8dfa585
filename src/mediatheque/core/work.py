"""One run being done: its steps in order, in a folder of its own, with decoders at hand."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mediatheque.core.pipeline import Made, Outcome
from mediatheque.decoder import Decoders
from mediatheque.errors import Unavailable, file_meanings
from mediatheque.model import Blob, Facts
from mediatheque.ports import Skill, Store
from mediatheque.records.runs import Claim

FOLDER_PREFIX = "work-"


class Work:
    """What the steps of a skill see (`ports.Work`)."""

    def __init__(self, claim: Claim, source: Path, folder: Path, decoders: Decoders, outcome: Outcome) -> None:
        self.blob = _blob(claim)
        self.facts = _facts(claim)
        self.source = source
        self.folder = folder
        self.outcome = outcome
        self._decoders = decoders

    def decode(self, function: str, **arguments: Any) -> Any:
        return self._decoders.run(function, **arguments)

    def add_variant(self, name: str, file: Path, *, media_type: str, width: int, height: int) -> None:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size_bytes = file.stat().st_size
        self.outcome.variants.append(Made(name, file, media_type, width, height, size_bytes, sha256))

    def add_finding(self, kind: str, value: Any, *, model: str | None = None, confidence: float | None = None) -> None:
        self.outcome.findings.append({"kind": kind, "value": value, "model": model, "confidence": confidence})


def perform(skill: Skill, work: Work) -> None:
    """Run the steps; the first that fails ends the run, and its error is kept in the outcome and raised."""
    for step in skill.steps:
        started = datetime.now(UTC)
        try:
            step.run(work)
        except Exception as error:
            work.outcome.steps.append((step.name, str(error) or type(error).__name__, started, datetime.now(UTC)))
            raise
        work.outcome.steps.append((step.name, None, started, datetime.now(UTC)))


@contextmanager
def workplace(store: Store) -> Iterator[Path]:
    """A folder for one run on the store's own file system, removed afterwards."""
    with file_meanings(absent=Unavailable):
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=store.staging))
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_SH)  # until it is closed, nobody takes the folder for a leftover
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def source_of(claim: Claim, store: Store, folder: Path) -> Path:
    """The blob's bytes as a local file: the store's own, or a copy in the folder."""
    own = store.path(claim.blob["key"])
    if own is not None:
        return own
    copy = folder / "source"
    with file_meanings(), copy.open("wb") as file:
        for piece in store.open(claim.blob["key"]):
            file.write(piece)
    return copy


def _blob(claim: Claim) -> Blob:
    row = claim.blob
    return Blob(
        id=claim.blob_id,
        uuid=row["uuid"],
        store=row["store"],
        key=row["key"],
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        sha256=row["sha256"],
        width=row["width"],
        height=row["height"],
    )


def _facts(claim: Claim) -> Facts:
    row = claim.blob
    return Facts(
        media_type=row["media_type"],
        extension=Path(row["key"]).suffix,
        kind=row["kind"],
        width=row["width"],
        height=row["height"],
        frames=row["frames"],
        details=row["details"] or {},
    )

"""One run being done: its steps in order, in a folder of its own, with decoders at hand."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import structlog

from mediatheque.core import looks
from mediatheque.core.embedding import Embedder
from mediatheque.core.masking import masked
from mediatheque.core.planning import DISPATCH, IMPATIENT
from mediatheque.core.quota import Quota
from mediatheque.core.results import SOURCE, Made, Outcome
from mediatheque.core.transcribing import EndpointTranscriber, Speech
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import LibraryError, NotInstalled, StorageFull, Unavailable, file_meanings
from mediatheque.filing import Fetched
from mediatheque.inference import Models
from mediatheque.model import Blob, Facts
from mediatheque.ports import Describer, Skill, Store
from mediatheque.records.links import names_of
from mediatheque.records.runs import Claim
from mediatheque.understanding import Description, Level, Model, Task

log = structlog.get_logger()

FOLDER_PREFIX = "work-"


class Describers(Protocol):
    """Who describes pictures for which tenant."""

    def of(self, tenant_id: int) -> Describer:
        """Raises `ProviderFailed` when there is nobody."""


class Web(Protocol):
    """The web as one crawl sees it."""

    def fetch(
        self, url: str, file: Path, *, limits: Mapping[str, int], seconds: float, decode: Callable[..., Any]
    ) -> Fetched:
        """As `ports.Work.fetch`; `decode` is for what has to be looked at on the way."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What runs are done with. `recall` reads what is known of a claim's file: findings by kind, and people's words."""

    decoders: Decoders
    models: Models
    describers: Describers
    embedder: Embedder
    recall: Callable[[Claim], tuple[Mapping[str, Any], Mapping[str, Any]]]
    quota: Quota | None = None
    web: Web | None = None
    speech: Speech | None = None


class Work:
    """What the steps of a skill see (`ports.Work`)."""

    def __init__(self, claim: Claim, source: Path, folder: Path, equipment: Equipment, outcome: Outcome) -> None:
        self.blob = _blob(claim)
        self.facts = _facts(claim)
        self.parameters: Mapping[str, Any] = claim.parameters
        self.source = source
        self.folder = folder
        self.outcome = outcome
        self._tenant_id = claim.tenant_id
        self._is_dispatched = claim.trigger == DISPATCH
        self._claim = claim
        self._equipment = equipment

    def decode(self, function: str, **arguments: Any) -> Any:
        return self._equipment.decoders.run(function, **arguments)

    def check(self, model: Model) -> None:
        self._equipment.models.check(model)

    def infer(self, model: Model, function: str, **arguments: Any) -> Any:
        return self._equipment.models.run(model, function, **arguments)

    @property
    def is_awaited(self) -> bool:
        return self._claim.trigger in IMPATIENT

    @property
    def transcriber(self) -> EndpointTranscriber | None:
        speech = self._equipment.speech
        return None if speech is None else speech.of(self._tenant_id, is_awaited=self.is_awaited)

    @property
    def said(self) -> Mapping[str, Any]:
        return self._known[1]

    def found(self, kind: str) -> Any | None:
        mine = [found["value"] for found in self.outcome.findings if found["kind"] == kind]
        return mine[-1] if mine else self._known[0].get(kind)

    def fetch(self, url: str, file: Path, *, limits: Mapping[str, int], seconds: float) -> Fetched:
        if self._equipment.web is None:
            raise Unavailable("Nobody crawls here")
        return self._equipment.web.fetch(url, file, limits=limits, seconds=seconds, decode=self.decode)

    def add_variant(
        self, name: str, file: Path, *, media_type: str, width: int | None = None, height: int | None = None
    ) -> None:
        made = _made(name, file, media_type, width, height)
        if self._is_dispatched:
            self._check_room(made.size_bytes)
        self.outcome.variants.append(made)

    def drop_variants(self, *beginnings: str) -> None:
        self.outcome.dropped += beginnings

    def add_snapshot(self, page: Path, text: Path, *, url: str, title: str | None, text_chars: int) -> None:
        uuid = uuid4()
        page_name, text_name = names_of(uuid)
        self.add_variant(page_name, page, media_type="text/html")
        self.add_variant(text_name, text, media_type="text/plain")
        self.outcome.snapshot = {"uuid": uuid, "url": url, "title": title, "text_chars": text_chars}

    def add_finding(
        self,
        kind: str,
        value: Any,
        *,
        model: str | None = None,
        confidence: float | None = None,
        prompt_hash: str | None = None,
        language: str | None = None,
    ) -> None:
        origin = {"model": model, "confidence": confidence, "prompt_hash": prompt_hash, "language": language}
        self.outcome.findings.append({"kind": kind, "value": value, **origin})

    def replace(self, file: Path, *, media_type: str, facts: Mapping[str, Any], keep_original: bool = False) -> None:
        made = _made(SOURCE, file, media_type, facts["width"], facts["height"])
        self._check_room(made.size_bytes - (0 if keep_original or self._is_dispatched else self.blob.size_bytes))
        self.outcome.replacement = replace(made, frames=facts["frames"], details=facts["details"])
        self.outcome.keeps_original = keep_original

    def suggest(
        self,
        *,
        description: str | None = None,
        alt_text: str | None = None,
        title: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        texts = {"description": description, "alt_text": alt_text, "title": title}
        self.outcome.texts |= {name: text for name, text in texts.items() if text}
        self.outcome.tags = tuple(tags) or self.outcome.tags

    def describe(
        self, task: Task, *, level: Level = Level.QUICK, claimed: Mapping[str, Any] | None = None
    ) -> Description:
        return self._equipment.describers.of(self._tenant_id).describe(self, task, level, claimed)

    @cached_property
    def _known(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return self._equipment.recall(self._claim)

    def learn(self) -> None:
        if (meaning := self._equipment.embedder.learn(self._claim)) is not None:
            self.outcome.meanings.append(meaning)

    def leave_rest(self) -> None:
        self.outcome.has_rest = True

    def resemble(self, model: str, amounts: str) -> None:
        self.outcome.meanings.append(looks.of_picture(model, self.blob.sha256, amounts))

    def _check_room(self, growth_bytes: int) -> None:
        """Raises `QuotaExceeded`, which is the step's reason to fail: new bytes count like uploaded ones."""
        if self._equipment.quota is not None:
            self._equipment.quota.check(self._tenant_id, growth_bytes)


def perform(skill: Skill, work: Work, *, is_last_try: bool = False) -> None:
    """Run the steps. What went wrong is kept with its step, in words that are safe to show, and the next has its turn.

    It is raised where that makes the run worthless (an essential skill), where it is not the file's fault (a store
    or a database that is away or full), and for what may go better another time, unless this is the last.
    """
    for step in skill.steps:
        started, problem = datetime.now(UTC), None
        try:
            step.run(work)
        except (Unavailable, StorageFull) as error:
            work.outcome.steps.append((step.name, masked(error.message), started, datetime.now(UTC)))
            raise
        except NotInstalled as error:
            problem, work.outcome.is_skipped = error.message, True
        except Exception as error:
            problem = _safe(error)
            if skill.essential or not (is_last_try or isinstance(error, LibraryError)):
                work.outcome.steps.append((step.name, problem, started, datetime.now(UTC)))
                raise
            if not isinstance(error, (LibraryError, DecoderFailed)):
                log.exception("step failed", skill=skill.name, step=step.name)
        work.outcome.steps.append((step.name, problem, started, datetime.now(UTC)))


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
        if not own.exists():
            store.check()
        return own
    copy = folder / "source"
    with file_meanings(), copy.open("wb") as file:
        for piece in store.open(claim.blob["key"]):
            file.write(piece)
    return copy


def _safe(error: Exception) -> str:
    if isinstance(error, LibraryError):
        return masked(error.message)
    return masked(f"The file could not be processed: {error}") if isinstance(error, DecoderFailed) else "Internal error"


def _made(name: str, file: Path, media_type: str, width: int | None, height: int | None) -> Made:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Made(name, file, media_type, width, height, file.stat().st_size, sha256)


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
        captured_at=row["captured_at"],
        details=row["details"] or {},
    )

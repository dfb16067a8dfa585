"""The words of understanding: what is asked of a model, what it says, and what people make of that."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class Level(StrEnum):
    """How often a model is asked: once; twice, independently; once and then for proof; twice and then for proof."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"
    CRITICAL = "critical"


class Intent(StrEnum):
    """What the sender of a file wants: it described; what it came with checked, too; the tenant's own rules applied."""

    DESCRIBE = "describe"
    VERIFY = "verify"
    RULES = "rules"


class Verdict(StrEnum):
    """What people made of what a model said: nothing yet, took it as it is, wrote something else, or took it away."""

    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a skill said about a blob."""

    kind: str
    value: Any
    model: str | None
    confidence: float | None
    created_at: datetime
    state: Verdict = Verdict.SUGGESTED
    prompt_hash: str | None = None
    language: str | None = None


class Task(StrEnum):
    """What a describer is asked for: a caption says what is there, an alternative text replaces the picture."""

    CAPTION = "caption"
    ALT_TEXT = "alt_text"


@dataclass(frozen=True, slots=True)
class Model:
    """Weights that an optional extra brings: its `modules` must be installed and its `files` be there.

    `warm` is a `module:function` that loads them, in the process that holds all models.
    """

    name: str
    purpose: str
    extra: str
    modules: tuple[str, ...]
    warm: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What a describer said. `generator` names the model; `confidence` is 0 to 1 where it is known.

    `whole` says more than the one sentence of `text`. `prompt_hash` tells which words it was asked with; `check` is
    what came of holding several answers, or what was said of the file before, against the picture.
    """

    text: str
    generator: str
    confidence: float | None = None
    whole: str | None = None
    alt_text: str | None = None
    tags: tuple[str, ...] = ()
    visible_text: str | None = None
    prompt_hash: str | None = None
    check: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What is said in a piece of sound: `segments` of `start`, `end` (seconds), `text`, `confidence` (or None)."""

    segments: list[dict[str, Any]]
    language: str | None


class Transcriber(Protocol):
    """Somebody outside who writes down what is said."""

    @property
    def model(self) -> str: ...

    def listening(self) -> AbstractContextManager[Callable[[Path, float, float], Heard]]:
        """A turn to have a recording listened to.

        What is then called with a file of samples (`skills.transcript_decode`) and two moments, in seconds, tells what
        is said between them; times count from the start of the file. Raises `errors.ProviderFailed`, and
        `errors.Unavailable` when no turn is free.
        """

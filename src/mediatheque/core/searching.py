"""Files found by what they say and by what they mean, both rankings fused, each hit with the reasons for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.embedding import Embedder, active_model, amounts
from mediatheque.core.files import MAX_SEARCH_CHARS, shelf_of
from mediatheque.core.looks import Looks
from mediatheque.core.portraits import Portrait, Portraits
from mediatheque.core.ranking import CANDIDATES, fused
from mediatheque.core.reasons import Reason, holding, of_meaning, of_words
from mediatheque.errors import NotFound, NotInstalled, Unavailable
from mediatheque.filing import FileFilter, Order, SearchBy
from mediatheque.model import Actor
from mediatheque.records import assets, files, vectors
from mediatheque.records.engine import Database, Tx
from mediatheque.records.files import Shelf, Span
from mediatheque.records.folding import fold
from mediatheque.records.nearest import Near, Nearest
from mediatheque.records.search import COUNT_LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_WORDS, MIN_WORD_CHARS = 8, 3
MIN_SHARE = 0.5
"""A file that holds less of the question than this, by the weight of its words, is no hit."""
MAX_LIKENED = 64
"""Passages of a file that others are compared with."""
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A file, its score among the hits of this search alone, and why it is one, the strongest reason first."""

    file: Portrait
    score: float
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits. `by`: what the search went by in the end; `note` says why when that is not what was asked for."""

    hits: list[Hit]
    total: int
    by: SearchBy
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A passage of a file, by its position among those of its field."""

    asset_id: int
    position: int
    similarity: float | None


@dataclass(frozen=True, slots=True)
class FoundPlaces:
    places: list[Place]
    by: SearchBy


@dataclass(frozen=True, slots=True)
class _Ranking:
    """`near`, by file, of a ranking by likeness; None: by words."""

    ids: list[int]
    near: Mapping[int, Near] | None = None


def _ranked(near: Sequence[Near]) -> _Ranking:
    return _Ranking([it.owner_id for it in near], {it.owner_id: it for it in near})


class Searching:
    def __init__(self, database: Database, portraits: Portraits, embedder: Embedder, looks: Looks) -> None:
        self._database = database
        self._portraits = portraits
        self._embedder = embedder
        self._looks = looks
        self._nearest = Nearest()

    def search(
        self,
        actor: Actor,
        query: str,
        *,
        mode: SearchBy = SearchBy.BOTH,
        filters: FileFilter | None = None,
        order: Order | None = None,
        skip: int = 0,
        limit: int = 20,
    ) -> Found:
        """Files that the question is about, the best first or in this order; `filters.text` is not looked at.

        Where meaning cannot be asked for, the search goes by words and says so. Raises `Invalid` for a question that
        cannot be searched for.
        """
        names.text(query, "query", MAX_SEARCH_CHARS)
        narrow = replace(filters or FileFilter(), text="")
        model, question, note = None, None, None
        if mode is not SearchBy.WORDS and query.strip():
            model, question, note = self._question(actor, query)
        by = mode if question is not None else SearchBy.WORDS
        with self._database.read() as tx:
            shelf = shelf_of(tx, actor, narrow)
            if shelf is None or not query.strip():
                return Found([], 0, by, note)
            rankings: list[_Ranking] = []
            if by is not SearchBy.MEANING:
                rankings.append(_Ranking(_by_words(tx, shelf, narrow, query)))
            if question is not None and model is not None:
                floor = self._embedder.floor(model)
                rankings.append(_ranked(self._near(tx, shelf, narrow, model, question, floor)))
            hits = self._shown(tx, shelf, query, rankings, order, skip, limit)
            return Found(hits, len({it for ranking in rankings for it in ranking.ids}), by, note)

    def similar(self, actor: Actor, uuid: UUID, *, filters: FileFilter | None = None, limit: int = 20) -> Found:
        """Files about the same as this one, or pictures that look like it, the most alike first. Raises `NotFound`."""
        narrow = replace(filters or FileFilter(), text="")
        model, note = self._model(actor)
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found")
            shelf = shelf_of(tx, actor, narrow)
            own = vectors.of_asset(tx, actor.tenant_id, it.id, model, MAX_LIKENED) if model else []
            rankings: list[_Ranking] = []
            if shelf is not None and own and model is not None:
                floor = self._embedder.floor(model)
                rankings.append(_ranked(self._near(tx, shelf, narrow, model, _middle(own), floor, without=it.id)))
            if shelf is not None and (seen := self._looks.near(tx, it, CANDIDATES)):
                left = files.among(tx, shelf, narrow, [one.owner_id for one in seen])
                rankings.append(_ranked([one for one in seen if one.owner_id in left]))
            if shelf is None or not rankings:
                return Found([], 0, SearchBy.MEANING, note or "Nothing is known yet that this file could be like")
            hits = self._shown(tx, shelf, "", rankings, None, 0, limit)
            return Found(hits, len({one for ranking in rankings for one in ranking.ids}), SearchBy.MEANING)

    def passages(
        self, actor: Actor, query: str, field: str, *, filters: FileFilter, floor: float | None, limit: int
    ) -> FoundPlaces:
        """The passages of one field nearest to a question, the best first; by words where that is all there is.

        Raises `Invalid`.
        """
        names.text(query, "query", MAX_SEARCH_CHARS)
        model, question, _ = self._question(actor, query)
        with self._database.read() as tx:
            shelf = shelf_of(tx, actor, filters)
            if shelf is None or not query.strip():
                return FoundPlaces([], SearchBy.WORDS)
            if question is None or model is None:
                ids = _by_words(tx, shelf, filters, query)[:limit]
                held = holding(tx, files.with_ids(tx, actor.tenant_id, ids), query, field)
                return FoundPlaces([Place(it, place, None) for it, place in held], SearchBy.WORDS)
            only = files.few(tx, shelf, filters, Order())
            least = self._embedder.floor(model) if floor is None else floor
            near = self._nearest.find(
                tx, shelf.tenant_id, model, question, limit=limit * 3, floor=least, only=only, each=True
            )
            left = files.among(tx, shelf, filters, [it.owner_id for it in near])
            rows = vectors.described(tx, actor.tenant_id, [it.vector_id for it in near])
        places = [
            Place(it.owner_id, rows[it.vector_id]["position"], round(it.similarity, 4))
            for it in near
            if it.owner_id in left and it.vector_id in rows and rows[it.vector_id]["field"] == field
        ]
        return FoundPlaces(places[:limit], SearchBy.MEANING)

    def _question(self, actor: Actor, query: str) -> tuple[str | None, "NDArray[Any] | None", str | None]:
        """The model, the question's vector by it, or why there is none."""
        model, note = self._model(actor)
        try:
            return model, self._embedder.question(query, model) if model and query.strip() else None, note
        except (NotInstalled, Unavailable) as problem:
            return None, None, problem.message

    def coverage(self) -> list[vectors.Coverage]:
        """How many files, of all tenants, each model has been through."""
        with self._database.read() as tx:
            return vectors.coverage(tx)

    def _model(self, actor: Actor) -> tuple[str | None, str | None]:
        """By whose vectors the tenant's files are looked for, or why by nobody's."""
        try:
            wanted, problem = self._embedder.model, None
        except (NotInstalled, Unavailable) as missing:
            wanted, problem = None, missing.message
        with self._database.read() as tx:
            model = active_model(vectors.models_of(tx, actor.tenant_id), wanted)
        return model, problem or (None if model else "No file has been gone through for its meaning yet")

    def _near(
        self,
        tx: Tx,
        shelf: Shelf,
        narrow: FileFilter,
        model: str,
        question: "NDArray[Any]",
        floor: float,
        *,
        without: int = 0,
    ) -> list[Near]:
        """The nearest files that the filter leaves."""
        only = None
        if not narrow.is_open or shelf.folder_id is not None or narrow.in_trash:
            only = files.few(tx, shelf, narrow, Order())
        looked_at = CANDIDATES + 1 if only is not None else CANDIDATES * 3
        near = self._nearest.find(tx, shelf.tenant_id, model, question, limit=looked_at, floor=floor, only=only)
        left = files.among(tx, shelf, narrow, [it.owner_id for it in near])
        return [it for it in near if it.owner_id in left and it.owner_id != without][:CANDIDATES]

    def _shown(
        self,
        tx: Tx,
        shelf: Shelf,
        query: str,
        rankings: Sequence[_Ranking],
        order: Order | None,
        skip: int,
        limit: int,
    ) -> list[Hit]:
        scores = fused([ranking.ids for ranking in rankings])
        ids = sorted(scores, key=lambda it: (-scores[it], -it))
        if order is not None:
            ids = files.sorted_by(tx, shelf, ids, order)
        page = ids[skip : skip + limit]
        portraits = {it.asset.id: it for it in self._portraits.of(tx, files.in_order(tx, shelf, page))}
        said = {it for ranking in rankings if ranking.near is None for it in ranking.ids}
        reasons = [of_words(tx, [portraits[it] for it in page if it in said and it in portraits], query)]
        for near in (ranking.near for ranking in rankings if ranking.near is not None):
            reasons.append(of_meaning(tx, shelf.tenant_id, [near[it] for it in page if it in near]))
        return [
            Hit(portraits[it], scores[it], [one for group in reasons for one in group.get(it, ())])
            for it in page
            if it in portraits
        ]


def _middle(own: Sequence[bytes]) -> "NDArray[Any]":
    """Where a file's passages lie together, as a vector of length one."""
    import numpy as np

    middle: NDArray[Any] = np.mean([amounts(data) for data in own], axis=0)
    middle /= np.linalg.norm(middle) or 1.0
    return middle


def _by_words(tx: Tx, shelf: Shelf, narrow: FileFilter, query: str) -> list[int]:
    """Files by the weight of the question's words that they hold; the whole question counts as much as all of them."""
    words = words_of(query)
    found = {word: _holding(tx, shelf, narrow, word) for word in dict.fromkeys([*words, query.strip()])}
    count = max(1, len({it for ids in found.values() for it in ids}))
    weights = {word: log(1 + count / max(1, len(ids))) for word, ids in found.items() if word in words}
    whole = sum(weights.values())
    weights[query.strip()] = weights.get(query.strip(), 0.0) + whole if words else 1.0
    scores: dict[int, float] = {}
    for word, ids in found.items():
        for it in ids:
            scores[it] = scores.get(it, 0.0) + weights[word]
    hits = [it for it, score in scores.items() if score >= whole * MIN_SHARE]
    return sorted(hits, key=lambda it: (-scores[it], -it))[:CANDIDATES]


def words_of(query: str) -> list[str]:
    """The words of a question that can be looked for one by one, the longest where there are many."""
    words = [word for word in dict.fromkeys(_WORDS.findall(fold(query))) if len(word) >= MIN_WORD_CHARS]
    kept = set(sorted(words, key=len, reverse=True)[:MAX_WORDS])
    return [word for word in words if word in kept]


def _holding(tx: Tx, shelf: Shelf, narrow: FileFilter, text: str) -> list[int]:
    """Files that hold the text; of more than can be counted the newest."""
    holds = replace(narrow, text=f'"{text.replace(chr(34), " ")}"')
    found = files.few(tx, shelf, holds, Order())
    return files.many(tx, shelf, holds, Order(), Span(0, COUNT_LIMIT // 10)) if found is None else found

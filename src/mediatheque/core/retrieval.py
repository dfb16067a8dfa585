"""Artifacts found: by their words, and by the files that they refer to; only those that the actor may read."""

import re
from dataclasses import dataclass
from uuid import UUID

from mediatheque.authoring import Artifact
from mediatheque.core import admission, history, names
from mediatheque.core.admission import Need
from mediatheque.core.artifacts import ArtifactPage
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Actor
from mediatheque.records import artifact_search, artifacts, assets
from mediatheque.records.engine import Database, Tx

MAX_QUERY_CHARS = 1000
SNIPPET_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """`snippet` is what is around the first word that was found."""

    artifact: Artifact
    snippet: str


@dataclass(frozen=True, slots=True)
class Hits:
    hits: list[Hit]
    total: int


class Retrieval:
    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, actor: Actor, query: str, *, room: UUID | None, in_room: bool, skip: int, limit: int) -> Hits:
        """Artifacts that hold every word, or one that begins with it; `in_room`: of that room alone.

        Raises `Invalid` for a query without a word; of the room as reading there does.
        """
        names.text(query, "query", MAX_QUERY_CHARS)
        with self._database.read() as tx:
            room_id = admission.admitted(tx, actor, room, Need.READ).id if in_room else None
            wanted = artifact_search.words(query)
            if not wanted:
                raise Invalid("Must hold a word", field=("query", "query"), kind="missing")
            found, total = artifact_search.find(
                tx, actor.tenant_id, actor.user_id, query, room_id, skip=skip, limit=limit
            )
            return Hits([Hit(it, _snippet(tx, it, wanted)) for it in found], total)

    def using(self, actor: Actor, asset: UUID, *, skip: int, limit: int) -> ArtifactPage:
        """Artifacts whose newest content refers to this file; raises `NotFound` of the file."""
        with self._database.read() as tx:
            if assets.asset_with(tx, asset, actor.tenant_id) is None:
                raise NotFound("File not found")
            found = artifacts.using(tx, actor.tenant_id, actor.user_id, asset, skip=skip, limit=limit)
        return ArtifactPage(*found)


def _snippet(tx: Tx, it: Artifact, wanted: list[str]) -> str:
    content = history.newest(tx, it).decode()
    found = re.search("|".join(re.escape(word) for word in wanted), content, re.IGNORECASE)
    start = max(0, (found.start() if found else 0) - SNIPPET_CHARS // 4)
    return " ".join(content[start : start + SNIPPET_CHARS].split())

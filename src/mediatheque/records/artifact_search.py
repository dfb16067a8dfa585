"""Search over the words of artifacts' newest contents, with the tenant inside the index, on both databases.

What is indexed is which words there are, not where: an edit that brings no new word costs the index nothing, and a
document of megabytes is as many kilobytes here.
"""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, bindparam, case, column, func, insert, literal, select, table, text, update

from mediatheque.authoring import Artifact
from mediatheque.records import rooms
from mediatheque.records.artifacts import WHOLE, to_artifact
from mediatheque.records.engine import Tx
from mediatheque.records.folding import fold
from mediatheque.records.tables import artifact, artifact_text

COUNT_LIMIT = 10_000
"""A search counts its hits exactly up to this."""
MAX_WORDS, MAX_WORD_CHARS = 30_000, 64
"""Of one document: what PostgreSQL's text vectors can hold."""

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(f"([{_IDEOGRAPHS}]+)|([^\\W{_IDEOGRAPHS}]+)")


def words(value: str) -> list[str]:
    """The words of a text as they are compared, each once; of scripts without spaces, every two signs in a row."""
    found: dict[str, None] = {}
    for ideographs, word in _TOKEN.findall(fold(value)):
        if word:
            found[word[:MAX_WORD_CHARS]] = None
        else:
            found.update(dict.fromkeys(_pairs(ideographs)))
    return list(found)


def index_of(title: str, content: str) -> dict[str, str]:
    """What is indexed of an artifact: `title` and `words`."""
    titled = words(title)
    return {"title": " ".join(titled), "words": " ".join([*titled, *words(content)][:MAX_WORDS])}


def put(tx: Tx, it: Artifact, index: dict[str, str], *, is_new: bool) -> None:
    """Let an artifact be found by this; nothing is written when it already is."""
    if is_new:
        row = {"artifact_id": it.id, "tenant_id": it.tenant_id, "scope": _scope(it.tenant_id)}
        tx.execute(insert(artifact_text), row | index)
        return
    mine = artifact_text.c.artifact_id == it.id
    differs = (artifact_text.c.words != index["words"]) | (artifact_text.c.title != index["title"])
    tx.execute(update(artifact_text).where(mine, differs).values(index))


def rescope(tx: Tx, tenant_id: int) -> None:
    """Let texts that came from another library be found as this tenant's."""
    tx.execute(update(artifact_text).where(artifact_text.c.tenant_id == tenant_id).values(scope=_scope(tenant_id)))


def find(
    tx: Tx, tenant_id: int, user_id: int, query: str, room_id: int | None, *, skip: int, limit: int
) -> tuple[list[Artifact], int]:
    """Artifacts that hold every word of the query, or one that begins with it, among those that the user may read.

    Those that have them in their title come first, then the newest; and how many there are.
    """
    wanted = words(query)
    if not wanted:
        return [], 0
    mine = [
        artifact.c.tenant_id == tenant_id,
        artifact.c.deleted_at.is_(None),
        artifact.c.room_id.in_(rooms.readable_by(user_id)),
        *([artifact.c.room_id == room_id] if room_id is not None else []),
        _holds(tx, tenant_id, wanted),
    ]
    titled = case((_in_title(wanted), 0), else_=1)
    joined = WHOLE.join(artifact_text, artifact_text.c.artifact_id == artifact.c.id).where(*mine)
    order = titled, artifact.c.updated_at.desc(), artifact.c.id.desc()
    found = [to_artifact(row) for row in tx.execute(joined.order_by(*order).offset(skip).limit(limit)).mappings()]
    there = select(artifact.c.id).join(artifact_text, artifact_text.c.artifact_id == artifact.c.id).where(*mine)
    total = tx.execute(select(func.count()).select_from(there.limit(COUNT_LIMIT).subquery())).scalar_one()
    return found, int(total)


def _holds(tx: Tx, tenant_id: int, wanted: Sequence[str]) -> ColumnElement[bool]:
    if tx.dialect.name == "sqlite":
        every = " AND ".join(f'"{word}"*' for word in wanted)
        match = f'scope : "{_scope(tenant_id)}" AND words : ({every})'
        hits = select(_INDEX.c.rowid).where(_INDEX.c.artifact_text_index.op("MATCH")(match))
        return artifact_text.c.artifact_id.in_(hits)
    vector = text(
        "artifact_text.scope = :scope "
        "AND array_to_tsvector(string_to_array(artifact_text.words, ' ')) @@ CAST(:wanted AS tsquery)"
    )
    every = " & ".join(f"'{word}':*" for word in wanted)  # a word holds letters, digits and underscores alone
    return vector.bindparams(bindparam("scope", _scope(tenant_id)), bindparam("wanted", every))  # type: ignore[return-value]


def _in_title(wanted: Iterable[str]) -> ColumnElement[bool]:
    spaced = literal(" ").concat(artifact_text.c.title)
    return and_(*(spaced.contains(f" {word}", autoescape=True) for word in wanted))


def _pairs(signs: str) -> Iterable[str]:
    return [signs] if len(signs) == 1 else (signs[at : at + 2] for at in range(len(signs) - 1))


def _scope(tenant_id: int) -> str:
    return f"t{tenant_id}"


_INDEX = table("artifact_text_index", column("rowid"), column("artifact_text_index"))

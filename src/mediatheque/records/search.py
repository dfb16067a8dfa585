"""Substring search over names and texts, with the tenant inside the index: trigrams on both databases.

`scope` is three characters of a private-use area, one trigram: tenant, kind and visibility at once, so that a
tenant's search reads no other tenant's postings. Of the texts, `names` has names and tags, `seen` what can be read in
a picture, `body` words about the asset and text that it is or says; each is in the index by itself, too.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Text,
    and_,
    column,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    update,
)

from mediatheque.filing import SearchIn
from mediatheque.model import Asset
from mediatheque.records import vectors
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Tx
from mediatheque.records.folding import fold
from mediatheque.records.tables import asset, asset_text, finding, link

COUNT_LIMIT = 10_000
"""A search counts its hits exactly up to this."""

KINDS = ("image", "document", "video", "audio", "link")
SECTIONS = (("description",), ("visible_text",), ("document_text", "page_text", "transcript"))
"""Findings whose text, a string or an object with `text`, is about the asset, can be seen in it, or is what it says."""
INDEXED = frozenset(kind for section in SECTIONS for kind in section)
_SEPARATOR = "\x1f"
_FIRST_CHARACTER, _BASE = 0xE000, 6400
_TRIGRAM = 3
_NEEDLE = re.compile(r'"([^"]+)"|(\S+)')

Texts = Sequence[str | None]


def add(tx: Tx, it: Asset) -> None:
    """Let a new asset be found."""
    put(tx, it.id, _scope_of(it), _names(tx, it), _words(it))


def refresh(tx: Tx, it: Asset) -> None:
    """Let an asset be found by what it and its findings say now, and no longer by what they said."""
    mine = finding.c.blob_id == it.blob.id, finding.c.kind.in_(INDEXED), finding.c.state != "rejected"
    found = [(row.kind, _text(row.value)) for row in tx.execute(select(finding.c.kind, finding.c.value).where(*mine))]
    about, seen, read = ([text for kind, text in found if kind in section] for section in SECTIONS)
    change(tx, it.id, _scope_of(it), _names(tx, it), [*_words(it), *about], seen, read)


def discard(tx: Tx, it: Asset) -> None:
    """Let an asset be found in the trash alone, until it is refreshed."""
    mine = asset_text.c.asset_id == it.id
    tx.execute(update(asset_text).where(mine).values(scope=trash_token(it.tenant_id)))


def put(tx: Tx, asset_id: int, scope: Scope, names: Texts, about: Texts = ()) -> None:
    """Index these texts of a new asset."""
    tx.execute(insert(asset_text), row(asset_id, scope, names, about))


def row(
    asset_id: int, scope: Scope, names: Texts, about: Texts = (), seen: Texts = (), read: Texts = ()
) -> dict[str, Any]:
    """What is indexed of an asset with these texts."""
    return {"asset_id": asset_id, "tenant_id": scope.tenant_id, "scope": _tokens(scope)[0],
            "names": _folded(names), "seen": _folded(seen), "body": _folded([*about, *read])}  # fmt: skip


def change(
    tx: Tx, asset_id: int, scope: Scope, names: Texts, about: Texts = (), seen: Texts = (), read: Texts = ()
) -> None:
    values = row(asset_id, scope, names, about, seen, read)
    tx.execute(update(asset_text).where(asset_text.c.asset_id == asset_id).values(values))


def remove(tx: Tx, asset_id: int) -> None:
    """The asset is found no more, neither by its words nor by what they mean."""
    tx.execute(delete(asset_text).where(asset_text.c.asset_id == asset_id))
    vectors.remove(tx, asset_id)


def find(tx: Tx, scope: Scope, needle: str, *, skip: int, limit: int) -> tuple[list[int], int]:
    """Row ids of the assets that hold `needle` (whatever its case), newest first, and how many there are."""
    found = hits(tx, scope, needle)
    newest = found.order_by(found.selected_columns[0].desc())
    ids = [int(row[0]) for row in tx.execute(newest.limit(limit).offset(skip))]
    is_last = len(ids) < limit and (ids or skip == 0)
    if is_last and skip + len(ids) < COUNT_LIMIT:
        return ids, skip + len(ids)
    total = tx.execute(select(func.count()).select_from(found.limit(COUNT_LIMIT).subquery())).scalar_one()
    return ids, int(total)


def hits(tx: Tx, scope: Scope, text: str) -> Select[int]:
    """Row ids of the assets that hold `text`, whatever its case."""
    found = matching(tx, scope.tenant_id, _tokens(scope), [fold(text)])
    if scope.folder_id is None:
        return found
    return found.join(asset, asset.c.id == found.selected_columns[0]).where(asset.c.folder_id == scope.folder_id)


def needles(text: str) -> list[str]:
    """What a search looks for, all of it, in whatever order: words, and phrases in quotation marks."""
    return [fold(phrase or word) for phrase, word in _NEEDLE.findall(text)] or [fold(text)]


def matching(
    tx: Tx, tenant_id: int, tokens: Sequence[str], wanted: Sequence[str], search_in: SearchIn = SearchIn.ALL
) -> Select[int]:
    """Row ids of what holds all that is `wanted` in these texts; `tokens` say which scopes, all of this tenant."""
    indexed = [needle for needle in wanted if len(needle) >= _TRIGRAM]
    if tx.dialect.name != "sqlite" or not indexed:
        mine = asset_text.c.tenant_id == tenant_id, asset_text.c.scope.in_(tokens)
        return select(asset_text.c.asset_id).where(*mine, holds(tx, wanted, search_in))
    scopes = " OR ".join(f'"{token}"' for token in tokens)
    places = " ".join(column.name for column in _columns(search_in))
    every = " AND ".join(f'{{{places}}} : "{needle.replace(chr(34), chr(34) * 2)}"' for needle in indexed)
    index = _SEEN_INDEX if search_in is SearchIn.VISIBLE_TEXT else _INDEX
    found = select(index.c.rowid).where(index.c[index.name].op("MATCH")(f"scope : ({scopes}) AND {every}"))
    if len(indexed) == len(wanted):
        return found
    return found.join(asset_text, asset_text.c.asset_id == index.c.rowid).where(holds(tx, wanted, search_in))


def holds(tx: Tx, wanted: Sequence[str], search_in: SearchIn) -> ColumnElement[bool]:
    """Whether the indexed texts hold all that is `wanted`, there where it is looked for."""
    return and_(*(_has(tx, needle, search_in) for needle in wanted))


def _has(tx: Tx, needle: str, search_in: SearchIn) -> ColumnElement[bool]:
    columns = _columns(search_in)
    if tx.dialect.name == "sqlite":
        return or_(*(func.instr(text, needle) > 0 for text in columns))
    return (columns[0] if len(columns) == 1 else _ALL).contains(needle, autoescape=True)


def _columns(search_in: SearchIn) -> tuple[Column[str], ...]:
    texts = asset_text.c
    match search_in:
        case SearchIn.METADATA:
            return (texts.names,)
        case SearchIn.VISIBLE_TEXT:
            return (texts.seen,)
        case _:
            return texts.names, texts.seen, texts.body


def tokens_of(tenant_id: int, kinds: Iterable[str]) -> list[str]:
    """The trigrams of a tenant's assets of these kinds, public and private."""
    return [token for kind in kinds for token in _tokens(Scope(tenant_id, kind, None))]


def trash_token(tenant_id: int) -> str:
    """The trigram of a tenant's trash: counted from the other end, so that no scope has the same."""
    return _spelled(_BASE**_TRIGRAM - 1 - tenant_id)


def rescope(tx: Tx, tenant_id: int) -> None:
    """Let texts that came from another library be found as this tenant's."""
    mine = asset_text.c.tenant_id == tenant_id
    for kind in KINDS:
        for is_public in (False, True):
            those = select(asset.c.id).where(
                asset.c.tenant_id == tenant_id, asset.c.kind == kind, asset.c.is_public == is_public,
                asset.c.deleted_at.is_(None),
            )  # fmt: skip
            token = _token(Scope(tenant_id, kind, is_public), is_public)
            tx.execute(update(asset_text).where(mine, asset_text.c.asset_id.in_(those)).values(scope=token))
    trashed = select(asset.c.id).where(asset.c.tenant_id == tenant_id, asset.c.deleted_at.is_not(None))
    discarded = update(asset_text).where(mine, asset_text.c.asset_id.in_(trashed))
    tx.execute(discarded.values(scope=trash_token(tenant_id)))


def _scope_of(it: Asset) -> Scope:
    return Scope(it.tenant_id, it.kind, it.is_public)


def _names(tx: Tx, it: Asset) -> Texts:
    """A link's address is one of its names."""
    own = it.filename, it.original_filename, it.title, *it.tags
    if it.kind != "link":
        return own
    return *own, tx.execute(select(link.c.url).where(link.c.asset_id == it.id)).scalar()


def _text(value: Any) -> str | None:
    return value.get("text") if isinstance(value, dict) else str(value)


def _words(it: Asset) -> Texts:
    return it.alt_text, it.description


def _tokens(scope: Scope) -> list[str]:
    """The trigrams of the visibilities that the scope is about."""
    visibilities = (False, True) if scope.is_public is None else (scope.is_public,)
    return [_token(scope, is_public) for is_public in visibilities]


def _token(scope: Scope, is_public: bool) -> str:
    return _spelled((scope.tenant_id * len(KINDS) + KINDS.index(scope.kind)) * 2 + is_public)


def _spelled(number: int) -> str:
    digits = (number // _BASE**2, number // _BASE % _BASE, number % _BASE)
    return "".join(chr(_FIRST_CHARACTER + digit) for digit in digits)


def _folded(texts: Texts) -> str:
    return _SEPARATOR.join(fold(value) for value in texts if value)


_ALL: ColumnElement[str] = literal_column(
    f"(asset_text.names || '{_SEPARATOR}' || asset_text.seen || '{_SEPARATOR}' || asset_text.body)", Text
)
"""Letter by letter the expression of PostgreSQL's index `ix_asset_text_all`."""
_INDEX = table("asset_text_index", column("rowid"), column("asset_text_index"))
_SEEN_INDEX = table("asset_seen_index", column("rowid"), column("asset_seen_index"))
"""Of few files, and of a few words each: to look for those among the words of all takes SQLite long."""

"""Substring search over names and texts, with the tenant inside the index: trigrams on both databases.

`scope` is three characters of a private-use area, one trigram: tenant, kind and visibility at once, so that a
tenant's search reads no other tenant's postings.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, column, delete, func, insert, select, table, update

from mediatheque.model import Asset
from mediatheque.records.assets import Scope
from mediatheque.records.engine import Tx
from mediatheque.records.tables import asset, asset_text

COUNT_LIMIT = 10_000
"""A search counts its hits exactly up to this."""

KINDS = ("image", "document", "video", "audio", "link")
_SEPARATOR = "\x1f"
_FIRST_CHARACTER, _BASE = 0xE000, 6400
_TRIGRAM = 3


def scope_of(it: Asset) -> Scope:
    return Scope(it.tenant_id, it.kind, it.is_public)


def texts_of(it: Asset) -> Sequence[str | None]:
    """What an asset is found by."""
    return it.filename, it.original_filename, it.title, it.alt_text, it.description, *it.tags


def put(tx: Tx, asset_id: int, scope: Scope, texts: Sequence[str | None]) -> None:
    """Index these texts of a new asset."""
    tx.execute(insert(asset_text), row(asset_id, scope, texts))


def row(asset_id: int, scope: Scope, texts: Sequence[str | None]) -> dict[str, Any]:
    """What is indexed of an asset with these texts."""
    return {"asset_id": asset_id, "tenant_id": scope.tenant_id, "scope": _tokens(scope)[0], "body": _body(texts)}


def change(tx: Tx, asset_id: int, scope: Scope, texts: Sequence[str | None]) -> None:
    tx.execute(update(asset_text).where(asset_text.c.asset_id == asset_id).values(row(asset_id, scope, texts)))


def remove(tx: Tx, asset_id: int) -> None:
    tx.execute(delete(asset_text).where(asset_text.c.asset_id == asset_id))


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


def fold(value: str) -> str:
    """Compatibility-composed and case-folded: what both sides of a comparison look like."""
    return unicodedata.normalize("NFKC", value).casefold()


def hits(tx: Tx, scope: Scope, text: str) -> Select[int]:
    """Row ids of the assets that hold `text`, whatever its case."""
    is_sqlite, needle = tx.dialect.name == "sqlite", fold(text)
    if is_sqlite and len(needle) >= _TRIGRAM:
        tokens = " OR ".join(f'"{token}"' for token in _tokens(scope))
        match = f'scope : ({tokens}) AND body : "{needle.replace(chr(34), chr(34) * 2)}"'
        found = select(_INDEX.c.rowid).where(_INDEX.c.asset_text_index.op("MATCH")(match))
    else:
        holds = (
            func.instr(asset_text.c.body, needle) > 0
            if is_sqlite
            else asset_text.c.body.contains(needle, autoescape=True)
        )
        found = select(asset_text.c.asset_id).where(
            asset_text.c.tenant_id == scope.tenant_id, asset_text.c.scope.in_(_tokens(scope)), holds
        )
    if scope.folder_id is None:
        return found
    return found.join(asset, asset.c.id == found.selected_columns[0]).where(asset.c.folder_id == scope.folder_id)


def _tokens(scope: Scope) -> list[str]:
    """The trigrams of the visibilities that the scope is about."""
    visibilities = (False, True) if scope.is_public is None else (scope.is_public,)
    return [_token(scope, is_public) for is_public in visibilities]


def _token(scope: Scope, is_public: bool) -> str:
    number = (scope.tenant_id * len(KINDS) + KINDS.index(scope.kind)) * 2 + is_public
    digits = (number // _BASE**2, number // _BASE % _BASE, number % _BASE)
    return "".join(chr(_FIRST_CHARACTER + digit) for digit in digits)


def _body(texts: Sequence[str | None]) -> str:
    return _SEPARATOR.join(fold(value) for value in texts if value)


_INDEX = table("asset_text_index", column("rowid"), column("asset_text_index"))

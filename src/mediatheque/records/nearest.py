"""The passages nearest to a question: by pgvector's index where there is one, else by a look at all of a tenant's.

What is looked at is kept in memory while it is wanted, and brought up to date by what came and went since.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Table, func, select, text

from mediatheque.records.engine import Tx
from mediatheque.records.tables import vector
from mediatheque.records.vectors import INDEXED, is_indexed, literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Amounts = NDArray[Any]

KEPT_BYTES = 128 << 20
BLOCK_ROWS = 8192
PASSAGES_PER_FILE = 8
"""How many passages are looked at for each file that is wanted: the nearest may all be of one."""


@dataclass(frozen=True, slots=True)
class Near:
    """A file or artifact, its nearest passage's row, and how near that is: the cosine, 1 for the same."""

    owner_id: int
    vector_id: int
    similarity: float


@dataclass(slots=True)
class Shelf:
    """A tenant's vectors by one model, in the order of their rows."""

    ids: "Amounts"
    owners: "Amounts"
    amounts: "Amounts"


class Nearest:
    """Looks for a tenant's nearest passages in that table, whose column `owner` says what they are of; one for each
    process, since it remembers."""

    def __init__(self, table: Table = vector, owner: str = "asset_id", kept_bytes: int = KEPT_BYTES) -> None:
        self._table = table
        self._owner = table.c[owner]
        self._kept_bytes = kept_bytes
        self._shelves: OrderedDict[tuple[int, str], Shelf] = OrderedDict()
        self._lock = threading.Lock()

    def find(
        self,
        tx: Tx,
        tenant_id: int,
        model: str,
        question: "Amounts",
        *,
        limit: int,
        floor: float,
        only: Collection[int] | None = None,
        each: bool = False,
    ) -> list[Near]:
        """At most `limit` owners by their nearest passage, best first, none below `floor`; `only`: among these.

        With `each` every passage counts by itself.
        """
        if self._table is vector and len(question) == INDEXED and is_indexed(tx):
            rows = _indexed(tx, tenant_id, model, question, limit * PASSAGES_PER_FILE, only)
            return _best(rows, limit, floor, each)
        return _best(self._scanned(tx, tenant_id, model, question, floor, only), limit, floor, each)

    def _scanned(
        self, tx: Tx, tenant_id: int, model: str, question: "Amounts", floor: float, only: Collection[int] | None
    ) -> Iterator[Near]:
        import numpy as np

        found: list[tuple[float, int, int]] = []
        for shelf in self._shelves_of(tx, tenant_id, model):
            likenesses = shelf.amounts @ question
            wanted = likenesses >= floor
            if only is not None:
                wanted &= np.isin(shelf.owners, np.fromiter(only, np.int64, len(only)))
            places = np.flatnonzero(wanted)
            found += zip(likenesses[places].tolist(), shelf.owners[places].tolist(), shelf.ids[places].tolist(),
                         strict=True)  # fmt: skip
        for likeness, owner_id, vector_id in sorted(found, reverse=True):
            yield Near(owner_id, vector_id, likeness)

    def _shelves_of(self, tx: Tx, tenant_id: int, model: str) -> Iterator[Shelf]:
        """All of them at once, remembered; or, when they are too many for that, one block after another."""
        table = self._table
        mine = table.c.tenant_id == tenant_id, table.c.model == model
        count, last = tx.execute(select(func.count(), func.max(table.c.id)).where(*mine)).one()
        if not count:
            return
        with self._lock:
            shelf = self._shelves.pop((tenant_id, model), None)
        if shelf is None or len(shelf.ids) != count or shelf.ids[-1] != last:
            width = len(tx.execute(select(table.c.amounts).where(table.c.id == last)).scalar() or b"") // 2
            if count * width * 4 > self._kept_bytes:
                yield from _blocks(tx, self._owner, mine)
                return
            shelf = _refreshed(tx, self._owner, mine, shelf, count)
        self._keep((tenant_id, model), shelf)
        yield shelf

    def _keep(self, key: tuple[int, str], shelf: Shelf) -> None:
        """Remember it as the one wanted last, and forget those that nobody has wanted for long."""
        with self._lock:
            self._shelves[key] = shelf
            while sum(it.amounts.nbytes for it in self._shelves.values()) > self._kept_bytes:
                self._shelves.popitem(last=False)


def _refreshed(tx: Tx, owner: Column[Any], mine: Sequence[Any], before: Shelf | None, count: int) -> Shelf:
    """The shelf with what came since, without what went; read anew where that does not add up."""
    import numpy as np

    if before is None:
        return _joined(list(_blocks(tx, owner, mine)))
    shelf = _joined([before, *_blocks(tx, owner, mine, after=int(before.ids[-1]))])
    if len(shelf.ids) == count:
        return shelf
    row = owner.table.c.id
    there = np.fromiter(tx.execute(select(row).where(*mine).order_by(row)).scalars(), np.int64)
    stays = np.isin(shelf.ids, there)
    if stays.sum() != len(there):  # rows of a transaction that began earlier and ended later
        return _joined(list(_blocks(tx, owner, mine)))
    return Shelf(shelf.ids[stays], shelf.owners[stays], shelf.amounts[stays])


def _blocks(tx: Tx, owner: Column[Any], mine: Sequence[Any], after: int = 0) -> Iterator[Shelf]:
    import numpy as np

    row_id, amount = owner.table.c.id, owner.table.c.amounts
    query = select(row_id, owner.label("owner_id"), amount).where(*mine).order_by(row_id)
    while rows := tx.execute(query.where(row_id > after).limit(BLOCK_ROWS)).all():
        after = rows[-1].id
        amounts = np.frombuffer(b"".join(row.amounts for row in rows), "<f2").reshape(len(rows), -1)
        yield Shelf(
            np.array([row.id for row in rows], np.int64),
            np.array([row.owner_id for row in rows], np.int64),
            amounts.astype(np.float32),
        )


def _joined(shelves: Sequence[Shelf]) -> Shelf:
    import numpy as np

    if len(shelves) == 1:
        return shelves[0]
    parts = zip(*((it.ids, it.owners, it.amounts) for it in shelves), strict=True)
    return Shelf(*(np.concatenate(part) for part in parts))


def _indexed(
    tx: Tx, tenant_id: int, model: str, question: "Amounts", limit: int, only: Collection[int] | None
) -> Iterator[Near]:
    values: dict[str, Any] = {"tenant": tenant_id, "model": model, "question": literal(question), "most": limit}
    if only is not None:
        rows = tx.execute(_AMONG, values | {"only": list(only)})
    else:
        tx.execute(_PATIENTLY)
        rows = tx.execute(_NEAREST, values)
    for row in rows:
        yield Near(row.asset_id, row.id, row.similarity)


def _best(found: Iterator[Near], limit: int, floor: float, each: bool) -> list[Near]:
    best: dict[int, Near] = {}
    for near in found:
        if near.similarity < floor or len(best) == limit:
            break
        best.setdefault(near.vector_id if each else near.owner_id, near)
    return list(best.values())


_PATIENTLY = text("SELECT set_config('hnsw.ef_search', '200', false), "
                  "set_config('hnsw.iterative_scan', 'strict_order', false)")  # fmt: skip
"""The index holds all tenants' vectors: go on until there are enough of this one's."""
_NEAREST = text("""
    SELECT passage_vector.id, passage_vector.asset_id, 1 - found.distance AS similarity FROM (
        SELECT vector_id, amounts <=> CAST(:question AS halfvec) AS distance FROM vector_index
        WHERE tenant_id = :tenant AND model = :model ORDER BY amounts <=> CAST(:question AS halfvec) LIMIT :most
    ) AS found JOIN passage_vector ON passage_vector.id = found.vector_id ORDER BY found.distance
""")
_AMONG = text("""
    SELECT passage_vector.id, passage_vector.asset_id,
        1 - (vector_index.amounts <=> CAST(:question AS halfvec)) AS similarity
    FROM passage_vector JOIN vector_index ON vector_index.vector_id = passage_vector.id
    WHERE passage_vector.tenant_id = :tenant AND passage_vector.model = :model AND passage_vector.asset_id = ANY(:only)
    ORDER BY similarity DESC LIMIT :most
""")

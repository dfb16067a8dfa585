"""What passages mean, as vectors of length one: kept, told apart by the model that made them, and counted.

`amounts` are float16, little-endian. On PostgreSQL with pgvector, vectors of `INDEXED` dimensions also lie in an index.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, text, update

from mediatheque.records.assets import shown
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import asset, embedding, finding, vector

INDEXED = 384
BYTES_PER_AMOUNT = 2
LOOKS = "looks:"
"""What the names of models begin with that know what pictures look like; the others know what texts mean."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many files have been gone through for a model, and their passages."""

    model: str
    assets: int
    passages: int


def put(tx: Tx, tenant_id: int, asset_id: int, model: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the asset's vectors by this model; those that stay the same stay."""
    mine = vector.c.asset_id == asset_id, vector.c.model == model
    there = {(row.field, row.position, row.digest): row.id for row in tx.execute(select(vector).where(*mine))}
    wanted = {(row["field"], row["position"], row["digest"]): row for row in rows}
    gone = [{"gone": there[key]} for key in there.keys() - wanted.keys()]
    if gone:
        tx.execute(delete(vector).where(vector.c.id == bindparam("gone")), gone)
    common = {"tenant_id": tenant_id, "asset_id": asset_id, "model": model}
    new = [common | dict(row) for key, row in wanted.items() if key not in there]
    if new:
        tx.execute(insert(vector), new)
        _index(tx, asset_id, model)
    values = {"tenant_id": tenant_id, "passages": len(wanted), "created_at": datetime.now(UTC)}
    done = embedding.c.asset_id == asset_id, embedding.c.model == model
    if tx.execute(update(embedding).where(*done).values(values)).rowcount == 0:
        tx.execute(insert(embedding), values | {"asset_id": asset_id, "model": model})


def known(tx: Tx, asset_id: int, model: str) -> dict[str, bytes]:
    """The asset's vectors by this model, by the digest of their texts."""
    query = select(vector.c.digest, vector.c.amounts).where(vector.c.asset_id == asset_id, vector.c.model == model)
    return {row.digest: row.amounts for row in tx.execute(query)}


def of_asset(tx: Tx, tenant_id: int, asset_id: int, model: str, limit: int) -> list[bytes]:
    mine = vector.c.tenant_id == tenant_id, vector.c.asset_id == asset_id, vector.c.model == model
    return list(tx.execute(select(vector.c.amounts).where(*mine).order_by(vector.c.id).limit(limit)).scalars())


def described(tx: Tx, tenant_id: int, ids: Sequence[int]) -> dict[int, Row]:
    """Vectors with these row ids: whose, of what, where in it."""
    columns = [column for column in vector.c if column.name != "amounts"]
    query = select(*columns).where(vector.c.tenant_id == tenant_id, vector.c.id.in_(ids))
    return {row["id"]: row for row in tx.execute(query).mappings()}


def counted(tx: Tx, tenant_id: int, asset_id: int, field: str) -> int:
    """How many passages of this field have a vector, by the model that has most."""
    mine = vector.c.tenant_id == tenant_id, vector.c.asset_id == asset_id, vector.c.field == field
    counts = tx.execute(select(func.count()).where(*mine).group_by(vector.c.model)).scalars()
    return max(counts, default=0)


def models_of(tx: Tx, tenant_id: int, *, of_looks: bool = False) -> dict[str, int]:
    """The models that made a tenant's vectors of texts, or of pictures' looks, with how many files each has been gone
    through by."""
    mine = embedding.c.tenant_id == tenant_id, _is_of_looks() if of_looks else ~_is_of_looks()
    query = select(embedding.c.model, func.count()).where(*mine)
    return {row[0]: row[1] for row in tx.execute(query.group_by(embedding.c.model))}


def coverage(tx: Tx) -> list[Coverage]:
    query = select(embedding.c.model, func.count(), func.sum(embedding.c.passages)).group_by(embedding.c.model)
    return [Coverage(row[0], int(row[1]), int(row[2] or 0)) for row in tx.execute(query)]


def behind(tx: Tx, model: str, kinds: Sequence[str], after: int, limit: int) -> list[Any]:
    """(id, uuid, tenant_id) of files after that row that hold words and that this model has not been through."""
    done = select(embedding.c.asset_id).where(embedding.c.asset_id == asset.c.id, embedding.c.model == model)
    told = select(finding.c.id).where(finding.c.blob_id == asset.c.blob_id, finding.c.kind.in_(kinds))
    words = asset.c.title.is_not(None) | asset.c.alt_text.is_not(None) | asset.c.description.is_not(None)
    query = select(asset.c.id, asset.c.uuid, asset.c.tenant_id)
    query = query.where(asset.c.id > after, *shown(), ~done.exists(), words | told.exists())
    return list(tx.execute(query.order_by(asset.c.id).limit(limit)))


def unseen(tx: Tx, model: str, kind: str, after: int, limit: int) -> list[Any]:
    """(id, uuid, tenant_id) of pictures after that row that this model of looks has not been through, and that a
    finding of that kind or vectors by another such model say were to be understood."""
    done = select(embedding.c.asset_id).where(embedding.c.asset_id == asset.c.id, embedding.c.model == model)
    before = select(embedding.c.asset_id).where(embedding.c.asset_id == asset.c.id, _is_of_looks())
    told = select(finding.c.id).where(finding.c.blob_id == asset.c.blob_id, finding.c.kind == kind)
    query = select(asset.c.id, asset.c.uuid, asset.c.tenant_id)
    mine = asset.c.id > after, asset.c.kind == "image", *shown(), ~done.exists(), told.exists() | before.exists()
    return list(tx.execute(query.where(*mine).order_by(asset.c.id).limit(limit)))


def others(tx: Tx, model: str) -> set[tuple[int, str]]:
    """(tenant, model) of all vectors that another model for the same made."""
    same = _is_of_looks() if model.startswith(LOOKS) else ~_is_of_looks()
    query = select(embedding.c.tenant_id, embedding.c.model).where(embedding.c.model != model, same)
    return {(row.tenant_id, row.model) for row in tx.execute(query.distinct())}


def superseded(tx: Tx, model: str) -> set[tuple[int, str]]:
    """Those of them whose files have all been gone through by this model too."""
    new = embedding.alias()
    query = (
        select(embedding.c.tenant_id, embedding.c.model)
        .join(asset, (asset.c.id == embedding.c.asset_id) & (asset.c.deleted_at.is_(None)))
        .outerjoin(new, (new.c.asset_id == embedding.c.asset_id) & (new.c.model == model))
        .where(embedding.c.model != model, new.c.asset_id.is_(None))
    )
    behind = {(row.tenant_id, row.model) for row in tx.execute(query.distinct())}
    return others(tx, model) - behind


def drop_model(tx: Tx, tenant_id: int, model: str) -> None:
    tx.execute(delete(vector).where(vector.c.tenant_id == tenant_id, vector.c.model == model))
    tx.execute(delete(embedding).where(embedding.c.tenant_id == tenant_id, embedding.c.model == model))


def remove(tx: Tx, asset_id: int) -> None:
    """The asset means nothing any more."""
    tx.execute(delete(vector).where(vector.c.asset_id == asset_id))
    tx.execute(delete(embedding).where(embedding.c.asset_id == asset_id))


def is_indexed(tx: Tx) -> bool:
    """Whether the nearest can be asked for in the database: PostgreSQL with pgvector."""
    if tx.dialect.name == "sqlite":
        return False
    return tx.execute(text("SELECT to_regclass('vector_index') IS NOT NULL")).scalar_one() is True


def index_all(tx: Tx) -> None:
    """Put all vectors into the index, where there is one: after rows came otherwise than one by one."""
    if is_indexed(tx):
        for row in tx.execute(select(embedding.c.asset_id, embedding.c.model)).all():
            _index(tx, row.asset_id, row.model)


def literal(amounts: Iterable[float]) -> str:
    """A vector as pgvector writes it."""
    return "[" + ",".join(f"{value:.5g}" for value in amounts) + "]"


def _is_of_looks() -> ColumnElement[bool]:
    return embedding.c.model.startswith(LOOKS, autoescape=True)


def _index(tx: Tx, asset_id: int, model: str) -> None:
    """Put those vectors of the asset into the index that are not in it."""
    if not is_indexed(tx):
        return
    import numpy as np

    rows = tx.execute(_NOT_INDEXED, {"asset": asset_id, "model": model, "bytes": INDEXED * BYTES_PER_AMOUNT}).all()
    values = [
        {"id": row.id, "tenant": row.tenant_id, "model": model, "amounts": literal(np.frombuffer(row.amounts, "<f2"))}
        for row in rows
    ]
    if values:
        tx.execute(_TO_INDEX, values)


_NOT_INDEXED = text(
    "SELECT id, tenant_id, amounts FROM passage_vector WHERE asset_id = :asset AND model = :model "
    "AND length(amounts) = :bytes AND NOT EXISTS (SELECT 1 FROM vector_index WHERE vector_id = passage_vector.id)"
)
_TO_INDEX = text(
    "INSERT INTO vector_index (vector_id, tenant_id, model, amounts) "
    "VALUES (:id, :tenant, :model, CAST(:amounts AS halfvec))"
)

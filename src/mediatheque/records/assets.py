"""Rows of assets, blobs and variants, and the lists over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    bindparam,
    delete,
    desc,
    func,
    insert,
    select,
    update,
)

from mediatheque.model import Asset, Blob, State, Variant
from mediatheque.records.engine import Tx
from mediatheque.records.folding import sort_key
from mediatheque.records.tables import asset, asset_tag, authorship, blob, folder, garbage, link, snapshot, variant

_BLOB = tuple(column.label(f"current_{column.name}") for column in blob.c)
WHOLE = select(asset, folder.c.path.label("folder_path"), *_BLOB).select_from(
    asset.join(blob, blob.c.id == asset.c.blob_id).outerjoin(folder, folder.c.id == asset.c.folder_id)
)
_STORED = ("store", "key", "size_bytes", "media_type", "sha256", "width", "height")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which of a tenant's assets a list is about. `is_public` None: both; `folder_id` None: all folders."""

    tenant_id: int
    kind: str
    is_public: bool | None
    folder_id: int | None = None


def add_blob(tx: Tx, values: dict[str, Any]) -> int:
    return int(tx.execute(_ADD_BLOB, values).scalar_one())


def add_asset(tx: Tx, values: dict[str, Any]) -> int:
    """A new row; where nothing says when its content was made, that is when the asset was."""
    dated = {"content_at": values.get("captured_at") or values["created_at"]} | values
    return int(tx.execute(_ADD, _keyed(dated)).scalar_one())


def set_tags(tx: Tx, it: Asset, tags: Sequence[str]) -> None:
    """Make these the asset's tags, in this order; they are found by their exact spelling."""
    if it.tags:
        tx.execute(delete(asset_tag).where(asset_tag.c.asset_id == it.id))
    add_tags(tx, it.id, it.tenant_id, tags)
    change_asset(tx, it.id, {"tags": list(tags) or None})


def tags_of(tx: Tx, tenant_id: int, limit: int) -> list[tuple[str, int]]:
    """(tag, files that wear it and are not in the trash), the most worn first."""
    worn = select(asset_tag.c.tag, func.count().label("files")).join(asset, asset.c.id == asset_tag.c.asset_id)
    query = worn.where(asset_tag.c.tenant_id == tenant_id, asset.c.deleted_at.is_(None)).group_by(asset_tag.c.tag)
    return [(row.tag, row.files) for row in tx.execute(query.order_by(desc("files"), asset_tag.c.tag).limit(limit))]


def add_tags(tx: Tx, asset_id: int, tenant_id: int, tags: Sequence[str]) -> None:
    """Let an asset be found by these tags, none of which it has."""
    if tags:
        tx.execute(insert(asset_tag), [{"asset_id": asset_id, "tenant_id": tenant_id, "tag": tag} for tag in tags])


def change_asset(tx: Tx, asset_id: int, values: dict[str, Any]) -> None:
    tx.execute(_CHANGE, {"row": asset_id, **_keyed(values)})


def make_ready(tx: Tx, asset_id: int, now: datetime) -> bool:
    """The asset can be used; False when that was so before.

    One statement for both columns: PostgreSQL locks the folder of a row that a transaction changes twice.
    """
    if tx.execute(_FIRST_READY, {"row": asset_id, "state": State.READY, "ready_at": now}).rowcount == 1:
        return True
    tx.execute(_CHANGE, {"row": asset_id, "state": State.READY})
    return False


def asset_with(tx: Tx, uuid: UUID, tenant_id: int | None) -> Asset | None:
    """An asset that is there; `tenant_id` None only for public media, whose URL is its own permission."""
    row = tx.execute(_ANYONES if tenant_id is None else _ONE, {"id": uuid, "tenant": tenant_id}).mappings().first()
    return None if row is None else to_asset(row)


def folder_of(tx: Tx, asset_id: int) -> int | None:
    return tx.execute(select(asset.c.folder_id).where(asset.c.id == asset_id)).scalar()


def existed(tx: Tx, uuid: UUID) -> bool:
    return (
        tx.execute(select(asset.c.id).where(asset.c.uuid == uuid, asset.c.deleted_at.is_not(None))).first() is not None
    )


def lock(tx: Tx, uuid: UUID, tenant_id: int) -> Asset | None:
    """The asset, held until the transaction ends (SQLite's writer is alone anyway)."""
    row = tx.execute(_ONE.with_for_update(of=asset), {"id": uuid, "tenant": tenant_id}).mappings().first()
    return None if row is None else to_asset(row)


def lock_trashed(tx: Tx, uuid: UUID, tenant_id: int) -> Asset | None:
    """The asset, if it lies in the trash, held until the transaction ends."""
    query = WHOLE.where(asset.c.uuid == uuid, asset.c.tenant_id == tenant_id, asset.c.deleted_at.is_not(None))
    row = tx.execute(query.with_for_update(of=asset)).mappings().first()
    return None if row is None else to_asset(row)


def trashed_before(tx: Tx, moment: datetime, limit: int) -> list[tuple[UUID, int]]:
    """(id, tenant) of some that have been in the trash since `moment` or longer."""
    query = select(asset.c.uuid, asset.c.tenant_id).where(
        asset.c.deleted_at.is_not(None), asset.c.blob_id.is_not(None), asset.c.deleted_at <= moment
    )
    return [(row.uuid, row.tenant_id) for row in tx.execute(query.limit(limit))]


def expired_before(tx: Tx, moment: datetime, limit: int) -> list[tuple[UUID, int]]:
    """(id, tenant) of some that were to be gone by `moment`."""
    due = asset.c.expires_at.is_not(None), asset.c.expires_at <= moment
    rows = tx.execute(select(asset.c.uuid, asset.c.tenant_id).where(*due).order_by(asset.c.expires_at).limit(limit))
    return [(row.uuid, row.tenant_id) for row in rows]


def with_hashes(tx: Tx, tenant_id: int, hashes: Sequence[str]) -> dict[str, UUID]:
    """The oldest asset of the tenant that is there with bytes of each of these SHA-256, where there is one.

    Bytes as they are kept, or as they came before their metadata were taken out.
    """
    found: dict[str, UUID] = {}
    for column in (blob.c.received_sha256, blob.c.sha256):
        query = select(column.label("sha256"), asset.c.uuid).join(asset, asset.c.blob_id == blob.c.id)
        query = query.where(blob.c.tenant_id == tenant_id, column.in_(hashes), *shown())
        found |= {row.sha256: row.uuid for row in tx.execute(query.order_by(blob.c.id.desc()))}
    return found


def owning_blobs(tx: Tx, keys: Sequence[str]) -> list[Asset]:
    """Assets whose current blob has one of these keys."""
    rows = tx.execute(WHOLE.where(blob.c.key.in_(keys), asset.c.state != "failed")).mappings()
    return [to_asset(row) for row in rows]


def owning_variants(tx: Tx, keys: Sequence[str]) -> list[Asset]:
    """Assets with a variant that has one of these keys."""
    owners = select(variant.c.blob_id).where(variant.c.key.in_(keys))
    rows = tx.execute(WHOLE.where(blob.c.id.in_(owners), asset.c.state != "failed")).mappings()
    return [to_asset(row) for row in rows]


def owner_of_key(tx: Tx, key: str) -> tuple[Asset | None, Variant | None]:
    """The asset that is there and whose blob, or one of whose variants, has this key."""
    row = tx.execute(WHOLE.where(blob.c.key == key, asset.c.deleted_at.is_(None))).mappings().first()
    if row is not None:
        return to_asset(row), None
    made = tx.execute(select(variant).where(variant.c.key == key)).mappings().first()
    if made is None:
        return None, None
    row = tx.execute(WHOLE.where(blob.c.id == made["blob_id"], asset.c.deleted_at.is_(None))).mappings().first()
    return (None if row is None else to_asset(row)), variant_of(made)


def hold(tx: Tx, asset_id: int) -> Asset | None:
    """The asset as it is now, its row locked first, as every change does, so that no two transactions wait for each
    other; None for a deleted one, and for one that got other bytes in this very moment.
    """
    row = tx.execute(_HELD, {"row": asset_id}).mappings().first()
    return None if row is None else to_asset(row)


def drop_blob(tx: Tx, blob_id: int) -> None:
    """Forget a blob that no asset points at any more, and its variants; what becomes of the bytes is the caller's."""
    tx.execute(delete(blob).where(blob.c.id == blob_id))


def newest(tx: Tx, scope: Scope, *, before: datetime | None, skip: int, limit: int) -> list[Asset]:
    """Shown assets created before `before`, newest first, the first `skip` left out."""
    query = _newest(scope.is_public is not None, scope.folder_id is not None, before is not None)
    values = {"tenant": scope.tenant_id, "kind": scope.kind, "public": scope.is_public, "folder": scope.folder_id,
              "before": before, "skipped": skip, "most": limit}  # fmt: skip
    return [to_asset(row) for row in tx.execute(query, values).mappings()]


def in_order(tx: Tx, tenant_id: int, ids: Sequence[int], *, with_failed: bool = False) -> list[Asset]:
    """The assets with these row ids, in that order; those gone meanwhile are left out, and so are failed ones."""
    if not ids:
        return []
    rows = tx.execute(_PRESENT_OF if with_failed else _SHOWN_OF, {"tenant": tenant_id, "ids": ids}).mappings()
    found = {row["id"]: to_asset(row) for row in rows}
    return [found[asset_id] for asset_id in ids if asset_id in found]


def shown() -> tuple[ColumnElement[bool], ...]:
    """The condition of the partial indexes: written as they are, so that the planner sees it."""
    return asset.c.deleted_at.is_(None), asset.c.state != "failed"


def add_variants(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(variant), rows)


def variants_of(tx: Tx, blob_id: int) -> list[Variant]:
    return [variant_of(row) for row in tx.execute(_VARIANTS, {"blob": blob_id}).mappings()]


def variant_named(tx: Tx, blob_id: int, name: str) -> Variant | None:
    row = tx.execute(_VARIANT, {"blob": blob_id, "name": name}).mappings().first()
    return None if row is None else variant_of(row)


def drop_variants(tx: Tx, blob_id: int, names: Sequence[str], now: datetime) -> int:
    """Forget these variants; their bytes become garbage. Returns how many there were."""
    if not names:
        return 0
    mine = variant.c.blob_id == blob_id, variant.c.name.in_(names)
    gone = tx.execute(delete(variant).where(*mine).returning(variant.c.store, variant.c.key)).all()
    discard(tx, [(store, key) for store, key in gone], now)
    return len(gone)


def erase(tx: Tx, it: Asset, now: datetime, message: str | None = None) -> list[tuple[str, str]]:
    """Leave a tombstone of an asset and none of its blob; returns (store, key) of the bytes, now garbage."""
    objects = [(it.blob.store, it.blob.key)]
    objects += [(made.store, made.key) for made in variants_of(tx, it.blob.id)]
    blank = {"blob_id": None, "filename": "", "original_filename": "", "alt_text": None, "folder_id": None}
    blank |= {"title": None, "tags": None, "description": None, "content_at": None, "purpose": None, "extension": None}
    change_asset(
        tx,
        it.id,
        blank | {"is_public": False, "deleted_at": now, "updated_at": now, "captured_at": None, "expires_at": None},
    )
    set_tags(tx, it, ())
    for about in (link, snapshot, authorship):
        tx.execute(delete(about).where(about.c.asset_id == it.id))
    tx.execute(delete(blob).where(blob.c.id == it.blob.id))
    discard(tx, objects, now, message)
    return objects


def discard(tx: Tx, objects: list[tuple[str, str]], now: datetime, message: str | None = None) -> None:
    """Record bytes as garbage; `message` is for stores that keep a history."""
    if objects:
        common = {"created_at": now, "message": message}
        tx.execute(insert(garbage), [{"store": store, "key": key, **common} for store, key in objects])


def garbage_before(tx: Tx, moment: datetime, limit: int) -> list[RowMapping]:
    query = select(garbage).where(garbage.c.created_at <= moment).order_by(garbage.c.id).limit(limit)
    return list(tx.execute(query).mappings())


def forget_garbage(tx: Tx, objects: Sequence[tuple[str, str]]) -> None:
    keys = [key for _, key in objects]
    tx.execute(delete(garbage).where(garbage.c.key.in_(keys)))


def to_asset(row: RowMapping) -> Asset:
    return Asset(
        id=row["id"],
        uuid=row["uuid"],
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        state=State(row["state"]),
        filename=row["filename"],
        original_filename=row["original_filename"],
        title=row["title"],
        tags=tuple(row["tags"] or ()),
        alt_text=row["alt_text"],
        description=row["description"],
        folder=row["folder_path"],
        is_public=row["is_public"],
        upload_method=row["upload_method"],
        captured_at=row["captured_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row["deleted_at"],
        purpose=row["purpose"],
        expires_at=row["expires_at"],
        extension=row["extension"],
        blob=Blob(
            **{name: row[f"current_{name}"] for name in ("id", "uuid", *_STORED)}, details=row["current_details"] or {}
        ),
    )


def day_of(moment: datetime) -> int:
    """Days since the epoch, UTC: the unit of the tallies."""
    return int(moment.timestamp() // 86400)


def start_of(day: int) -> datetime:
    return datetime.fromtimestamp(day * 86400, UTC)


@cache
def _newest(by_visibility: bool, by_folder: bool, by_moment: bool) -> Select[Any]:
    """Built once: to build it takes longer than to run it."""
    conditions = [asset.c.tenant_id == bindparam("tenant"), asset.c.kind == bindparam("kind"), *shown()]
    if by_visibility:
        conditions.append(asset.c.is_public == bindparam("public"))
    if by_folder:
        conditions.append(asset.c.folder_id == bindparam("folder"))
    if by_moment:
        conditions.append(asset.c.created_at < bindparam("before"))
    newest_first = WHOLE.where(*conditions).order_by(asset.c.created_at.desc(), asset.c.id.desc())
    return newest_first.limit(bindparam("most")).offset(bindparam("skipped"))


def _keyed(values: dict[str, Any]) -> dict[str, Any]:
    """With the key that titles are sorted by."""
    return values | {"title_key": sort_key(values["title"])} if "title" in values else values


def variant_of(row: RowMapping) -> Variant:
    return Variant(name=row["name"], created_at=row["created_at"], **{name: row[name] for name in _STORED})


def _with_uuid() -> Select[Any]:
    return WHOLE.where(asset.c.uuid == bindparam("id"), asset.c.deleted_at.is_(None))


_ADD = insert(asset).returning(asset.c.id)
_ADD_BLOB = insert(blob).returning(blob.c.id)
_CHANGE = update(asset).where(asset.c.id == bindparam("row"))
_FIRST_READY = _CHANGE.where(asset.c.ready_at.is_(None))
_ANYONES = _with_uuid()
_ONE = _with_uuid().where(asset.c.tenant_id == bindparam("tenant"))
_HELD = WHOLE.where(asset.c.id == bindparam("row"), asset.c.deleted_at.is_(None)).with_for_update(of=asset)
_VARIANTS = select(variant).where(variant.c.blob_id == bindparam("blob")).order_by(variant.c.id)
_VARIANT = select(variant).where(variant.c.blob_id == bindparam("blob"), variant.c.name == bindparam("name"))
_MINE = asset.c.tenant_id + 0 == bindparam("tenant"), asset.c.id.in_(bindparam("ids", expanding=True))
"""The tenant as an expression: SQLite would walk its index, not the ids."""
_PRESENT_OF = WHOLE.where(*_MINE, asset.c.deleted_at.is_(None))
_SHOWN_OF = WHOLE.where(*_MINE, *shown())

"""Rows like those of a library that grew for three years: assets, blobs, folders, texts and counts, without bytes."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, insert, select, text

from mediatheque.core.accounts import Accounts
from mediatheque.model import State
from mediatheque.records import accounts, search
from mediatheque.records.assets import Scope, day_of
from mediatheque.records.engine import Database, Tx
from mediatheque.records.schema import migrate
from mediatheque.records.tables import asset, asset_text, blob, folder, tally, tenant
from mediatheque.records.tallies import ALL_FOLDERS

YEARS = 3
FOLDERS = 40
IN_A_FOLDER = 0.7
WITH_ALT_TEXT = 0.3
CHUNK = 20_000

COMMON, RARE = "beach", "zeppelin"
RARE_ROWS = 20
WORDS = (
    COMMON,
    "harbour", "sunset", "market", "bridge", "garden", "winter", "street", "portrait", "mountain", "river",
    "concert", "kitchen", "forest", "lantern", "station", "museum", "ceramic", "balloon", "orchard", "terrace",
    "painting", "festival", "workshop", "lighthouse", "bicycle", "umbrella", "cathedral", "window", "staircase",
    "meadow", "airport", "glacier", "courtyard", "rooftop", "carnival", "railway", "vineyard", "pavilion",
    "archive",
)  # fmt: skip
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


@dataclass(frozen=True)
class Library:
    """A tenant of the benchmarks, its key and its folders (row id and path, the fullest first)."""

    tenant_id: int
    key: str
    folders: tuple[tuple[int, str], ...]


def prepared(database: Database) -> Library:
    """The schema, and one tenant with empty folders."""
    migrate(database)
    key = Accounts(database).create_key("benchmark")
    now = datetime.now(UTC)
    with database.write() as tx:
        row = accounts.tenant_named(tx, "benchmark")
        assert row is not None
        tenant_id = int(row["id"])
        rows = [{"uuid": _uuid(random), "tenant_id": tenant_id, "parent_id": None, "name": f"folder {number:02}",
                 "path": f"folder {number:02}", "created_at": now} for number in range(FOLDERS)]  # fmt: skip
        tx.execute(insert(folder), rows)
        mine = select(folder.c.id, folder.c.path).where(folder.c.tenant_id == tenant_id).order_by(folder.c.id)
        return Library(tenant_id, key.key, tuple((int(it.id), it.path) for it in tx.execute(mine)))


def fill(database: Database, library: Library, count: int) -> range:
    """Add that many public images, spread evenly over the years up to now; their row ids."""
    start = datetime.now(UTC) - timedelta(days=365 * YEARS)
    pause = timedelta(days=365 * YEARS) / count
    tallies: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    with database.read() as tx:
        first = _next_id(tx, asset), _next_id(tx, blob)
    dice = random.Random(first[0])
    rare = set(dice.sample(range(count), min(RARE_ROWS, count)))
    for begin in range(0, count, CHUNK):
        numbers = range(begin, min(begin + CHUNK, count))
        rows = [_row(dice, library, first, number, start + number * pause, number in rare) for number in numbers]
        _insert(database, rows)
        for made in rows:
            _count(tallies, made.asset, made.blob["size_bytes"])
    _tally(database, library.tenant_id, tallies)
    _settle(database)
    return range(first[0], first[0] + count)


def fill_tenants(database: Database, count: int) -> None:
    """Add that many tenants with one public image each."""
    dice = random.Random(count)
    now = datetime.now(UTC)
    with database.read() as tx:
        first_tenant, first = _next_id(tx, tenant), (_next_id(tx, asset), _next_id(tx, blob))
    rows = [{"id": first_tenant + number, "uuid": _uuid(dice), "name": f"tenant {number}", "created_at": now}
            for number in range(count)]  # fmt: skip
    with database.hasten() as tx:
        tx.execute(insert(tenant), rows)
    made = [_row(dice, Library(first_tenant + number, "", ()), first, number, now, is_rare=False)
            for number in range(count)]  # fmt: skip
    _insert(database, made)
    for row in made:
        counts: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        _count(counts, row.asset, row.blob["size_bytes"])
        _tally(database, row.asset["tenant_id"], counts)
    _settle(database)


def uuids(database: Database, ids: range, count: int) -> list[UUID]:
    """Of that many assets, spread over the ids."""
    wanted = random.Random(count).sample(ids, min(count, len(ids)))
    with database.read() as tx:
        return list(tx.execute(select(asset.c.uuid).where(asset.c.id.in_(wanted))).scalars())


@dataclass(frozen=True)
class _Rows:
    asset: dict[str, Any]
    blob: dict[str, Any]
    text: dict[str, Any]


def _row(
    dice: random.Random, library: Library, first: tuple[int, int], number: int, at: datetime, is_rare: bool
) -> _Rows:
    words = dice.choices(WORDS, cum_weights=_WEIGHTS, k=2)
    filename = f"{words[0]}-{words[1]}-{number:07}.jpg"
    alt_text = None
    if is_rare or dice.random() < WITH_ALT_TEXT:
        alt_text = " ".join(dice.choices(WORDS, cum_weights=_WEIGHTS, k=6)) + (f" {RARE}" if is_rare else "")
    folder_id = None
    if library.folders and dice.random() < IN_A_FOLDER:
        folder_id = library.folders[int(len(library.folders) * dice.random() ** 2)][0]
    asset_id, blob_id = first[0] + number, first[1] + number
    uuid = _uuid(dice)
    scope = Scope(library.tenant_id, "image", is_public=True)
    return _Rows(
        {
            "id": asset_id, "uuid": _uuid(dice), "tenant_id": library.tenant_id, "kind": "image",
            "state": State.READY, "filename": filename, "original_filename": filename, "alt_text": alt_text,
            "folder_id": folder_id, "is_public": True, "blob_id": blob_id, "source": "images", "captured_at": at,
            "content_at": at, "created_at": at, "updated_at": at,
        },
        {
            "id": blob_id, "uuid": uuid, "tenant_id": library.tenant_id, "store": "local",
            "key": f"uploads/{library.tenant_id}/{uuid}/{filename}", "size_bytes": dice.randint(200_000, 8_000_000),
            "media_type": "image/jpeg", "sha256": hashlib.sha256(uuid.bytes).hexdigest(), "width": 4000,
            "height": 3000, "frames": 1, "details": {"orientation": 1}, "created_at": at,
        },
        search.row(asset_id, scope, (filename, filename, alt_text)),
    )  # fmt: skip


def _insert(database: Database, rows: list[_Rows]) -> None:
    with database.hasten() as tx:
        tx.execute(insert(blob), [row.blob for row in rows])
        tx.execute(insert(asset), [row.asset for row in rows])
        tx.execute(insert(asset_text), [row.text for row in rows])


def _count(counts: dict[tuple[int, int], list[int]], row: dict[str, Any], size_bytes: int) -> None:
    for folder_id in _counted(row):
        total = counts[folder_id, day_of(row["created_at"])]
        total[0] += 1
        total[1] += size_bytes


def _counted(row: dict[str, Any]) -> Iterator[int]:
    yield ALL_FOLDERS
    if row["folder_id"] is not None:
        yield row["folder_id"]


def _tally(database: Database, tenant_id: int, counts: dict[tuple[int, int], list[int]]) -> None:
    """The counts as the worker leaves them when it has folded them: one row per folder and day."""
    common = {"tenant_id": tenant_id, "kind": "image", "is_public": True}
    rows = [common | {"folder_id": folder_id, "day": day, "assets": number, "size_bytes": size}
            for (folder_id, day), (number, size) in counts.items()]  # fmt: skip
    with database.hasten() as tx:
        tx.execute(insert(tally), rows)


def _next_id(tx: Tx, table: Table) -> int:
    return int(tx.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def _settle(database: Database) -> None:
    """What PostgreSQL does by itself within minutes; the sequences must know of rows with ids of our own."""
    if database.is_sqlite:
        return
    with database.write() as tx:
        for table in (tenant, asset, blob):
            highest = _next_id(tx, table)
            tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {highest})"))
    with database.read() as tx:
        tx.execute(text("VACUUM ANALYZE"))


def _uuid(dice: Any) -> UUID:
    return UUID(int=dice.getrandbits(128), version=4)

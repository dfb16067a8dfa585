"""`storage move`: a tenant's bytes go from one place to another while the library is used.

An object is copied, read back and held against its hash; then one transaction lets its row name the new place. What is
interrupted leaves every row at a place that has its bytes, and is gone on with by asking again.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from mediatheque import faults
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import Conflict, Invalid, LibraryError, NotFound, TooLarge
from mediatheque.ports import Store
from mediatheque.records import accounts, profiles, relocation
from mediatheque.records.engine import Database
from mediatheque.records.inventory import Recorded
from mediatheque.records.locks import exclusive

OWN = "own"
"""What people call the server's own store."""
READERS = timedelta(hours=1)
"""How long the old bytes stay for runs and downloads that began with them."""
_BATCH = 200
_CHECK = b"mediatheque"


@dataclass(slots=True)
class Moved:
    """`damaged`: keys of objects that are lost or have other bytes than were recorded; they stay where they are."""

    objects: int = 0
    bytes: int = 0
    left: int = 0
    """Objects that still lie at the old place: damaged ones, and those that came meanwhile."""
    damaged: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Way:
    """Between two places of a tenant."""

    tenant_id: int
    source: str
    target: str


class Relocating:
    def __init__(self, database: Database, stores: Stores) -> None:
        self._database = database
        self._stores = stores

    def move(self, tenant: str, source: str, target: str, tell: Callable[[Moved], None] = lambda _: None) -> Moved:
        """Move all objects of the tenant from one place to another: names of its profiles, or `own`.

        `tell` hears after each batch how far it is. Uploads go on going where the tenant's default says: make the
        new place the default before. Raises `NotFound`, `Invalid`, `Unavailable`, and `Conflict` when both names
        mean the same place, or when a move of this tenant is under way.
        """
        way = self._way(tenant, source, target)
        with exclusive(self._database, f"move-{way.tenant_id}", wait=False) as held:
            if not held:
                raise Conflict("Bytes of this tenant are being moved already")
            self._demand_apart(way)
            moved = Moved()
            while self._pass(way, moved, tell):
                pass  # until a look finds nothing that came meanwhile
            with self._database.read() as tx:
                moved.left = relocation.count_in(tx, way.tenant_id, way.source)
            return moved

    def _way(self, tenant: str, source: str, target: str) -> _Way:
        with self._database.read() as tx:
            found = accounts.tenant_named(tx, tenant)
            if found is None:
                raise NotFound(f"No tenant is called {tenant}")
            known = {it.name: str(it.uuid) for it in profiles.of_tenant(tx, found["id"])}
        known[OWN] = self._stores.primary.name
        for name in (source, target):
            if name not in known:
                raise NotFound(f"{tenant} has no place called {name}: it has {', '.join(known)}")
        if source == target:
            raise Invalid("Both are the same place", field=("to",), kind="invalid")
        return _Way(found["id"], known[source], known[target])

    def _demand_apart(self, way: _Way) -> None:
        """Two profiles may mean one bucket; to move there and clear away the old bytes would lose them."""
        source, target = self._stores[way.source], self._stores[way.target]
        source.check()
        name = f"uploads/{uuid4()}/{uuid4()}/check"
        with Staged(target.staging, len(_CHECK)) as staged:
            staged.write(_CHECK)
            target.put(staged.path, target.key_prefix + name, message="Looks whether two places are one")
        try:
            if any(_is_there(source, prefix + name) for prefix in {source.key_prefix, target.key_prefix}):
                raise Conflict("Both names mean the same place")
        finally:
            target.delete(target.key_prefix + name)

    def _pass(self, way: _Way, moved: Moved, tell: Callable[[Moved], None]) -> int:
        """One look at all rows of the old place; returns how many objects went."""
        before = moved.objects
        target = self._stores[way.target]
        homes = {"blob": (way.target, target), "variant": self._beside(way.target)}
        for family in relocation.FAMILIES:
            after = 0
            name, store = homes[family]
            while name != way.source and (batch := self._batch(way, family, after)):
                for it in batch:
                    if it.key not in moved.damaged:
                        self._take(it, family, name, store, moved)
                after = batch[-1].id
                tell(moved)
        return moved.objects - before

    def _beside(self, name: str) -> tuple[str, Store]:
        """Where the variants of what lies there belong."""
        store = self._stores.for_variants(name)
        return (self._stores.primary.name if store is self._stores.primary else name), store

    def _batch(self, way: _Way, family: str, after: int) -> list[Recorded]:
        with self._database.read() as tx:
            return relocation.lying_in(tx, family, way.tenant_id, way.source, after, _BATCH)

    def _take(self, it: Recorded, family: str, name: str, store: Store, moved: Moved) -> None:
        source = self._stores[it.store]
        key = self._key(name, store, it.key.removeprefix(source.key_prefix))
        if not self._copied(it, source, store, key):
            if self._is_recorded(it, family):
                moved.damaged.append(it.key)
            return
        faults.place("move.copied")
        with self._database.write() as tx:
            is_ours = relocation.relocate(tx, family, it, name, key, forget_at=datetime.now(UTC) + READERS)
        faults.place("move.recorded")
        if not is_ours:  # it was deleted meanwhile
            with suppress(LibraryError):
                store.delete(key)
            return
        moved.objects += 1
        moved.bytes += it.size_bytes

    def _key(self, name: str, store: Store, path: str) -> str:
        """The object's key there: as it was, unless bytes of that name are to go, which would take it along."""
        with self._database.read() as tx:
            if not relocation.is_leaving(tx, name, store.key_prefix + path):
                return store.key_prefix + path
        family, tenant, _, file = path.split("/", 3)
        return f"{store.key_prefix}{family}/{tenant}/{uuid4()}/{file}"

    def _is_recorded(self, it: Recorded, family: str) -> bool:
        """Whether it is lost; else it was deleted a moment ago."""
        with self._database.read() as tx:
            return relocation.is_at(tx, family, it)

    def _copied(self, it: Recorded, source: Store, target: Store, key: str) -> bool:
        """Whether the new place holds exactly the recorded bytes; an earlier try may have brought them."""
        if _sha256(target, key) == it.sha256:
            return True
        try:
            with Staged(target.staging, it.size_bytes) as staged:
                for piece in source.open(it.key):
                    staged.write(piece)
                if staged.sha256 != it.sha256:
                    return False
                target.put(staged.path, key, message="Moved from another place")
        except (NotFound, TooLarge):
            return False
        return _sha256(target, key) == it.sha256


def _is_there(store: Store, key: str) -> bool:
    try:
        store.size(key)
    except NotFound:
        return False
    return True


def _sha256(store: Store, key: str) -> str | None:
    digest = hashlib.sha256()
    try:
        for piece in store.open(key):
            digest.update(piece)
    except NotFound:
        return None
    return digest.hexdigest()

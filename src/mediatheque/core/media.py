"""Bytes on their way out: which object a public or signed URL stands for, and its pieces, verified."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from mediatheque.errors import Conflict, Gone, NotFound, Unavailable
from mediatheque.model import Actor, Asset, State
from mediatheque.ports import Store
from mediatheque.records import assets
from mediatheque.records.engine import Database

ORIGINAL = "original"
VARIANTS = frozenset({"thumbnail", "large_1024", "medium_750", "small_256", "tiny_64"})
WHOLE_BYTES = 1 << 20
"""Objects up to this size are read whole and checked against their hash before the first byte leaves."""


@dataclass(frozen=True, slots=True)
class Served:
    """One object as it is served. `is_final` is False while the variant that was asked for is still being made."""

    asset_uuid: UUID
    store: str
    key: str
    size_bytes: int
    media_type: str
    sha256: str
    filename: str
    is_final: bool = True


class Media:
    def __init__(
        self, database: Database, stores: Mapping[str, Store], handed_over: tuple[str, str] | None = None
    ) -> None:
        """`handed_over`: a store whose files a proxy in front reads itself, and the path it has for them."""
        self._database = database
        self._stores = stores
        self._handed_over = handed_over
        self.hands_over = handed_over is not None

    def public(self, uuid: UUID, variant: str) -> Served:
        """What `/i/{id}` stands for: any public image, whatever its tenant.

        Raises `Gone` for what was deleted and `NotFound` for what never was, is private or failed.
        """
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, None)
            if it is None and assets.existed(tx, uuid):
                raise Gone
            if it is None or not it.is_public or it.kind != "image" or it.state == State.FAILED:
                raise NotFound
            made = None if variant == ORIGINAL else assets.variant_named(tx, it.blob.id, variant)
        if made is not None:
            return Served(uuid, made.store, made.key, made.size_bytes, made.media_type, made.sha256, it.filename)
        return original(it, is_final=variant == ORIGINAL)

    def private(self, uuid: UUID, variant: str) -> Served:
        """What a signed URL stands for: any asset that is there. Raises `Gone`, `NotFound` (also of a variant)."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, None)
            if it is None and assets.existed(tx, uuid):
                raise Gone
            if it is None or it.state == State.FAILED:
                raise NotFound
            if variant == ORIGINAL:
                return original(it, is_final=True)
            made = assets.variant_named(tx, it.blob.id, variant)
        if made is None:
            raise NotFound
        return Served(uuid, made.store, made.key, made.size_bytes, made.media_type, made.sha256, it.filename)

    def derivative(self, actor: Actor, uuid: UUID, name: str) -> Served:
        """One of an image's derivatives. Raises `NotFound` of the image, or else of the `derivative`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.kind != "image" or it.state == State.FAILED:
                raise NotFound("Asset not found")
            made = assets.variant_named(tx, it.blob.id, name)
        if made is None:
            raise NotFound("Derivative not found").about("derivative")
        return Served(uuid, made.store, made.key, made.size_bytes, made.media_type, made.sha256, it.filename)

    def picture(self, actor: Actor, uuid: UUID, variants: Sequence[str]) -> tuple[Served, bytes]:
        """The first of these variants that there is of a file, with its bytes.

        Raises `NotFound` of the file, `Conflict` when none is made (yet), `Unavailable` for damaged bytes.
        """
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None or it.state == State.FAILED:
                raise NotFound("File not found")
            made = {one.name: one for one in assets.variants_of(tx, it.blob.id)}
        found = next((made[name] for name in variants if name in made), None)
        if found is None:
            is_coming = it.kind != "document" or it.blob.media_type == "application/pdf"
            raise Conflict("Its pictures are not made yet" if is_coming else "There is no picture of this file")
        served = Served(uuid, found.store, found.key, found.size_bytes, found.media_type, found.sha256, it.filename)
        return served, self.whole(served)

    def by_key(self, key: str) -> Served:
        """What a storage key of a public asset stands for, its own blob or a variant; raises `NotFound`."""
        if not key.isprintable():
            raise NotFound("Not found")
        with self._database.read() as tx:
            it, made = assets.owner_of_key(tx, key)
        if it is None or not it.is_public or it.state == State.FAILED:
            raise NotFound("Not found")
        if made is None:
            return original(it, is_final=True)
        return Served(it.uuid, made.store, made.key, made.size_bytes, made.media_type, made.sha256, it.filename)

    def present(self, it: Asset, *, is_elsewhere: bool) -> Served:
        """The asset's own bytes; raises `NotFound` for a failed one and for bytes that are gone.

        `is_elsewhere`: their store shows them to anybody by itself, and is not asked.
        """
        if it.state == State.FAILED:
            raise NotFound
        if not is_elsewhere:
            self._stores[it.blob.store].size(it.blob.key)
        return original(it)

    def whole(self, served: Served) -> bytes:
        """All bytes, held against the recorded hash; raises `Unavailable` for damaged ones."""
        body = b"".join(self.pieces(served))
        if hashlib.sha256(body).hexdigest() != served.sha256:
            raise Unavailable
        return body

    def pieces(self, served: Served, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes `start` to `end` (exclusive). An object that is absent or has another size than recorded is damaged."""
        return self._intact(served).open(served.key, start=start, end=end)

    def path(self, served: Served) -> Path | None:
        """The object as a local file, where its store has files; raises `Unavailable` for a damaged one."""
        return self._intact(served).path(served.key)

    def proxied(self, served: Served) -> str | None:
        """The path under which the proxy in front finds the object as a file; None: it comes from us."""
        if self._handed_over is None or served.store != self._handed_over[0]:
            return None
        self._intact(served)
        return self._handed_over[1] + quote(served.key)

    def _intact(self, served: Served) -> Store:
        store = self._stores[served.store]
        try:
            if store.size(served.key) != served.size_bytes:
                raise Unavailable
        except NotFound:
            raise Unavailable from None
        return store


def original(it: Asset, *, is_final: bool = True) -> Served:
    """The asset's own bytes."""
    blob = it.blob
    return Served(it.uuid, blob.store, blob.key, blob.size_bytes, blob.media_type, blob.sha256, it.filename, is_final)

"""Erasing: a file goes with everything that was made of it or is known about it, and a signed record stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from mediatheque import faults
from mediatheque.core import audit, events, names
from mediatheque.core.assets import Assets
from mediatheque.core.derivatives import Derivatives
from mediatheque.core.events import Topic
from mediatheque.core.generations import Generations
from mediatheque.core.ids import to_ulid
from mediatheque.core.notary import Notary
from mediatheque.core.pipeline import Pipeline
from mediatheque.errors import NotFound
from mediatheque.model import Actor, Asset
from mediatheque.privacy import Erasure
from mediatheque.records import accounts, assets, erasures
from mediatheque.records.engine import Database, Tx
from mediatheque.records.erasures import Doomed, Kept

MAX_REASON_CHARS = 255


@dataclass(frozen=True, slots=True)
class Recorded:
    """An erasure as it is on record. `is_complete` False: some of its bytes wait for their store to answer.

    `is_genuine` None: it was signed with a secret that is no longer configured.
    """

    erasure: Erasure
    key_id: str
    signature: str
    is_genuine: bool | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _By:
    """On whose word, and in whose library."""

    tenant_id: int
    tenant_uuid: UUID
    actor: Actor | None


class Erasing:
    def __init__(
        self,
        database: Database,
        changing: Assets,
        pipeline: Pipeline,
        generations: Generations,
        derivatives: Derivatives,
        notary: Notary,
    ) -> None:
        self._database = database
        self._assets = changing
        self._pipeline = pipeline
        self._generations = generations
        self._derivatives = derivatives
        self._notary = notary

    def erase(self, actor: Actor, uuid: UUID, *, reason: str | None = None) -> list[Recorded]:
        """Erase a file, in the trash or not, and what workflows made of it; the records, its own first.

        One that is erased already is answered with the records that there are, one that was deleted before leaves one
        without a hash. Raises `NotFound`, `Invalid`.
        """
        return self._erase(_By(actor.tenant_id, actor.tenant_uuid, actor), uuid, reason)

    def erase_outside(self, uuid: UUID, *, reason: str | None = None) -> list[Recorded]:
        """The same for the operator, whatever the tenant."""
        with self._database.read() as tx:
            found = erasures.tenant_of(tx, uuid)
        if found is None:
            raise NotFound(f"No file {uuid}")
        return self._erase(_By(*found, None), uuid, reason)

    def page(self, actor: Actor, *, page: int, page_size: int) -> tuple[list[Recorded], int]:
        """The tenant's records, newest first, and how many there are; pages count from 1."""
        with self._database.read() as tx:
            rows = erasures.page(tx, actor.tenant_id, (page - 1) * page_size, page_size)
            return self._recorded(tx, rows), erasures.count(tx, actor.tenant_id)

    def all(self, tenant: str | None = None) -> list[Recorded]:
        """For the operator: every record, or those of one tenant, oldest first. Raises `NotFound` of the tenant."""
        with self._database.read() as tx:
            row = None if tenant is None else accounts.tenant_named(tx, tenant)
            if tenant is not None and row is None:
                raise NotFound(f"No tenant {tenant}")
            return self._recorded(tx, erasures.every(tx, None if row is None else row["id"]))

    @property
    def notary(self) -> Notary:
        return self._notary

    def _erase(self, by: _By, uuid: UUID, reason: str | None) -> list[Recorded]:
        names.text(reason, "reason", MAX_REASON_CHARS)
        objects: list[tuple[str, str]] = []
        gone: list[UUID] = []
        with self._database.write() as tx:
            named = erasures.hold(tx, by.tenant_id, uuid)
            if named is None:
                raise NotFound("File not found")
            for it in _family(tx, by.tenant_id, named):
                objects += self._take_out(tx, by, uuid, it, reason or None)
                gone.append(it.uuid)
            faults.place("erase.recorded")
        faults.place("erase.committed")
        for each in gone or [uuid]:
            self._generations.bump(each)
            self._derivatives.forget(each)
        self._pipeline.announce()
        self._pipeline.collect(objects)
        faults.place("erase.removed")
        with self._database.read() as tx:
            return self._recorded(tx, erasures.of_asset(tx, by.tenant_id, uuid))

    def _take_out(self, tx: Tx, by: _By, root: UUID, doomed: Doomed, reason: str | None) -> Sequence[tuple[str, str]]:
        uuid = doomed.uuid
        it = assets.lock(tx, uuid, by.tenant_id)
        trashed = None if it else assets.lock_trashed(tx, uuid, by.tenant_id)
        objects: Sequence[tuple[str, str]] = []
        if it is not None:
            objects = self._assets.erase_locked(tx, it, tells=False)
        elif trashed is not None:
            objects = self._pipeline.erase_trashed(tx, trashed)
        erasures.scrub(tx, by.tenant_id, uuid, (str(uuid), uuid.hex, to_ulid(uuid)))
        content = {"asset_id": str(uuid), "kind": doomed.kind, "is_final": True, "is_erased": True}
        events.tell(tx, by.tenant_id, Topic.ASSET_DELETED, uuid, content)
        self._record(tx, by, root, _erasure(by, doomed, it or trashed, reason), objects)
        return objects

    def _record(self, tx: Tx, by: _By, root: UUID, made: Erasure, objects: Sequence[tuple[str, str]]) -> None:
        key_id, signature = self._notary.sign(made.signed_bytes())
        blobs = sorted({key.split("/")[-2] for _, key in objects})
        erasures.add(tx, by.tenant_id, root, made, key_id=key_id, signature=signature, blobs=blobs)
        if by.actor is not None:
            audit.note(tx, by.actor, "asset.erased", made.asset_id, record=str(made.id))
        else:
            audit.note_outside(tx, by.tenant_id, "asset.erased", made.asset_id, record=str(made.id))

    def _recorded(self, tx: Tx, rows: Sequence[Kept]) -> list[Recorded]:
        waiting = erasures.waiting(tx, rows)
        return [
            Recorded(
                row.erasure,
                row.key_id,
                row.signature,
                is_genuine=self._notary.is_genuine(row.erasure.signed_bytes(), row.key_id, row.signature),
                is_complete=waiting.isdisjoint(row.blobs),
            )
            for row in rows
        ]


def _family(tx: Tx, tenant_id: int, named: Doomed) -> list[Doomed]:
    """The file, unless it is erased, and behind it what was made of it, and of that."""
    if erasures.of_asset(tx, tenant_id, named.uuid):
        return []
    found, seen = [named], {named.uuid}
    for it in found:
        for made in erasures.made_of(tx, tenant_id, it):
            if made.uuid not in seen:
                seen.add(made.uuid)
                found.append(made)
    return found


def _erasure(by: _By, doomed: Doomed, was: Asset | None, reason: str | None) -> Erasure:
    return Erasure(
        id=uuid4(),
        tenant_id=by.tenant_uuid,
        asset_id=doomed.uuid,
        kind=doomed.kind,
        sha256=was.blob.sha256 if was else None,
        size_bytes=was.blob.size_bytes if was else None,
        derived_from=doomed.origin,
        erased_at=datetime.now(UTC),
        erased_by=by.actor.user_uuid if by.actor else None,
        reason=reason,
    )

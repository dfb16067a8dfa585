"""Arrivals: files that come into the library in more than one step, and survive everything in between.

The bytes of an arrival are an object of the server's own store below `arrivals/`, which its row names; taking it in
settles the row in the transaction that makes the asset. Whoever dies meanwhile leaves a lease, and somebody else
finishes.
"""

import posixpath
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from mediatheque.core import names
from mediatheque.core.intake import UPLOADS, Intake, Taken, Upload
from mediatheque.core.news import News
from mediatheque.core.partials import Partials
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import BadRequest, Conflict, LibraryError, NotFound, StorageFull, Unavailable
from mediatheque.model import Actor, Facts, Terms
from mediatheque.records import arrivals, assets, batches, parts
from mediatheque.records.arrivals import DONE, EXPIRED, FAILED, OPEN, SKIPPED, WAITING, Arrival
from mediatheque.records.engine import Database, Duplicate, Tx
from mediatheque.records.tables import MICROSECOND
from mediatheque.understanding import Intent, Level

ARRIVALS = "arrivals"
"""First part of the keys of bytes that no asset has yet."""
PRESIGNED, STREAMING, TUS, CHUNKED = "PRESIGNED", "STREAMING", "TUS", "CHUNKED"
MAX_TRIES = 5
KEPT = timedelta(days=30)
"""What has come to an end is remembered for so long: repeated confirmations, results of sessions."""
PARTIAL_GRACE = timedelta(minutes=1)
_BATCH = 500
_TAKEN_OVER = "The upload is being finished by another request"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender wants done with its files."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    folder_id: UUID | None = None
    auto_describe: bool = True
    skip_duplicates: bool = False
    own_place: bool = False
    """In the tenant's own storage, not wherever its files usually go."""
    level: Level = Level.STANDARD
    intent: Intent = Intent.DESCRIBE

    def checked(self) -> "Wishes":
        """As they are kept; raises `Invalid`."""
        return Wishes(names.title(self.title), names.tags(self.tags), self.folder_id, self.auto_describe,
                      self.skip_duplicates, self.own_place, self.level, self.intent)  # fmt: skip

    def as_upload(self, filename: str, method: str, **more: Any) -> Upload:
        return Upload(filename, title=self.title, tags=self.tags, folder_id=self.folder_id, method=method,
                      enrich=self.auto_describe, level=self.level, intent=self.intent, **more)  # fmt: skip


class Arrivals:
    def __init__(self, database: Database, stores: Stores, intake: Intake, partials: Partials, news: News) -> None:
        self.partials = partials
        self._news = news
        self._database = database
        self._stores = stores
        self._intake = intake

    def row(self, actor: Actor, terms: Terms, wishes: Wishes, *, uuid: UUID, filename: str) -> dict[str, Any]:
        """What every arrival's row begins with."""
        return {
            "uuid": uuid,
            "tenant_id": actor.tenant_id,
            "user_id": actor.user_id,
            "filename": names.base_name(filename) or "file",
            "options": {"terms": _plain(terms), "wishes": _plain(wishes)},
            "created_at": datetime.now(UTC),
        }

    def hold(self, actor: Actor, uuid: UUID, staged: Staged) -> str:
        """Make the staged bytes an object of the server's own store, durable before this returns; its key."""
        key = f"{ARRIVALS}/{actor.tenant_uuid}/{uuid}/{uuid4()}"
        self._stores.primary.put(staged.path, key)
        return key

    def drop(self, key: str) -> None:
        """Remove bytes that no row names."""
        with suppress(LibraryError):  # the sweeper finds what a store keeps
            self._stores.primary.delete(key)

    def take(self, it: Arrival) -> int | None:
        """Lease an arrival that is open or waiting; None: somebody else is at it."""
        with self._database.write() as tx:
            return arrivals.take(tx, it.id, (OPEN, WAITING), self._database.now_micros(tx))

    def finish(self, it: Arrival, fence: int, *, sha256: str | None = None) -> None:
        """Take a leased arrival into the library, or raise why not; it stays leased then.

        Raises what `Intake.take` raises, and `BadRequest` for bytes that have not the `sha256` that is expected.
        """
        started = datetime.now(UTC)
        wishes, terms = wishes_of(it), _terms(it)
        promised: dict[str, Any] = {"arrival_id": it.id, "asset_id": it.uuid}
        if it.object_key is not None:
            promised |= {"object_key": it.object_key}
        if "facts" in it.options:
            promised |= {"facts": _facts(it)}
        with self._database.read() as tx:
            actor = arrivals.actor_of(tx, it)
        settling = _Settling(it, fence, self._stores.primary.name, started)
        with self._restaged(it, terms) as staged:
            if sha256 is not None and sha256 != staged.sha256:
                raise BadRequest("The upload has another checksum")
            try:
                self._intake.take(
                    actor, terms, staged, wishes.as_upload(it.filename, it.method, **promised),
                    skip_duplicates=wishes.skip_duplicates, own_place=wishes.own_place, remembering=settling,
                )  # fmt: skip
            except Duplicate:  # our lease had ended, and our successor was faster
                raise Conflict(_TAKEN_OVER) from None

    def finish_next(self) -> bool:
        """Take in one that waits, or end it as failed; False when none waits. For workers."""
        with self._database.read() as tx:
            if not arrivals.any_waits(tx):
                return False
        with self._database.write() as tx:
            it = arrivals.take_next(tx, self._database.now_micros(tx))
        if it is not None:
            self.finish_or_fail(it, it.fence)
        return it is not None

    def finish_or_fail(self, it: Arrival, fence: int) -> None:
        """Take in a leased arrival; trouble that may pass puts it back, anything else ends it as failed."""
        try:
            if fence > MAX_TRIES:
                raise Conflict(f"Gave up: {MAX_TRIES} attempts did not come to an end")
            self.finish(it, fence)
        except (Unavailable, StorageFull) as error:
            self.put_back(it, fence, error.message)
        except LibraryError as error:
            self.fail(it, fence, error.message)
        except Exception:
            log.exception("arrival failed", arrival=str(it.uuid))
            self.fail(it, fence, "Internal error")

    def fail(self, it: Arrival, fence: int, reason: str) -> None:
        with self._database.write() as tx:
            now = datetime.now(UTC)
            values = {"state": FAILED, "error": reason, "finished_at": now, "expires_at": now + KEPT}
            if arrivals.settle(tx, it.id, fence, values | {"staged_key": None}):
                self.discard(tx, it)
        self._news.tell()

    def reopen(self, it: Arrival, fence: int, *, keeps_bytes: bool) -> None:
        """Give a lease back: the sender may try again, with other bytes unless these are kept."""
        with self._database.write() as tx:
            direct = it.staged_key if it.options.get("direct") else None
            values = {"state": OPEN} | ({} if keeps_bytes else {"staged_key": direct, "received_bytes": 0})
            if arrivals.settle(tx, it.id, fence, values) and not keeps_bytes and direct is None:
                self.discard(tx, it)
        if not keeps_bytes and direct is not None:
            self.drop(direct)

    def discard(self, tx: Tx, it: Arrival) -> None:
        """The bytes of an arrival are garbage from this transaction on."""
        _discard(tx, it, self._stores.primary.name)

    def sweep(self) -> None:
        """End what was promised and never came, give its room back, and forget what ended long ago."""
        now = datetime.now(UTC)
        while True:
            with self._database.write() as tx:
                over = arrivals.expired(tx, now, _BATCH)
                for it in over:
                    self.discard(tx, it)
                    if it.state == OPEN:
                        values = {"state": EXPIRED, "staged_key": None, "error": "Expired", "finished_at": now}
                        arrivals.change(tx, it.id, values | {"expires_at": now + KEPT})
                arrivals.forget(tx, [it.id for it in over if it.state != OPEN])
            if len(over) < _BATCH:
                break
        with self._database.write() as tx:
            batches.forget_before(tx, now - 2 * KEPT)
        self.partials.sweep(self._open, (now - PARTIAL_GRACE).timestamp())

    def stage_partial(self, it: Arrival) -> Staged:
        """A complete partial file as a staged one."""
        staged = Staged(self._stores.primary.staging, it.size_bytes)
        try:
            staged.link(self.partials.path(it.uuid))
        except BaseException:
            staged.discard()
            raise
        return staged

    def _open(self, uuids: Sequence[UUID]) -> set[UUID]:
        with self._database.read() as tx:
            return arrivals.open_among(tx, uuids)

    def _restaged(self, it: Arrival, terms: Terms) -> Staged:
        """The arrival's bytes as a staged file, by a second name where they are one object in a store of files."""
        store, keys = self._stores.primary, self._keys(it)
        if not keys:
            raise BadRequest("Nothing has been uploaded")
        staged = Staged(store.staging, terms.max_bytes)
        try:
            file = store.path(keys[0]) if len(keys) == 1 else None
            if file is not None:
                staged.link(file)
            else:
                for key in keys:
                    for piece in store.open(key):
                        staged.write(piece)
        except NotFound:
            staged.discard()
            raise BadRequest("Nothing has been uploaded") from None
        except BaseException:
            staged.discard()
            raise
        return staged

    def _keys(self, it: Arrival) -> list[str]:
        """The objects that its bytes are, in order."""
        if it.method != CHUNKED:
            return [] if it.staged_key is None else [it.staged_key]
        with self._database.read() as tx:
            return [one.staged_key for one in parts.of_arrival(tx, it.id)]

    def put_back(self, it: Arrival, fence: int, reason: str) -> None:
        """Give a lease back for trouble that may pass; it is tried again after a while."""
        with self._database.write() as tx:
            later = self._database.now_micros(tx) + 2**fence * MICROSECOND
            if arrivals.settle(tx, it.id, fence, {"state": WAITING, "error": reason}):
                arrivals.change(tx, it.id, {"lease_until": later})


@dataclass(frozen=True, slots=True)
class _Settling:
    """Ends an arrival in the transaction that makes its asset; raises `Conflict` when it is no longer ours."""

    it: Arrival
    fence: int
    store: str
    started_at: datetime

    def keep(self, tx: Tx, made: Taken) -> None:
        now = datetime.now(UTC)
        values = {
            "state": DONE if made.is_new else SKIPPED,
            "asset_uuid": made.asset.uuid,
            "staged_key": None,
            "error": None,
            "started_at": self.started_at,
            "finished_at": now,
            "expires_at": now + KEPT,
        }
        if not arrivals.settle(tx, self.it.id, self.fence, values):
            raise Conflict(_TAKEN_OVER)
        _discard(tx, self.it, self.store)


def _discard(tx: Tx, it: Arrival, store: str) -> None:
    """The bytes that came are garbage from this transaction on."""
    keys = parts.remove(tx, it.id) if it.method == CHUNKED else []
    keys += [] if it.staged_key is None else [it.staged_key]
    assets.discard(tx, [(store, key) for key in keys], datetime.now(UTC))


def wishes_of(it: Arrival) -> Wishes:
    kept = it.options["wishes"]
    folder_id = UUID(kept["folder_id"]) if kept["folder_id"] else None
    words = {"level": Level(kept.get("level", Level.STANDARD)), "intent": Intent(kept.get("intent", Intent.DESCRIBE))}
    return Wishes(**kept | {"tags": tuple(kept["tags"]), "folder_id": folder_id} | words)


def is_own_key(actor: Actor, key: str) -> bool:
    """Whether a key lies where this tenant's objects do."""
    return posixpath.normpath(key).startswith(f"{UPLOADS}/{actor.tenant_uuid}/")


def _terms(it: Arrival) -> Terms:
    kept = it.options["terms"]
    sets = {name: frozenset(kept[name]) for name in ("media_types", "kinds", "takes_all_of")}
    return Terms(**kept | sets)


def plain_facts(facts: Facts) -> dict[str, Any]:
    """What was found out about bytes when they came, as the row of their arrival keeps it."""
    found = {entry.name: getattr(facts, entry.name) for entry in fields(facts)}
    captured = facts.captured_at.isoformat() if facts.captured_at else None
    return found | {"details": dict(facts.details), "captured_at": captured}


def _facts(it: Arrival) -> Facts:
    kept = it.options["facts"]
    captured = datetime.fromisoformat(kept["captured_at"]) if kept["captured_at"] else None
    return Facts(**kept | {"captured_at": captured})


def _plain(value: Terms | Wishes) -> dict[str, Any]:
    """As JSON holds it."""
    found = asdict(value)
    for name, entry in found.items():
        if isinstance(entry, (frozenset, tuple)):
            found[name] = sorted(entry) if isinstance(entry, frozenset) else list(entry)
        elif isinstance(entry, UUID):
            found[name] = str(entry)
    return found

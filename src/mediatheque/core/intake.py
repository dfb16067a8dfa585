"""Intake: the waist through which every file comes into the library, whatever the door."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mediatheque import faults
from mediatheque.core import events, folders, ids, names
from mediatheque.core.addresses import LINK, address_row
from mediatheque.core.cleaning import Clean, Cleaning
from mediatheque.core.idempotency import Keeper
from mediatheque.core.knowledge import INTENT, LEVEL
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import UPLOAD
from mediatheque.core.probing import Probing
from mediatheque.core.quota import Quota
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import BadRequest, Empty, Invalid, LibraryError, NotFound, StorageFull, Unsupported
from mediatheque.model import Actor, Asset, Facts, State, Terms
from mediatheque.records import assets, counters, links, profiles, search, tallies
from mediatheque.records.engine import Database, Tx
from mediatheque.understanding import Intent, Level

UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Upload:
    """What came with the bytes: the client's name for them and what it says about them."""

    filename: str
    alt_text: str | None = None
    folder: str | None = None
    description: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    folder_id: UUID | None = None
    """A folder that exists, instead of a path."""
    method: str | None = None
    """How the bytes came, as `upload_method` tells."""
    asset_id: UUID | None = None
    """The id that the asset was promised before its bytes came."""
    object_key: str | None = None
    """The storage key that its bytes were promised."""
    arrival_id: int | None = None
    """The arrival that these bytes end, whose promise of room is theirs."""
    is_public: bool | None = None
    """None: as the surface's terms say."""
    enrich: bool = False
    """Whether the skills that enrich are run on it."""
    level: Level | None = None
    """How often a model is asked to describe it; None: once."""
    purpose: str | None = None
    """What it is for, in the words of a door that asks."""
    lifetime: timedelta | None = None
    """How long it is kept; None: until somebody deletes it."""
    intent: Intent = Intent.DESCRIBE
    """What is wanted beside its description (contract, 3.3)."""
    is_ready: bool = False
    """Whether it counts as ready at once, before what makes it usable has run (contract, 2.3)."""
    facts: Facts | None = None
    """What is known of these very bytes: they are not looked at again."""
    declared_type: str | None = None
    """What the client called the bytes, at a door that insists on a word (empty: none); they decide themselves."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an upload: an asset, new or (where duplicates are skipped) one that was there with its bytes."""

    asset: Asset
    is_new: bool


class Intake:
    def __init__(
        self,
        database: Database,
        stores: Stores,
        probing: Probing,
        pipeline: Pipeline,
        quota: Quota,
        cleaning: Cleaning,
        *,
        enriches_unasked: bool = True,
    ) -> None:
        """`enriches_unasked` False: what nobody asked to be enriched is not."""
        self._enriches_unasked = enriches_unasked
        self._database = database
        self._stores = stores
        self._probing = probing
        self._pipeline = pipeline
        self.quota = quota
        self._cleaning = cleaning

    def stage(self, terms: Terms) -> Staged:
        """A temporary file for bytes on their way in, held to the terms' size."""
        return Staged(self._stores.primary.staging, terms.max_bytes)

    def take(
        self,
        actor: Actor,
        terms: Terms,
        staged: Staged,
        upload: Upload,
        *,
        skip_duplicates: bool = False,
        own_place: bool = False,
        remembering: Keeper[Taken] | None = None,
    ) -> Taken:
        """As `upload`, but bytes that the tenant has already may be skipped, and its own place can be asked for.

        Raises `BadRequest` when it has no place of its own.
        """
        profile_id = self.check_place(actor, own=own_place)
        with self._database.read() as tx:
            known = assets.with_hashes(tx, actor.tenant_id, [staged.sha256]) if skip_duplicates else {}
            there = assets.asset_with(tx, known[staged.sha256], actor.tenant_id) if known else None
        if there is None:
            keeper = _New(remembering) if remembering else None
            return Taken(self.upload(actor, terms, staged, upload, remembering=keeper, profile_id=profile_id), True)
        taken = Taken(there, is_new=False)
        if remembering:
            with self._database.write() as tx:
                remembering.keep(tx, taken)
        return taken

    def check(self, terms: Terms, staged: Staged, filename: str, *, declared_type: str | None = None) -> Facts:
        """Facts about bytes that this door takes; raises `Empty`, `Invalid`, `Unsupported`, `Malformed`."""
        if staged.size_bytes == 0:
            raise Empty("The file is empty")
        if declared_type == "":
            raise Invalid("The file has no content type", field=("file",), kind="type_missing")
        facts = self._probing.facts(staged.path, filename)
        if not terms.takes(facts):
            raise Unsupported(f"Unsupported media type: {facts.media_type}")
        return facts

    def check_place(self, actor: Actor, *, own: bool) -> UUID | None:
        """The profile of the tenant's own place when that is asked for; raises `BadRequest` when there is none."""
        if not own:
            return None
        with self._database.read() as tx:
            found = profiles.default_of(tx, actor.tenant_id)
        if found is None:
            raise BadRequest("No custom storage is configured")
        return found.uuid

    def count(self, tx: Tx, tenant_id: int) -> int:
        """How many assets the tenant has."""
        return tallies.assets_of(tx, tenant_id)

    def known(self, actor: Actor, hashes: Sequence[str]) -> dict[str, UUID]:
        """Which of these SHA-256 the tenant has, and the asset that holds each."""
        with self._database.read() as tx:
            return assets.with_hashes(tx, actor.tenant_id, hashes)

    def upload(
        self,
        actor: Actor,
        terms: Terms,
        staged: Staged,
        upload: Upload,
        *,
        remembering: Keeper[Asset] | None = None,
        profile_id: UUID | None = None,
        commit_message: str | None = None,
    ) -> Asset:
        """Take the staged bytes into the library: probed, stored, recorded and their work planned, or nothing at all.

        `profile_id` names the place for the bytes, `commit_message` says why to a place that keeps a history. Raises
        `Malformed`, `Unsupported`, `Invalid`, `QuotaExceeded`, `StorageFull`, `Unavailable`, and `NotFound` about the
        profile. When this returns the asset survives kill -9 and a power cut.
        """
        faults.place("upload.received")
        names.text(upload.description, "description", terms.max_text_chars)
        names.text(upload.alt_text, "alt_text", terms.max_text_chars)
        path = names.folder_path(upload.folder)
        title = names.title(upload.title, terms.max_title_chars)
        upload = replace(upload, title=title, tags=names.tags(upload.tags))
        facts = upload.facts or self.check(terms, staged, upload.filename, declared_type=upload.declared_type)
        with self._cleaning.applied(actor.tenant_id, staged, facts, upload.filename) as clean:
            return self._keep(actor, terms, clean, upload, path, remembering, profile_id, commit_message)

    def _keep(
        self,
        actor: Actor,
        terms: Terms,
        clean: Clean,
        upload: Upload,
        path: tuple[str, ...] | None,
        remembering: Keeper[Asset] | None,
        profile_id: UUID | None,
        commit_message: str | None,
    ) -> Asset:
        facts, staged = clean.facts, clean.staged
        with self._database.read() as tx:  # before its bytes go anywhere; it counts below
            self.quota.reserve(tx, actor.tenant_id, staged.size_bytes, but=upload.arrival_id)
        store_name, store = self._stores.for_upload(actor, profile_id)
        blob_uuid = uuid4()
        filename = names.safe_name(upload.filename, facts.extension)
        key = upload.object_key or object_key(store.key_prefix, actor, blob_uuid, filename)
        store.put(staged.path, key, message=commit_message)
        made = None
        try:
            with self._database.write() as tx:
                self._hold(tx, actor, store_name)
                self.quota.reserve(tx, actor.tenant_id, staged.size_bytes, but=upload.arrival_id)
                made = self._record(tx, actor, terms, clean, upload, path, filename, blob_uuid, store_name, key)
                if remembering:
                    remembering.keep(tx, made)
                faults.place("upload.recorded")
        except BaseException as error:
            # Otherwise the commit itself failed, and nobody knows whether it counts: leave the bytes.
            # A promised key may be in the hands of who took over from us: leave it, too.
            if upload.object_key is None and (made is None or isinstance(error, StorageFull)):
                with suppress(LibraryError):  # the sweeper finds what a store keeps
                    store.delete(key)
            raise
        faults.place("upload.committed")
        self._pipeline.announce()
        return made

    def _hold(self, tx: Tx, actor: Actor, store: str) -> None:
        """Keep the profile of the bytes from being removed under them."""
        if store != self._stores.primary.name and not profiles.hold(tx, UUID(store), actor.tenant_id):
            raise NotFound("No such storage profile").about("profile")

    def _record(
        self,
        tx: Tx,
        actor: Actor,
        terms: Terms,
        clean: Clean,
        upload: Upload,
        path: tuple[str, ...] | None,
        filename: str,
        blob_uuid: UUID,
        store: str,
        key: str,
    ) -> Asset:
        now = datetime.now(UTC)
        facts, staged = clean.facts, clean.staged
        blob = {
            "uuid": blob_uuid,
            "tenant_id": actor.tenant_id,
            "store": store,
            "key": key,
            "size_bytes": staged.size_bytes,
            "media_type": facts.media_type,
            "sha256": staged.sha256,
            "received_sha256": clean.received_sha256,
            "width": facts.width,
            "height": facts.height,
            "frames": facts.frames,
            "details": dict(facts.details),
            "created_at": now,
        }
        folder_id = folders.make(tx, actor.tenant_id, path) if path else None
        if upload.folder_id is not None:
            folder_id = folders.with_id(tx, actor.tenant_id, upload.folder_id)
        asset_uuid = upload.asset_id or uuid4()
        row = {
            "uuid": asset_uuid,
            "tenant_id": actor.tenant_id,
            "kind": facts.kind,
            "state": State.READY if upload.is_ready else self._pipeline.planner.first_state(facts.kind),
            "filename": filename,
            "original_filename": names.base_name(upload.filename) or filename,
            "title": upload.title,
            "tags": list(upload.tags) or None,
            "alt_text": upload.alt_text,
            "description": upload.description,
            "size_bytes": staged.size_bytes,
            "media_type": facts.media_type,
            "folder_id": folder_id,
            "is_public": terms.is_public if upload.is_public is None else upload.is_public,
            "blob_id": assets.add_blob(tx, blob),
            "source": terms.surface,
            "upload_method": upload.method,
            "captured_at": facts.captured_at,
            "created_at": now,
            "updated_at": now,
            "purpose": upload.purpose,
            "expires_at": upload.lifetime and now + upload.lifetime,
        }
        asset_id = assets.add_asset(tx, row)
        assets.add_tags(tx, asset_id, actor.tenant_id, upload.tags)
        if facts.kind == LINK:
            links.add(tx, asset_id, actor.tenant_id, address_row(facts.details["url"]))
        made = assets.asset_with(tx, asset_uuid, actor.tenant_id)
        assert made is not None
        search.add(tx, made)
        tallies.record(tx, tallies.of(made, folder_id, 1))
        counters.add(tx, made.tenant_id, counters.MEDIA_TYPE + made.blob.media_type, 1, made.blob.size_bytes)
        if made.title or made.alt_text or made.description:
            self._pipeline.planner.follow(tx, made)
        self._pipeline.planner.plan(
            tx, made, trigger=UPLOAD, enrich=upload.enrich, parameters=_asked(upload),
            unasked=terms.enriches_unasked and self._enriches_unasked,
            workflows_run=terms.runs_workflows or upload.intent is Intent.RULES,
        )  # fmt: skip
        events.tell_if_ready(tx, made, is_awaited=self._pipeline.planner.is_awaited(facts.kind))
        return made


def _asked(upload: Upload) -> dict[str, str]:
    """Parameters of what describes it."""
    level = {} if upload.level is None else {LEVEL: upload.level.value}
    return level if upload.intent is Intent.DESCRIBE else level | {INTENT: upload.intent.value}


@dataclass(frozen=True, slots=True)
class _New:
    """Keeps an asset as what became of an upload."""

    keeper: Keeper[Taken]

    def keep(self, tx: Tx, made: Asset) -> None:
        self.keeper.keep(tx, Taken(made, is_new=True))


def object_key(prefix: str, actor: Actor, blob_uuid: UUID, filename: str) -> str:
    """Where the bytes of a blob lie (decisions 2)."""
    return f"{prefix}{UPLOADS}/{actor.tenant_uuid}/{blob_uuid}/{names.key_name(filename)}"


def upload_key(it: Asset) -> str:
    """The durable handle of an upload: `uploads/{its id as 26 characters}/{name}` (decisions 2)."""
    return f"{UPLOADS}/{ids.to_ulid(it.uuid)}/{names.key_name(it.filename)}"

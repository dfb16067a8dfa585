"""Intake: the waist through which every file comes into the library, whatever the door."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from mediatheque import faults
from mediatheque.core import folders, ids, names
from mediatheque.core.idempotency import Remembering
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import UPLOAD
from mediatheque.core.probing import Probing
from mediatheque.core.staging import Staged
from mediatheque.core.stores import Stores
from mediatheque.errors import Empty, LibraryError, NotFound, QuotaExceeded, StorageFull, Unsupported
from mediatheque.model import Actor, Asset, Facts, Terms
from mediatheque.records import assets, counters, profiles, search, tallies
from mediatheque.records.engine import Database, Tx

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
    is_public: bool | None = None
    """None: as the surface's terms say."""
    enrich: bool = False
    """Whether the skills that enrich are run on it."""


class Intake:
    def __init__(
        self, database: Database, stores: Stores, probing: Probing, pipeline: Pipeline, quota_bytes: int
    ) -> None:
        self._database = database
        self._stores = stores
        self._probing = probing
        self._pipeline = pipeline
        self._quota_bytes = quota_bytes

    def stage(self, terms: Terms) -> Staged:
        """A temporary file for bytes on their way in, held to the terms' size."""
        return Staged(self._stores.primary.staging, terms.max_bytes)

    def upload(
        self,
        actor: Actor,
        terms: Terms,
        staged: Staged,
        upload: Upload,
        *,
        remembering: Remembering | None = None,
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
        upload = replace(upload, title=names.title(upload.title), tags=names.tags(upload.tags))
        facts = self._accept(terms, staged)
        self._check_quota(actor, staged.size_bytes)
        store_name, store = self._stores.for_upload(actor, profile_id)
        blob_uuid = uuid4()
        filename = names.safe_name(upload.filename, facts.extension)
        key = f"{store.key_prefix}{UPLOADS}/{actor.tenant_uuid}/{blob_uuid}/{names.key_name(filename)}"
        store.put(staged.path, key, message=commit_message)
        made = None
        try:
            with self._database.write() as tx:
                self._hold(tx, actor, store_name)
                made = self._record(tx, actor, terms, staged, upload, facts, path, filename, blob_uuid, store_name, key)
                if remembering:
                    remembering.keep(tx, made)
                faults.place("upload.recorded")
        except BaseException as error:
            # Otherwise the commit itself failed, and nobody knows whether it counts: leave the bytes.
            if made is None or isinstance(error, StorageFull):
                with suppress(LibraryError):  # the sweeper finds what a store keeps
                    store.delete(key)
            raise
        faults.place("upload.committed")
        self._pipeline.announce()
        return made

    def _accept(self, terms: Terms, staged: Staged) -> Facts:
        if staged.size_bytes == 0:
            raise Empty("The file is empty")
        facts = self._probing.facts(staged.path)
        if facts.media_type not in terms.media_types:
            raise Unsupported(f"Unsupported media type: {facts.media_type}")
        return facts

    def _hold(self, tx: Tx, actor: Actor, store: str) -> None:
        """Keep the profile of the bytes from being removed under them."""
        if store != self._stores.primary.name and not profiles.hold(tx, UUID(store), actor.tenant_id):
            raise NotFound("No such storage profile").about("profile")

    def _check_quota(self, actor: Actor, size_bytes: int) -> None:
        if self._quota_bytes:
            with self._database.read() as tx:
                if tallies.bytes_of(tx, actor.tenant_id) + size_bytes > self._quota_bytes:
                    raise QuotaExceeded

    def _record(
        self,
        tx: Tx,
        actor: Actor,
        terms: Terms,
        staged: Staged,
        upload: Upload,
        facts: Facts,
        path: tuple[str, ...] | None,
        filename: str,
        blob_uuid: UUID,
        store: str,
        key: str,
    ) -> Asset:
        now = datetime.now(UTC)
        blob = {
            "uuid": blob_uuid,
            "tenant_id": actor.tenant_id,
            "store": store,
            "key": key,
            "size_bytes": staged.size_bytes,
            "media_type": facts.media_type,
            "sha256": staged.sha256,
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
            "state": self._pipeline.planner.first_state(facts.kind),
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
        }
        assets.add_tags(tx, assets.add_asset(tx, row), actor.tenant_id, upload.tags)
        made = assets.asset_with(tx, asset_uuid, actor.tenant_id)
        assert made is not None
        search.add(tx, made)
        tallies.record(tx, tallies.of(made, folder_id, 1))
        counters.add(tx, made.tenant_id, counters.MEDIA_TYPE + made.blob.media_type, 1, made.blob.size_bytes)
        self._pipeline.planner.plan(tx, made, trigger=UPLOAD, enrich=upload.enrich, workflows_run=terms.runs_workflows)
        return made


def upload_key(it: Asset) -> str:
    """The durable handle of an upload: `uploads/{its id as 26 characters}/{name}` (decisions 2)."""
    return f"{UPLOADS}/{ids.to_ulid(it.uuid)}/{names.key_name(it.filename)}"

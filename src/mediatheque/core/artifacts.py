"""Artifacts: documents that people and models write together; every change is a version (contract, section 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mediatheque.authoring import Artifact, Event, Version
from mediatheque.core import admission, history, references
from mediatheque.core.admission import Need
from mediatheque.core.diffs import Difference, difference
from mediatheque.core.edits import edited
from mediatheque.core.idempotency import Keeper
from mediatheque.core.references import References
from mediatheque.core.rooms import Asked
from mediatheque.core.stream import Stream
from mediatheque.core.wording import (
    Change,
    Editing,
    NewArtifact,
    Reverting,
    Text,
    checked_content,
    checked_description,
    checked_language,
    checked_title,
)
from mediatheque.errors import Invalid, NotFound, StaleVersion
from mediatheque.model import Actor
from mediatheque.records import artifact_search, artifacts, meanings, versions
from mediatheque.records.engine import Database, Tx
from mediatheque.records.versions import Packed

PURGE_BATCH = 100

Compose = Callable[[Tx, Artifact], Text]
"""What an artifact's next version says, looking at the ones before."""
Expected = frozenset[int] | None
"""The versions on which a change may be made; None: whichever is the newest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An artifact, or one version of it, with its content."""

    artifact: Artifact
    version: Version
    content: str
    references: References


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    artifacts: list[Artifact]
    total: int


@dataclass(frozen=True, slots=True)
class VersionPage:
    versions: list[Version]
    total: int


@dataclass(frozen=True, slots=True)
class _Draft:
    """A version that can be written down, as number `number`."""

    number: int
    text: Text
    size_bytes: int
    packed: Packed
    whole: bytes
    index: dict[str, str]
    assets: list[UUID]


class Artifacts:
    def __init__(self, database: Database, stream: Stream, kept: timedelta) -> None:
        self._database = database
        self._stream = stream
        self._kept = kept

    def create(
        self, actor: Actor, room: UUID | None, asked: Asked[NewArtifact], *, remembering: Keeper[Artifact] | None = None
    ) -> Artifact:
        """A new document, version 1. Raises `NotFound`, `NotMember`, `Forbidden`, `RoomFrozen`, `Invalid`, `TooLarge`.

        That is the order in which they are looked for, here and below (contract, 4.1).
        """
        with self._database.read() as tx:
            admission.admitted(tx, actor, room, Need.WRITE)
        new = asked()
        text = Text(checked_title(new.title), checked_content(new.content), None)
        language = checked_language(new.language)
        with self._database.write() as tx:
            place = admission.admitted(tx, actor, room, Need.WRITE)
            uuid, now = uuid4(), datetime.now(UTC)
            row = {"uuid": uuid, "tenant_id": actor.tenant_id, "room_id": place.id, "kind": new.kind, "version": 0,
                   "language": language, "creator_id": actor.user_id, "created_at": now}  # fmt: skip
            added = artifacts.add(tx, row | _state(actor, text, 0, now))
            made = self._save(tx, actor, place.id, uuid, _draft(tx, added, 1, text), Event.CREATED)
            if remembering:
                remembering.keep(tx, made)
        self._stream.wake()
        return made

    def page(self, actor: Actor, room: UUID | None, *, skip: int, limit: int, is_deleted: bool = False) -> ArtifactPage:
        """The room's artifacts, the last updated first; or those that can be restored, the last deleted first."""
        with self._database.read() as tx:
            place = admission.admitted(tx, actor, room, Need.READ)
            return ArtifactPage(*artifacts.page(tx, place.id, skip=skip, limit=limit, is_deleted=is_deleted))

    def read(self, actor: Actor, room: UUID | None, artifact: UUID | None, version: int | None = None) -> Reading:
        """An artifact's content, or that of one version; `references` are those that the actor may see."""
        with self._database.read() as tx:
            it = self._there(tx, actor, room, artifact, Need.READ)
            number = it.version if version is None else version
            content = history.content_of(tx, it, number).decode()
            found = versions.version(tx, it.id, number)
            assert found is not None
            return Reading(it, found, content, references.shown_to(tx, actor, content))

    def put(
        self, actor: Actor, room: UUID | None, artifact: UUID | None, asked: Asked[Change], expected: Expected = None
    ) -> Reading:
        """A new version with another title or content; also one that says the same (contract, 4.B).

        Raises as `create` does, `NotFound` also of the artifact, `StaleVersion`.
        """

        def compose() -> tuple[Compose, int | None]:
            change = asked()
            if change.title is None and change.content is None:
                raise Invalid("Give a title or content", field=("content",), kind="missing")
            title = None if change.title is None else checked_title(change.title)
            content = None if change.content is None else checked_content(change.content)
            why = checked_description(change.change_description)

            def next_version(tx: Tx, it: Artifact) -> Text:
                kept = history.newest(tx, it).decode() if content is None else content
                return Text(title or it.title, kept, why)

            return next_version, change.expected_version

        return self._write(actor, room, artifact, compose, Event.UPDATED, expected)

    def update(
        self, actor: Actor, room: UUID | None, asked: Asked[tuple[UUID | None, Change]], expected: Expected = None
    ) -> Reading:
        """`put`, of the artifact that the body names."""
        with self._database.read() as tx:
            admission.admitted(tx, actor, room, Need.WRITE)
        artifact, change = asked()
        return self.put(actor, room, artifact, lambda: change, expected)

    def edit(
        self, actor: Actor, room: UUID | None, artifact: UUID | None, asked: Asked[Editing], expected: Expected = None
    ) -> Reading:
        """A new version after edits, all of them or none. Raises as `put` does, `EditNotFound`, `EditAmbiguous`."""

        def compose() -> tuple[Compose, int | None]:
            editing = asked()
            title = None if editing.title is None else checked_title(editing.title)
            why = checked_description(editing.change_description)

            def next_version(tx: Tx, it: Artifact) -> Text:
                content = checked_content(edited(history.newest(tx, it).decode(), editing.edits))
                return Text(title or it.title, content, why)

            return next_version, editing.expected_version

        return self._write(actor, room, artifact, compose, Event.UPDATED, expected)

    def revert(
        self, actor: Actor, room: UUID | None, artifact: UUID | None, asked: Asked[Reverting], expected: Expected = None
    ) -> Reading:
        """A new version with title and content of an earlier one. Raises as `put` does, `NotFound` also of that one."""

        def compose() -> tuple[Compose, int | None]:
            reverting = asked()

            def next_version(tx: Tx, it: Artifact) -> Text:
                content = history.content_of(tx, it, reverting.version).decode()
                earlier = versions.version(tx, it.id, reverting.version)
                assert earlier is not None
                return Text(earlier.title, content, f"Reverted to version {reverting.version}")

            return next_version, reverting.expected_version

        return self._write(actor, room, artifact, compose, Event.REVERTED, expected)

    def delete(self, actor: Actor, room: UUID | None, artifact: UUID | None, expected: Expected = None) -> None:
        """Hide an artifact; for a while it can be restored. Raises as `put` does."""
        with self._database.write() as tx:
            it = self._there(tx, actor, room, artifact, Need.WRITE, lock=True)
            _demand_version(it, expected)
            artifacts.change(tx, it.id, {"deleted_at": datetime.now(UTC)})
            self._stream.tell(tx, it, Event.DELETED)
        self._stream.wake()

    def restore(self, actor: Actor, room: UUID | None, artifact: UUID | None) -> Reading:
        """Bring a deleted artifact back as it was; `NotFound` for one that is not deleted, or for too long."""
        with self._database.write() as tx:
            it = self._there(tx, actor, room, artifact, Need.WRITE, lock=True, is_deleted=True)
            if it.deleted_at is not None and it.deleted_at <= self._purged_until():
                raise NotFound("Artifact not found").about("artifact")
            artifacts.change(tx, it.id, {"deleted_at": None})
            meanings.call(tx, it, datetime.now(UTC), is_new=False)
            self._stream.tell(tx, it, Event.RESTORED)
        self._stream.wake()
        return self.read(actor, room, artifact)

    def versions(self, actor: Actor, room: UUID | None, artifact: UUID | None, *, skip: int, limit: int) -> VersionPage:
        """The history, newest first."""
        with self._database.read() as tx:
            it = self._there(tx, actor, room, artifact, Need.READ)
            return VersionPage(versions.page(tx, it.id, it.version, skip=skip, limit=limit), it.version)

    def compare(self, actor: Actor, room: UUID | None, artifact: UUID | None, first: int, second: int) -> Difference:
        """What version `second` says otherwise than `first`; raises as `read` does."""
        with self._database.read() as tx:
            it = self._there(tx, actor, room, artifact, Need.READ)
            before, after = (history.content_of(tx, it, number).decode() for number in (first, second))
        return difference(before, after, names=(f"version {first}", f"version {second}"))

    def purge(self) -> None:
        """Erase for good what can no longer be restored."""
        moment = self._purged_until()
        while True:
            with self._database.write() as tx:
                due = artifacts.deleted_before(tx, moment, PURGE_BATCH)
                for artifact_id in due:
                    artifacts.erase(tx, artifact_id, moment)
            if len(due) < PURGE_BATCH:
                break

    def _write(
        self,
        actor: Actor,
        room: UUID | None,
        artifact: UUID | None,
        asked: Callable[[], tuple[Compose, int | None]],
        event: Event,
        expected: Expected,
    ) -> Reading:
        """Work out the next version beside the transaction, and again within it when somebody else was faster."""
        with self._database.read() as tx:
            it = self._there(tx, actor, room, artifact, Need.WRITE)
            compose, expected_version = asked()
            _demand_version(it, expected, expected_version)
            draft = _draft(tx, it.id, it.version + 1, compose(tx, it))
        with self._database.write() as tx:
            it = self._there(tx, actor, room, artifact, Need.WRITE, lock=True)
            _demand_version(it, expected, expected_version)
            if draft.number != it.version + 1:
                draft = _draft(tx, it.id, it.version + 1, compose(tx, it))
            made = self._save(tx, actor, it.room_id, it.uuid, draft, event)
            written = versions.version(tx, it.id, draft.number)
            found = references.shown_to(tx, actor, draft.text.content)
        self._stream.wake()
        assert written is not None
        return Reading(made, written, draft.text.content, found)

    def _save(self, tx: Tx, actor: Actor, room_id: int, uuid: UUID, draft: _Draft, event: Event) -> Artifact:
        before = artifacts.artifact_with(tx, room_id, uuid)
        assert before is not None
        now = datetime.now(UTC)
        state = _state(actor, draft.text, draft.size_bytes, now)
        artifacts.change(tx, before.id, state | {"version": draft.number})
        versions.add(
            tx,
            {"artifact_id": before.id, "version": draft.number, "tenant_id": actor.tenant_id,
             "title": draft.text.title, "change_description": draft.text.change_description,
             "editor_id": actor.user_id, "size_bytes": draft.size_bytes, "base": draft.packed.base,
             "packed": draft.packed.data, "created_at": now},
        )  # fmt: skip
        versions.put_newest(tx, before, draft.whole)
        artifact_search.put(tx, before, draft.index, is_new=draft.number == 1)
        meanings.call(tx, before, now, is_new=draft.number == 1)
        artifacts.refer(tx, before, draft.assets)
        made = artifacts.artifact_with(tx, room_id, uuid)
        assert made is not None
        self._stream.tell(tx, made, event)
        return made

    def _there(
        self,
        tx: Tx,
        actor: Actor,
        room: UUID | None,
        artifact: UUID | None,
        need: Need,
        *,
        lock: bool = False,
        is_deleted: bool = False,
    ) -> Artifact:
        place = admission.admitted(tx, actor, room, need)
        it = None
        if artifact is not None:
            it = artifacts.artifact_with(tx, place.id, artifact, lock=lock, is_deleted=is_deleted)
        if it is None:
            raise NotFound("Artifact not found").about("artifact")
        return it

    def _purged_until(self) -> datetime:
        return datetime.now(UTC) - self._kept


def _draft(tx: Tx, artifact_id: int, number: int, text: Text) -> _Draft:
    content = text.content.encode()
    alone = history.whole(content)
    packed = history.pack(tx, artifact_id, number, content, alone)
    index = artifact_search.index_of(text.title, text.content)
    return _Draft(number, text, len(content), packed, alone, index, references.named_in(text.content))


def _state(actor: Actor, text: Text, size_bytes: int, now: datetime) -> dict[str, object]:
    return {"title": text.title, "change_description": text.change_description, "editor_id": actor.user_id,
            "size_bytes": size_bytes, "updated_at": now}  # fmt: skip


def _demand_version(it: Artifact, expected: Expected, expected_version: int | None = None) -> None:
    if expected is not None and it.version not in expected:
        raise StaleVersion(it.version)
    if expected_version is not None and it.version != expected_version:
        raise StaleVersion(it.version)

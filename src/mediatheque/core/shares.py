"""Links by which anybody can read an artifact: signed, for a limited time, and taken back at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque.authoring import Artifact, Share
from mediatheque.core import admission, history, references
from mediatheque.core.admission import Need
from mediatheque.core.artifacts import Reading
from mediatheque.core.idempotency import Keeper
from mediatheque.core.rooms import Asked
from mediatheque.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from mediatheque.model import Actor
from mediatheque.records import artifacts, shares, versions
from mediatheque.records.engine import Database, Tx

MIN_SECONDS, USUAL_SECONDS, MAX_SECONDS = 60, 7 * 86_400, 365 * 86_400
MAX_SHARES = 100
"""Of one artifact at a time."""


@dataclass(frozen=True, slots=True)
class NewShare:
    expires_in_seconds: int = USUAL_SECONDS
    version: int | None = None


class Shares:
    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self,
        actor: Actor,
        room: UUID | None,
        artifact: UUID | None,
        asked: Asked[NewShare],
        *,
        remembering: Keeper[Share] | None = None,
    ) -> Share:
        """A new link, for whoever may write there. Raises as writing does, `Invalid`, `Conflict` of too many."""
        with self._database.write() as tx:
            it = _artifact(tx, actor, room, artifact, Need.WRITE)
            new = _checked(asked(), it)
            now = datetime.now(UTC).replace(microsecond=0)
            if len(shares.of_artifact(tx, it.id, now)) >= MAX_SHARES:
                raise Conflict(f"An artifact has at most {MAX_SHARES} links at a time").about("share")
            values: dict[str, Any] = {
                "uuid": uuid4(), "tenant_id": actor.tenant_id, "artifact_id": it.id, "version": new.version,
                "shows_files": references.SCOPE in actor.scopes, "created_at": now,
                "expires_at": now + timedelta(seconds=new.expires_in_seconds),
            }  # fmt: skip
            share_id = shares.add(tx, values | {"creator_id": actor.user_id})
            made = Share(id=share_id, creator_uuid=actor.user_uuid, **values)
            if remembering:
                remembering.keep(tx, made)
        return made

    def all(self, actor: Actor, room: UUID | None, artifact: UUID | None) -> list[Share]:
        """Links that are still good, for whoever may write there."""
        with self._database.read() as tx:
            it = _artifact(tx, actor, room, artifact, Need.OVERSEE)
            return shares.of_artifact(tx, it.id, datetime.now(UTC))

    def revoke(self, actor: Actor, room: UUID | None, artifact: UUID | None, share: UUID | None) -> None:
        """Raises `NotFound` also of the link."""
        with self._database.write() as tx:
            it = _artifact(tx, actor, room, artifact, Need.OVERSEE)
            if share is None or not shares.remove(tx, it.id, share):
                raise NotFound("Link not found").about("share")

    def open(self, share: UUID) -> Reading:
        """What a link shows; its signature has been looked at. Raises `Gone`, `Forbidden` when it has expired."""
        with self._database.read() as tx:
            link = shares.share_with(tx, share)
            it = None if link is None else artifacts.artifact_by_row(tx, link.artifact_id, tenant_id=link.tenant_id)
            if link is None or it is None:
                raise Gone("The link has been taken back")
            if link.expires_at <= datetime.now(UTC):
                raise Forbidden("Expired signature")
            number = link.version or it.version
            content = history.content_of(tx, it, number).decode()
            found = versions.version(tx, it.id, number)
            assert found is not None
            shown = references.of(tx, it.tenant_id, content) if link.shows_files else references.NONE
            return Reading(it, found, content, shown)

    def tidy(self) -> None:
        """Forget links that expired a day ago."""
        with self._database.hasten() as tx:
            shares.forget_before(tx, datetime.now(UTC) - timedelta(days=1))


def _artifact(tx: Tx, actor: Actor, room: UUID | None, artifact: UUID | None, need: Need) -> Artifact:
    place = admission.admitted(tx, actor, room, need)
    it = None if artifact is None else artifacts.artifact_with(tx, place.id, artifact)
    if it is None:
        raise NotFound("Artifact not found").about("artifact")
    return it


def _checked(new: NewShare, it: Artifact) -> NewShare:
    if not MIN_SECONDS <= new.expires_in_seconds <= MAX_SECONDS:
        raise Invalid(f"Between {MIN_SECONDS} and {MAX_SECONDS}", field=("expires_in_seconds",), kind="out_of_range")
    if new.version is not None and not 0 < new.version <= it.version:
        raise NotFound(f"Version {new.version} not found").about("version")
    return new

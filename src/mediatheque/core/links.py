"""Links: saved, crawled, crawled again, and what crawls have kept of their pages (contract, 3.9)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from mediatheque.core.addresses import LINK, checked
from mediatheque.core.idempotency import Keeper
from mediatheque.core.intake import Intake, Upload
from mediatheque.core.media import Media
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import REQUEST, Wanted
from mediatheque.core.portraits import PICTURES
from mediatheque.core.work import workplace
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import AlreadyProcessing, NotALink, NotFound, RateLimited, Unavailable, file_meanings
from mediatheque.filing import Link, Snapshot
from mediatheque.kinds.link import EXTENSION, facts_of, shortcut
from mediatheque.model import Actor, Asset, Terms
from mediatheque.records import assets, executions, findings, links
from mediatheque.records.engine import Database, Tx

METHOD = "LINK"
"""`upload_method` of a link (contract, 3.K)."""
RECRAWL_EVERY = timedelta(hours=1)
COMPARE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Saved:
    """A new link; `is_duplicate`: the tenant has another one to the same address."""

    asset: Asset
    link: Link
    is_queued: bool
    is_duplicate: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed from one snapshot to another, as a unified diff of their lines; `old` None: there is none."""

    old: Snapshot | None
    new: Snapshot
    added: int
    removed: int
    diff: str
    is_cut: bool


class Links:
    def __init__(
        self, database: Database, intake: Intake, pipeline: Pipeline, media: Media, decoders: Decoders
    ) -> None:
        self._database = database
        self._intake = intake
        self._pipeline = pipeline
        self._media = media
        self._decoders = decoders

    def save(
        self,
        actor: Actor,
        terms: Terms,
        url: str,
        *,
        title: str | None = None,
        tags: Sequence[str] = (),
        folder_id: UUID | None = None,
        crawl: bool = True,
        remembering: Keeper[Saved] | None = None,
    ) -> Saved:
        """Save a link, and have it crawled. Nothing is asked there before this returns.

        Raises `BadRequest` for another scheme than http and https, `Invalid`, and `NotFound` of the folder.
        """
        place = checked(url)
        keeping = _Keeping(crawl, remembering)
        with self._intake.stage(terms) as staged:
            staged.write(shortcut(url))
            upload = Upload(
                f"{place.host}{EXTENSION}", title=title, tags=tuple(tags), folder_id=folder_id, method=METHOD,
                enrich=crawl, facts=facts_of(url),
            )  # fmt: skip
            self._intake.upload(actor, terms, staged, upload, remembering=keeping)
        assert keeping.saved is not None
        return keeping.saved

    def recrawl(self, actor: Actor, uuid: UUID) -> None:
        """Have a link crawled again, once an hour at most.

        Raises `NotFound`, `NotALink`, `RateLimited` with the time to wait, `AlreadyProcessing`.
        """
        planner, now = self._pipeline.planner, datetime.now(UTC)
        with self._database.write() as tx:
            it = assets.lock(tx, uuid, actor.tenant_id)
            link = _link(tx, it)
            assert it is not None
            asked = link.recrawl_asked_at
            if asked is not None and now < asked + RECRAWL_EVERY:
                left = (asked + RECRAWL_EVERY - now).total_seconds()
                raise RateLimited("A link can be crawled again once an hour", retry_after_seconds=int(left) + 1)
            latest = executions.latest_of(tx, [it.id], planner.crawling).get(it.id, [])
            if any(execution.state in executions.UNFINISHED for execution in latest):
                raise AlreadyProcessing
            links.ask_again(tx, it.id, now)
            crawls = [skill for skill in planner.skills.values() if skill.crawls]
            planner.enqueue(tx, it, [Wanted(skill) for skill in crawls], REQUEST)
        self._pipeline.announce()

    def picture(self, actor: Actor, uuid: UUID, picture_id: UUID) -> tuple[Asset, str]:
        """The link and the variant that a picture of its page is stored as; raises `NotFound`, `NotALink`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            _link(tx, it)
            assert it is not None
            found = [one.finding.value for one in findings.of_blobs(tx, [it.blob.id]) if one.finding.kind == PICTURES]
        for one in found[-1]["pictures"] if found else ():
            if one["image_id"] == str(picture_id):
                return it, one["variant"]
        raise NotFound("Image not found")

    def snapshots(self, actor: Actor, uuid: UUID) -> tuple[Asset, list[Snapshot]]:
        """The link and what its crawls have kept, the newest first; raises `NotFound`, `NotALink`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            _link(tx, it)
            assert it is not None
            return it, links.snapshots_of(tx, it.id, it.blob.id)

    def compare(self, actor: Actor, uuid: UUID, newer: UUID, older: UUID | None) -> Difference:
        """What changed up to a snapshot since another one, or (None) since the one before it.

        Raises `NotFound` (also of a snapshot), `NotALink`, `Unavailable` when they cannot be compared in time.
        """
        it, kept = self.snapshots(actor, uuid)
        new = _one(kept, newer)
        earlier = [one for one in kept if one.created_at < new.created_at]
        old = _one(kept, older) if older is not None else (earlier[0] if earlier else None)
        if old is None:
            return Difference(None, new, 0, 0, "", is_cut=False)
        with workplace(self._pipeline.stores.primary) as folder:
            paths = [str(self._copied(it, one, folder / name)) for one, name in ((old, "old"), (new, "new"))]
            try:
                found = self._decoders.run(
                    "mediatheque.skills.compare_decode:compare",
                    timeout_seconds=COMPARE_SECONDS,
                    old=paths[0],
                    new=paths[1],
                )
            except DecoderFailed as failure:
                raise Unavailable("The snapshots cannot be compared") from failure
        return Difference(old, new, **found)

    def _copied(self, it: Asset, one: Snapshot, target: Path) -> Path:
        with file_meanings(), target.open("wb") as file:
            for piece in self._text(it, one):
                file.write(piece)
        return target

    def _text(self, it: Asset, one: Snapshot) -> Iterator[bytes]:
        served = self._media.private(it.uuid, one.text)
        return self._media.pieces(served, start=0, end=served.size_bytes)


@dataclass(slots=True)
class _Keeping:
    """Notes what was saved, in the transaction that saves it."""

    is_queued: bool
    keeper: Keeper[Saved] | None
    saved: Saved | None = None

    def keep(self, tx: Tx, made: Asset) -> None:
        key, link = links.key_of(tx, made.id), links.of(tx, [made.id])[made.id]
        is_known = links.is_known(tx, made.tenant_id, key, made.id)
        self.saved = Saved(made, link, self.is_queued, is_known)
        if self.keeper is not None:
            self.keeper.keep(tx, self.saved)


def _link(tx: Tx, it: Asset | None) -> Link:
    if it is None:
        raise NotFound("Link not found")
    found = links.of(tx, [it.id]).get(it.id) if it.kind == LINK else None
    if found is None:
        raise NotALink
    return found


def _one(kept: Sequence[Snapshot], uuid: UUID) -> Snapshot:
    found = next((one for one in kept if one.uuid == uuid), None)
    if found is None:
        raise NotFound("Snapshot not found")
    return found

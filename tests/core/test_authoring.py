"""Artifacts without a server: how histories are kept, and what housekeeping takes away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update

from mediatheque.authoring import Artifact, Room
from mediatheque.core.access import Access
from mediatheque.core.accounts import Accounts
from mediatheque.core.authoring import Authoring
from mediatheque.core.embedding import Embedder
from mediatheque.core.history import base_of, whole
from mediatheque.core.limiter import Limiter
from mediatheque.core.news import News
from mediatheque.core.tokens import Tokens
from mediatheque.core.wording import Change, NewArtifact
from mediatheque.errors import NotFound
from mediatheque.inference import Models
from mediatheque.model import Actor
from mediatheque.records import artifact_search
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
from mediatheque.records.signals import NEWS, signals_for
from mediatheque.records.tables import artifact, artifact_text, artifact_version, event, viewing


@dataclass
class Desk:
    """Somebody with a room of their own."""

    database: Database
    authoring: Authoring
    actor: Actor
    room: Room

    def create(self, content: str) -> Artifact:
        return self.authoring.artifacts.create(self.actor, self.room.uuid, lambda: NewArtifact("Plan", content))

    def put(self, it: Artifact, content: str) -> None:
        self.authoring.artifacts.put(self.actor, self.room.uuid, it.uuid, lambda: Change(content=content))

    def read(self, it: Artifact, version: int | None = None) -> str:
        return self.authoring.artifacts.read(self.actor, self.room.uuid, it.uuid, version).content


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'mediatheque.db'}")
    migrate(database)
    key = Accounts(database).create_key("desk").key
    signals = signals_for(database, tmp_path)
    actor = Access(database, Tokens(("a secret",), None), Limiter("0", ""), "").identify(key)
    hints = News(signals_for(database, tmp_path, NEWS))
    embedder = Embedder(database, Models(lambda: tmp_path, is_on=False, allowed=()), "off")
    listening = partial(signals_for, database, tmp_path)
    authoring = Authoring(database, signals, hints, listening, timedelta(days=30), embedder)
    yield Desk(database, authoring, actor, authoring.rooms.make(actor, lambda: "Desk"))
    signals.close()
    database.close()


def test_every_version_is_what_was_written_and_small_changes_are_small(desk: Desk) -> None:
    dice = Random(3)
    lines = [f"{dice.random()} {dice.random()}" for _ in range(500)]
    written = ["\n".join(lines)]
    it = desk.create(written[0])
    for number in range(2, 71):
        lines[dice.randrange(500)] = f"{number} {dice.random()}"
        written.append({20: "", 21: "x", 40: "\n".join(reversed(lines))}.get(number, "\n".join(lines)))
        desk.put(it, written[-1])
    assert [desk.read(it, number) for number in range(1, 71)] == written
    assert desk.read(it) == written[-1]
    with desk.database.read() as tx:
        sizes = dict(tx.execute(select(artifact_version.c.version, func.length(artifact_version.c.packed))).all())
        bases = dict(tx.execute(select(artifact_version.c.version, artifact_version.c.base)).all())
    assert sizes[2] < len(whole(written[1].encode())) / 50
    assert bases[1] is None
    assert all(base is None or base == base_of(number) for number, base in bases.items())


def test_no_version_rests_on_more_than_its_number_has_bits() -> None:
    for number in (1, 2, 3, 4096, 4097, 9999, 10_000):
        steps, at = 0, number
        while (base := base_of(at)) is not None:
            assert 0 < base < at
            steps, at = steps + 1, base
        assert steps == (number - 1).bit_count()


def test_what_was_deleted_long_ago_is_gone_for_good(desk: Desk) -> None:
    old, lately = desk.create("one"), desk.create("two")
    for it in (old, lately):
        desk.authoring.artifacts.delete(desk.actor, desk.room.uuid, it.uuid)
    with desk.database.write() as tx:
        long_ago = datetime.now(UTC) - timedelta(days=31)
        tx.execute(update(artifact).where(artifact.c.id == old.id).values(deleted_at=long_ago))
    with pytest.raises(NotFound):
        desk.authoring.artifacts.restore(desk.actor, desk.room.uuid, old.uuid)
    desk.authoring.purge()
    with desk.database.read() as tx:
        assert tx.execute(select(artifact.c.id)).scalars().all() == [lately.id]
        assert tx.execute(select(artifact_version.c.artifact_id)).scalars().all() == [lately.id]
        assert tx.execute(select(artifact_text.c.artifact_id)).scalars().all() == [lately.id]
        found = "SELECT rowid FROM artifact_text_index WHERE artifact_text_index MATCH 'words:one'"
        assert tx.execute(text(found)).all() == []
    assert desk.authoring.artifacts.restore(desk.actor, desk.room.uuid, lately.uuid).content == "two"


def test_events_and_lost_connections_are_forgotten(desk: Desk) -> None:
    it = desk.create("one")
    desk.authoring.stream.view(desk.actor, uuid4(), desk.room.uuid, it.uuid)
    assert desk.authoring.stream.viewers(desk.actor, desk.room.uuid, it.uuid) == [desk.actor.user_uuid]
    listener = desk.authoring.stream.listener()
    with desk.database.write() as tx:
        past = datetime.now(UTC) - timedelta(days=4)
        tx.execute(update(viewing).values(until=past))
        tx.execute(update(event).values(created_at=past))
    desk.authoring.tidy()
    (news,) = listener.news()
    assert '"viewers": []' in news.event.content
    assert news.readers == {desk.actor.user_id}
    assert listener.news() == []
    listener.close()
    with desk.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(event)).scalar_one() == 2  # the last one stays


def test_words_are_compared_by_what_they_are() -> None:
    assert artifact_search.words("Straße, STRASSE naïve_x 東京港 x1-y2 港") == [
        "strasse", "naïve_x", "東京", "京港", "x1", "y2", "港",
    ]  # fmt: skip
    assert artifact_search.words("…!? 😀") == []
    many = artifact_search.index_of("Title", " ".join(f"w{number}" for number in range(50_000)))
    assert len(many["words"].split()) == artifact_search.MAX_WORDS

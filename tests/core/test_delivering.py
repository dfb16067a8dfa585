"""Deliveries without a server: whose turn it is, what goes before what, and what is told after a break."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from mediatheque.core.access import Access
from mediatheque.core.accounts import Accounts
from mediatheque.core.delivering import Delivering, Post
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.events import Events, Topic, tell
from mediatheque.core.limiter import Limiter
from mediatheque.core.sealing import Sealer
from mediatheque.core.tokens import Tokens
from mediatheque.core.webhooks import Webhooks
from mediatheque.errors import Gone
from mediatheque.model import Actor
from mediatheque.records import webhooks
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
from mediatheque.records.signals import signals_for
from mediatheque.records.tables import event, webhook_delivery
from tests import servers
from tests.conftest import Postgres
from tests.receiver import Place


@dataclass
class Office:
    database: Database
    actor: Actor
    hooks: Webhooks
    delivering: Delivering
    events: Events

    def hook(self, place: Place) -> UUID:
        return self.hooks.create(self.actor, {"url": place.url})[0].uuid

    def tell(self, subject: UUID, number: int) -> None:
        with self.database.write() as tx:
            tell(tx, self.actor.tenant_id, Topic.ASSET_READY, subject, {"number": number})


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    url = f"sqlite:///{tmp_path / 'mediatheque.db'}"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create()
    database = Database(url)
    migrate(database)
    key = Accounts(database).create_key("office").key
    actor = Access(database, Tokens(("a secret",), None), Limiter("0", ""), "").identify(key)
    sealer = Sealer(("a secret",))
    post = Post(Endpoints(database, frozenset({servers.receiver().place})), sealer)
    signals = signals_for(database, tmp_path)
    hooks = Webhooks(database, post, sealer, signals)
    yield Office(database, actor, hooks, Delivering(database, post), Events(database))
    signals.close()
    database.close()


def numbers(place: Place) -> list[int]:
    return [it.payload["data"]["number"] for it in place.told]


def never() -> bool:
    return False


def test_a_thing_s_events_wait_for_the_one_before(office: Office) -> None:
    place = servers.receiver().at(uuid4().hex, statuses=[500])
    hook = office.hook(place)
    one, other = uuid4(), uuid4()
    assert office.delivering.next_due_seconds() is None
    assert not office.delivering.take_turn(never)
    for number, subject in enumerate((one, one, other)):
        office.tell(subject, number)
    assert office.delivering.next_due_seconds() == 0
    assert office.delivering.take_turn(never)
    assert numbers(place) == [0]
    assert not office.delivering.take_turn(never)  # it is left alone for a while
    wait = office.delivering.next_due_seconds()
    assert wait is not None
    assert 0 < wait <= 2
    office.hooks.change(office.actor, hook, {"is_active": True})
    assert office.delivering.take_turn(never)
    assert numbers(place) == [0, 2]
    with office.database.write() as tx:
        tx.execute(update(webhook_delivery).values(due_at=0))
    assert office.delivering.take_turn(never)
    assert numbers(place) == [0, 2, 0, 1]
    assert office.delivering.next_due_seconds() is None


def test_what_somebody_holds_is_not_taken(office: Office) -> None:
    office.hook(servers.receiver().at(uuid4().hex))
    office.tell(uuid4(), 1)
    with office.database.write() as tx:
        webhook_id = webhooks.take(tx, "one", hold_seconds=60)
        assert webhook_id is not None
        assert webhooks.take(tx, "two", hold_seconds=60) is None
        assert not webhooks.hold(tx, webhook_id, "two", hold_seconds=60)
        webhooks.free(tx, webhook_id, "one", pause_seconds=0)
        assert webhooks.take(tx, "two", hold_seconds=60) == webhook_id


def test_a_transaction_that_fails_tells_nothing(office: Office) -> None:
    place = servers.receiver().at(uuid4().hex)
    office.hook(place)
    following = office.events.follow(office.actor, None)
    with pytest.raises(RuntimeError), office.database.write() as tx:
        tell(tx, office.actor.tenant_id, Topic.ASSET_READY, uuid4(), {"number": 1})
        raise RuntimeError
    assert not office.delivering.take_turn(never)
    assert following.news() == []


def test_events_are_gone_on_with_from_a_cursor(office: Office) -> None:
    following = office.events.follow(office.actor, None)
    start = following.cursor
    for number in range(3):
        office.tell(uuid4(), number)
    found = following.news()
    assert [it.content["number"] for it in found] == [0, 1, 2]
    assert following.news() == []
    again = office.events.follow(office.actor, found[0].cursor).news()
    assert [it.content["number"] for it in again if it.uuid != found[0].uuid] == [1, 2]
    assert len(office.events.follow(office.actor, start).news()) == 3
    with office.database.write() as tx:
        office_events = event.c.uuid.in_([it.uuid for it in found[:2]])
        tx.execute(delete(event).where(office_events))
    with pytest.raises(Gone):
        office.events.follow(office.actor, start)


def test_old_deliveries_and_events_are_forgotten(office: Office) -> None:
    office.hook(servers.receiver().at(uuid4().hex))
    office.tell(uuid4(), 1)
    office.tell(uuid4(), 2)
    office.delivering.take_turn(never)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with office.database.write() as tx:
        tx.execute(update(webhook_delivery).values(created_at=long_ago))
        tx.execute(update(event).values(created_at=long_ago))
    office.delivering.tidy()
    office.events.tidy()
    with office.database.read() as tx:
        assert tx.execute(webhook_delivery.select()).all() == []
        assert len(tx.execute(event.select()).all()) == 1  # so that no number is given out twice

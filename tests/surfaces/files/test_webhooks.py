"""`/api/v2/webhooks`: who is told what, signed, in order and again until it has arrived (docs/webhooks.md)."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from mediatheque.core.accounts import Accounts
from mediatheque.core.delivering import DEADLINE_SECONDS
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import webhook, webhook_delivery
from tests import servers
from tests.conftest import Tenant
from tests.documents import pdf
from tests.pictures import picture
from tests.receiver import Place
from tests.support import Server, wait_for
from tests.surfaces.files.doors import streamed

SECONDS = 60
HANGS_SECONDS = 0.9 * DEADLINE_SECONDS
"""Nearly as long as an answer is waited for."""


@pytest.fixture
def admin(server: Server, accounts: Accounts) -> Iterator[httpx.Client]:
    key = accounts.create_key(f"tenant-{uuid4().hex[:12]}", role=Role.ADMIN)
    with server.client(key.key) as client:
        yield client


def hooked(client: httpx.Client, place: Place, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v2/webhooks", json={"url": place.url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deliveries(client: httpx.Client, hook: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/v2/webhooks/{hook['id']}/deliveries").json()["deliveries"]
    return found


def has_failed(client: httpx.Client, hook: dict[str, Any], attempts: int) -> bool:
    """Whether so many attempts of its first delivery have."""
    log = deliveries(client, hook)
    return bool(log) and log[-1]["attempts"] >= attempts


def place(**options: Any) -> Place:
    return servers.receiver().at(uuid4().hex, **options)


def hasten(client: httpx.Client, database: Database, hook: dict[str, Any], **values: Any) -> None:
    """What waits for this webhook waits no longer."""
    with database.write() as tx:
        mine = update(webhook).where(webhook.c.uuid == UUID(hook["id"]))
        webhook_id = tx.execute(mine.values(free_at=0).returning(webhook.c.id)).scalar_one()
        theirs = update(webhook_delivery).where(webhook_delivery.c.webhook_id == webhook_id)
        tx.execute(theirs.values(due_at=0, **values))
    client.patch(f"/api/v2/webhooks/{hook['id']}", json={"description": "waits no longer"})  # wakes the couriers


def test_what_happens_to_a_file_is_told_signed_and_in_order(admin: httpx.Client) -> None:
    there = place()
    hook = hooked(admin, there, events=["asset.ready", "asset.deleted", "asset.restored"])
    made = streamed(admin, picture("JPEG"), "photo.jpg")["image_id"]
    wait_for(lambda: there.types() == ["asset.ready"], "the picture to be told of", SECONDS)
    assert admin.get(f"/api/v2/user-files/{made}").status_code == 200
    admin.delete(f"/api/v2/user-files/{made}")
    admin.post(f"/api/v2/user-files/{made}/restore")
    wait_for(lambda: len(there.told) == 3, "the rest to be told of", SECONDS)
    assert there.types() == ["asset.ready", "asset.deleted", "asset.restored"]
    for told in there.told:
        assert Webhook(hook["secret"]).verify(told.body.decode(), told.headers) == told.payload
        assert told.payload["data"]["asset_id"] == made
        assert set(told.payload) == {"type", "timestamp", "data"}
    assert len({told.headers["webhook-id"] for told in there.told}) == 3
    wait_for(lambda: [it["status"] for it in deliveries(admin, hook)] == ["delivered"] * 3, "it to be noted", SECONDS)
    log = deliveries(admin, hook)
    assert (log[0]["response_status"], log[0]["attempts"]) == (204, 1)


def test_findings_artifacts_and_documents_are_told_of(admin: httpx.Client) -> None:
    there = place()
    hooked(admin, there)
    document = streamed(admin, pdf("what it says"), "paper.pdf")["image_id"]
    room = admin.post("/v1/rooms", json={"name": "room"}).json()["data"]["id"]
    asked = {"title": "notes", "content": "one"}
    artifact = admin.post(f"/v1/rooms/{room}/tools/create_artifact", json=asked).json()["data"]["artifact_id"]
    wait_for(lambda: {"asset.ready", "finding.written", "artifact.changed"} <= set(there.types()), "all", SECONDS)
    told = {it.payload["type"]: it.payload["data"] for it in there.told}
    assert told["asset.ready"]["asset_id"] == told["finding.written"]["asset_id"] == document
    assert told["artifact.changed"]["artifact_id"] == artifact
    assert told["artifact.changed"]["change"] == "created"


def test_what_failed_is_tried_again_before_what_follows(admin: httpx.Client, database: Database) -> None:
    there = place(statuses=[500, 302])
    hook = hooked(admin, there, events=["asset.ready", "asset.deleted"])
    made = streamed(admin, picture("PNG"), "photo.png")["image_id"]
    wait_for(lambda: bool(there.told), "the first attempt", SECONDS)
    admin.delete(f"/api/v2/user-files/{made}")
    for attempts in (1, 2):
        wait_for(partial(has_failed, admin, hook, attempts), "the failure to be noted", SECONDS)
        hasten(admin, database, hook)
    wait_for(lambda: len(there.told) == 4, "all to be told of", SECONDS)
    assert there.types() == ["asset.ready"] * 3 + ["asset.deleted"]
    assert len({it.headers["webhook-id"] for it in there.told[:3]}) == 1
    wait_for(lambda: {it["status"] for it in deliveries(admin, hook)} == {"delivered"}, "the end", SECONDS)
    assert admin.get(f"/api/v2/webhooks/{hook['id']}").json()["failures"] == 0


def test_one_that_hangs_keeps_nobody_waiting(admin: httpx.Client) -> None:
    slow, quick = place(takes_seconds=HANGS_SECONDS), place()
    for it in (slow, quick):
        hooked(admin, it, events=["asset.ready"])
    streamed(admin, picture("PNG"), "photo.png")
    wait_for(lambda: bool(slow.told and quick.told), "both to be told", SECONDS)
    assert abs(slow.told[0].came_at - quick.told[0].came_at) < HANGS_SECONDS


def test_one_to_which_nothing_gets_through_is_given_up(admin: httpx.Client, database: Database) -> None:
    there = place(statuses=[500] * 9)
    hook = hooked(admin, there, events=["asset.ready"])
    streamed(admin, picture("PNG"), "photo.png")
    wait_for(partial(has_failed, admin, hook, 1), "a failure", SECONDS)
    hasten(admin, database, hook, attempts=10)
    url = f"/api/v2/webhooks/{hook['id']}"
    wait_for(lambda: not admin.get(url).json()["is_active"], "it to be given up", SECONDS)
    assert "answered 500" in admin.get(url).json()["disabled_reason"]
    (lost,) = deliveries(admin, hook)
    assert (lost["status"], lost["next_attempt_at"]) == ("failed", None)
    there.statuses.clear()
    assert admin.patch(url, json={"is_active": True}).json()["disabled_reason"] is None
    again = admin.post(f"{url}/deliveries/{lost['id']}/redeliver")
    assert (again.status_code, again.json()["event_id"]) == (202, lost["event_id"])
    wait_for(lambda: deliveries(admin, hook)[0]["status"] == "delivered", "it to be delivered", SECONDS)
    assert there.told[-1].headers["webhook-id"] == there.told[0].headers["webhook-id"]


def test_one_that_wants_nothing_more_gets_nothing(admin: httpx.Client) -> None:
    hook = hooked(admin, place(statuses=[410]), events=["asset.ready"])
    streamed(admin, picture("PNG"), "photo.png")
    url = f"/api/v2/webhooks/{hook['id']}"
    wait_for(lambda: not admin.get(url).json()["is_active"], "it to be given up", SECONDS)


def test_a_secret_is_shown_once_and_can_be_replaced(admin: httpx.Client, database: Database) -> None:
    there = place()
    hook = hooked(admin, there, events=["asset.ready"], description="ours")
    url = f"/api/v2/webhooks/{hook['id']}"
    assert "secret" not in admin.get(url).json()
    tested = admin.post(f"{url}/test").json()
    assert (tested["status"], tested["event"], tested["response_status"]) == ("delivered", "webhook.test", 204)
    second = admin.post(f"{url}/secret").json()["secret"]
    admin.post(f"{url}/test")
    first, both = there.told
    for secret, told in ((hook["secret"], first), (hook["secret"], both), (second, both)):
        assert Webhook(secret).verify(told.body.decode(), told.headers)
    with database.read() as tx:
        row = tx.execute(webhook.select().where(webhook.c.uuid == UUID(hook["id"]))).mappings().one()
    assert hook["secret"] not in str(dict(row))
    assert second not in str(dict(row))
    assert [it["id"] for it in admin.get("/api/v2/webhooks").json()["webhooks"]] == [hook["id"]]
    assert admin.delete(url).status_code == 204
    assert admin.get(url).status_code == 404


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"url": "http://127.0.0.1:1/"}, "url"),
        ({"url": "https://10.0.0.1/hook"}, "url"),
        ({"url": "ftp://192.0.0.9/"}, "url"),
        ({"url": "nothing"}, "url"),
        ({"url": "https://user@192.0.0.9/"}, "url"),
        ({"url": "https://192.0.0.9/", "events": ["asset.flown"]}, "events"),
        ({"url": "https://192.0.0.9/", "events": []}, "events"),
    ],
)
def test_a_bad_one_is_refused(admin: httpx.Client, asked: dict[str, Any], field: str) -> None:
    answer = admin.post("/api/v2/webhooks", json=asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["field"] == field


def test_only_administrators_have_webhooks(tenant: Tenant) -> None:
    assert tenant.client.get("/api/v2/webhooks").status_code == 403
    assert tenant.client.post("/api/v2/webhooks", json={"url": "https://192.0.0.9/"}).status_code == 403

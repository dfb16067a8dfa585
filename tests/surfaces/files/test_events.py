"""`/api/v2/events`: what happens, for those who cannot be called, gone on with from a cursor (docs/webhooks.md)."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from mediatheque.supervisor import WEB_STOP_SECONDS
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.doors import streamed

EVENTS = "/api/v2/events"
STREAM = {"Accept": "text/event-stream"}
TYPES = "asset.ready,asset.deleted,asset.restored"


def told(client: httpx.Client, count: int, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    """(cursor, event) of so many events of the stream."""
    found: list[tuple[str, dict[str, Any]]] = []
    with client.stream("GET", EVENTS, params={"types": TYPES}, headers=STREAM | headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        cursor = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            cursor = value if name == "id" else cursor
            if name == "data":
                found.append((cursor, json.loads(value)))
            if len(found) == count:
                break
    return found


def test_a_stream_goes_on_where_it_was_left(tenant: Tenant) -> None:
    client = tenant.client
    start = client.get(EVENTS).json()
    assert start["events"] == []
    made = streamed(client, picture("JPEG"), "photo.jpg")["image_id"]
    ((cursor, ready),) = told(client, 1, **{"Last-Event-ID": start["cursor"]})
    assert (ready["type"], ready["data"]["asset_id"]) == ("asset.ready", made)
    client.delete(f"/api/v2/user-files/{made}")
    client.post(f"/api/v2/user-files/{made}/restore")
    found = [it for _, it in told(client, 3, **{"Last-Event-ID": start["cursor"]})]
    assert [it["type"] for it in found] == ["asset.ready", "asset.deleted", "asset.restored"]
    later = [it for _, it in told(client, 2, **{"Last-Event-ID": cursor}) if it["id"] != ready["id"]]
    assert later[0]["type"] == "asset.deleted"


def test_a_page_has_what_is_new(tenant: Tenant, other_tenant: Tenant) -> None:
    client = tenant.client
    start = client.get(EVENTS).json()["cursor"]
    theirs = other_tenant.client.get(EVENTS).json()["cursor"]
    streamed(client, picture("PNG"), "photo.png")

    def new() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(EVENTS, params={"after": start, "types": "asset.ready"}).json()[
            "events"
        ]
        return found

    wait_for(lambda: len(new()) == 1, "the event", 60)
    assert new()[0]["data"]["filename"] == "photo.png"
    assert other_tenant.client.get(EVENTS, params={"after": theirs}).json()["events"] == []


def test_a_server_with_open_streams_stops(tmp_path: Path) -> None:
    site = Server(tmp_path / "data", {"MEDIATHEQUE_WORKERS": "1"}).start()
    with site.client() as client, client.stream("GET", EVENTS, headers=STREAM) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        started = time.monotonic()
        assert site.stop() == 0
        assert time.monotonic() - started < WEB_STOP_SECONDS, "it was killed"


@pytest.mark.parametrize("asked", [{"after": "-1"}, {"after": "x"}, {"types": "asset.flown"}])
def test_what_is_no_cursor_and_no_topic_is_refused(tenant: Tenant, asked: dict[str, str]) -> None:
    assert tenant.client.get(EVENTS, params=asked).status_code == 422
    assert tenant.client.get(EVENTS, headers={"Last-Event-ID": "x"}).status_code == 422

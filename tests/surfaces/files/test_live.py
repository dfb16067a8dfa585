"""`/api/v2/ws`: subscribing to a batch, and what is told of it (contract, 3.G and 10)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mediatheque.core.accounts import Accounts
from tests.conftest import DATABASES, Tenant
from tests.sockets import Closed, Socket
from tests.support import Server
from tests.surfaces.files.test_batches import sent, some, status, until_ended

UNHURRIED = """
import sys

if sys.orig_argv[-1:] == ["web"]:
    from mediatheque.surfaces.files import live

    live.QUIET_SECONDS = 3600.0
"""


def connected(tenant: Tenant) -> Socket:
    return Socket(tenant.server, f"/api/v2/ws?token={tenant.key.key}")


def subscribe(socket: Socket, channel: str) -> dict[str, Any]:
    socket.send({"action": "subscribe", "channel": channel})
    return socket.receive()


@pytest.fixture(scope="module", params=DATABASES)
def unhurried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that hardly ever looks by itself: who is told there was woken."""
    folder = tmp_path_factory.mktemp(f"unhurried-{request.param}")
    (folder / "sitecustomize.py").write_text(UNHURRIED)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths)}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(folder / "data", environment).start()
    yield running
    assert running.stop() == 0


def test_a_subscriber_is_told_of_every_file_and_of_the_end(unhurried: Server) -> None:
    path = f"/api/v2/ws?token={unhurried.full_environment()['MEDIATHEQUE_ADMIN_API_KEY']}"
    with unhurried.client() as client, Socket(unhurried, path, 60) as socket:
        made = sent(client, [*some(8), b"no picture"])
        channel = made["websocket_channel"]
        assert subscribe(socket, channel) == {"type": "subscribed", "channel": channel}
        first, *events = socket.until("session.completed")
        before = first["data"]["completed_files"] + first["data"]["failed_files"]
        last = events[-1]["data"] if events else first["data"]
        assert last == status(client, made)
        assert (last["status"], last["completed_files"], last["failed_files"]) == ("completed", 8, 1)
        told = [event["data"] for event in events if event["type"] in {"file.completed", "file.failed"}]
        assert len(told) == (9 - before if events else 0)
        assert {event["channel"] for event in events} <= {channel}
        assert all(it["image_id"] for it in told if it["status"] == "completed")


def test_subscribing_to_an_ended_session_replays_its_last_event(tenant: Tenant) -> None:
    made = sent(tenant.client, some(1))
    ended = until_ended(tenant.client, made)
    for _ in range(2):
        with connected(tenant) as socket:
            subscribe(socket, made["websocket_channel"])
            event = socket.receive()
            assert (event["type"], event["data"]) == ("session.completed", ended)


def test_foreign_unknown_and_odd_channels_are_the_same_error(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = sent(other_tenant.client, some(1))
    with connected(tenant) as socket:
        for channel in (foreign["websocket_channel"], f"batch.{uuid4()}", "batch.x", "else"):
            answer = subscribe(socket, channel)
            assert (answer["type"], answer["channel"]) == ("error", channel)
            assert answer["error"] == {"code": "RESOURCE_NOT_FOUND", "message": "No such channel"}


def test_what_is_no_request_is_an_error_and_the_connection_stays(tenant: Tenant) -> None:
    with connected(tenant) as socket:
        for message in ("no json", "[]", {"action": "dance"}, {"action": "subscribe"}, "[" * 4000, "x" * 5000):
            socket.send(message)
            assert socket.receive()["error"]["code"] == "BAD_REQUEST"
        socket.send({"action": "ping"})
        assert socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("token", ["", "?token=", "?token=mt_live_wrong"])
def test_a_bad_token_is_closed_with_4401(server: Server, token: str) -> None:
    with Socket(server, f"/api/v2/ws{token}") as socket, pytest.raises(Closed) as closed:
        socket.receive()
    assert closed.value.code == 4401


def test_a_token_without_the_scope_is_closed_with_4403(tenant: Tenant, accounts: Accounts) -> None:
    key = accounts.create_key(tenant.name, scopes=["uploads.create"])
    with Socket(tenant.server, f"/api/v2/ws?token={key.key}") as socket, pytest.raises(Closed) as closed:
        socket.receive()
    assert closed.value.code == 4403


def test_a_server_with_open_connections_stops(tmp_path: Path) -> None:
    site = Server(tmp_path / "data", {"MEDIATHEQUE_WORKERS": "1"}).start()
    with Socket(site, f"/api/v2/ws?token={site.full_environment()['MEDIATHEQUE_ADMIN_API_KEY']}") as socket:
        socket.send({"action": "ping"})
        assert socket.receive() == {"type": "pong"}
        assert site.stop() == 0

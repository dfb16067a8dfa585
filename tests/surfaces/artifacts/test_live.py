"""`/v1/stream`: events across processes, and who looks at what (contract, 4.4)."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Postgres
from tests.sockets import Closed, Socket
from tests.support import Server
from tests.surfaces.artifacts.conftest import ROOMS, Place, data


def listening(server: Server, key: str) -> Socket:
    socket = Socket(server, f"/v1/stream?token={key}")
    hello = socket.receive()
    assert set(hello) == {"type", "session_id", "server_name", "tenant_id", "ts"}
    assert hello["type"] == "hello"
    return socket


def events(socket: Socket, last: str) -> list[dict[str, Any]]:
    """What is told up to the first event of this type, without pings."""
    return [it for it in socket.until(last) if it["type"] not in {"ping", "pong"}]


def test_members_are_told_of_every_change_in_its_order(place: Place) -> None:
    with listening(place.tenant.server, place.tenant.key.key) as socket:
        artifact_id = place.create("one", "Plan")
        path = f"{place.path}/{artifact_id}"
        place.put(artifact_id, content="two", title="Plan 2")
        data(place.client.post(f"{path}/revert", json={"version": 1}))
        data(place.client.delete(path))
        told = events(socket, "swp.artifact.deleted")
    assert [(it["type"].rpartition(".")[2], it["content"]["version"], it["content"]["title"]) for it in told] == [
        ("created", 1, "Plan"), ("updated", 2, "Plan 2"), ("reverted", 3, "Plan"), ("deleted", 3, "Plan"),
    ]  # fmt: skip
    for it in told:
        assert set(it) == {"type", "id", "room_id", "tenant_id", "ts", "content"}
        assert it["id"].startswith("evt-")
        assert (it["room_id"], it["tenant_id"]) == (place.room_id, str(place.tenant.key.tenant_id))
        assert it["content"]["artifact_id"] == artifact_id
        assert it["content"]["editor_id"] == str(place.tenant.key.user_id)


def test_nobody_else_is_told(place: Place, accounts: Accounts) -> None:
    stranger = accounts.create_key(place.tenant.name, role=Role.ADMIN)
    weak = accounts.create_key(place.tenant.name)
    data(place.client.put(f"{ROOMS}/{place.room_id}/members/{weak.user_id}", json={"power_level": 1}))
    data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"artifact_read_power": 2}))
    with ExitStack() as stack:
        others = [stack.enter_context(listening(place.tenant.server, it.key)) for it in (stranger, weak)]
        own = stack.enter_context(listening(place.tenant.server, place.tenant.key.key))
        place.create("one")
        events(own, "swp.artifact.created")
        for socket in others:
            socket.send({"action": "ping"})
            assert events(socket, "pong") == []


def test_who_looks_at_an_artifact_is_told_and_forgotten(place: Place, accounts: Accounts) -> None:
    reader = accounts.create_key(place.tenant.name, role=Role.VIEWER)
    data(place.client.put(f"{ROOMS}/{place.room_id}/members/{reader.user_id}", json={"power_level": 0}))
    artifact_id = place.create("one")
    path = f"{place.path}/{artifact_id}/viewers"
    with listening(place.tenant.server, place.tenant.key.key) as own:
        with listening(place.tenant.server, reader.key) as theirs:
            theirs.send({"action": "view", "room_id": place.room_id, "artifact_id": artifact_id})
            told = own.until("presence")[-1]  # what was done shortly before one listened may come first
            assert told["content"] == {"artifact_id": artifact_id, "viewers": [str(reader.user_id)]}
            assert data(place.client.get(path)) == {"viewers": [str(reader.user_id)]}
        told = own.until("presence")[-1]
        assert told["content"]["viewers"] == []
    assert data(place.client.get(path)) == {"viewers": []}


def test_odd_messages_are_errors_and_the_connection_stays(place: Place) -> None:
    with listening(place.tenant.server, place.tenant.key.key) as socket:
        for message in ("no json", "[]", {"action": "dance"}, {"action": "view"}, "[" * 4000, "x" * 5000):
            socket.send(message)
            (told,) = events(socket, "error")
            assert told["error"]["code"] == "SW_BAD_REQUEST"
        socket.send({"action": "view", "room_id": "room-x", "artifact_id": "x"})
        (told,) = events(socket, "error")
        assert told["error"]["code"] == "SW_ROOM_NOT_FOUND"


@pytest.mark.parametrize(("token", "code"), [("", 4401), ("?token=mt_live_wrong", 4401)])
def test_a_bad_token_is_a_close_frame(server: Server, token: str, code: int) -> None:
    with Socket(server, f"/v1/stream{token}") as socket, pytest.raises(Closed) as closed:
        socket.receive()
    assert closed.value.code == code


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def wide(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three API processes on one port."""
    environment = {}
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        environment["MEDIATHEQUE_DATABASE_URL"] = postgres.create()
    folder = tmp_path_factory.mktemp(f"wide-{request.param}")
    server = Server(folder / "data", environment, ("--no-workers", "--processes", "3")).start()
    yield server
    assert server.stop() == 0


def test_every_process_tells_what_any_process_does(wide: Server) -> None:
    key = wide.full_environment()["MEDIATHEQUE_ADMIN_API_KEY"]
    with ExitStack() as stack:
        sockets = [stack.enter_context(listening(wide, key)) for _ in range(9)]
        with wide.client() as client:
            room = data(client.post(ROOMS, json={"name": "Wide"}), 201)["id"]
        tool = f"{ROOMS}/{room}/tools/create_artifact"
        made = []
        for number in range(6):
            with wide.client() as client:  # a connection of its own, so that any process may get it
                answer = client.post(tool, json={"title": str(number), "content": "c"})
                made.append(data(answer, 201)["artifact_id"])
        for socket in sockets:
            told = [it for _ in made for it in events(socket, "swp.artifact.created")]
            assert [it["content"]["artifact_id"] for it in told] == made

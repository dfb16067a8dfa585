"""Who may do what: every endpoint, level, membership, room state and tenant (contract, 4.1 and 10; safety, E11)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant
from tests.surfaces.artifacts.conftest import ROOMS, Place, data, listed, new_room, refused

READS = {
    "list": ("GET", "", None),
    "read": ("GET", "/{id}", None),
    "versions": ("GET", "/{id}/versions", None),
    "version": ("GET", "/{id}/versions/1", None),
    "diff": ("GET", "/{id}/versions/1..1/diff", None),
    "export": ("GET", "/{id}/export", None),
    "deleted": ("GET", "?deleted=true", None),
}
OVERSIGHT = {"shares": ("GET", "/{id}/shares", None)}
WRITES = {
    "put": ("PUT", "/{id}", {"content": "one"}),
    "patch": ("PATCH", "/{id}", {"title": "new", "edits": [{"old_text": "one", "new_text": "one"}]}),
    "revert": ("POST", "/{id}/revert", {"version": 1}),
    "create": ("POST", "/../tools/create_artifact", {"title": "t", "content": "c"}),
    "update": ("POST", "/../tools/update_artifact", {"artifact_id": "{id}", "content": "one"}),
    "share": ("POST", "/{id}/shares", {}),
    "delete": ("DELETE", "/{id}", None),
    "restore": ("POST", "/{id}/restore", None),
}
TOO_WEAK, NO_MEMBER, FROZEN, ABSENT = (
    (403, "SW_AUTH_INSUFFICIENT_PERMISSION"), (403, "SW_NOT_MEMBER"), (409, "SW_ROOM_FROZEN"),
    (404, "SW_ROOM_NOT_FOUND"),
)  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Somebody, and what they get for reading and for writing in a room that is open, and in one that is not."""

    name: str
    read: tuple[int, str] | None
    write: tuple[int, str] | None
    write_frozen: tuple[int, str] | None
    power: int | None = None
    role: Role = Role.EDITOR
    scopes: tuple[str, ...] | None = None
    is_foreign: bool = False


CALLERS = [
    Caller("member 0", None, TOO_WEAK, TOO_WEAK, 0),
    Caller("member 9", None, TOO_WEAK, TOO_WEAK, 9),
    Caller("member 10", None, None, FROZEN, 10),
    Caller("member 100", None, None, FROZEN, 100),
    Caller("viewer 0", None, TOO_WEAK, TOO_WEAK, 0, Role.VIEWER),
    Caller("viewer 100", None, TOO_WEAK, TOO_WEAK, 100, Role.VIEWER),
    Caller("reading key 100", None, TOO_WEAK, TOO_WEAK, 100, scopes=("artifacts.read",)),
    Caller("other key 100", TOO_WEAK, TOO_WEAK, TOO_WEAK, 100, scopes=("files.read",)),
    Caller("no member", NO_MEMBER, NO_MEMBER, NO_MEMBER),
    Caller("viewer, no member", NO_MEMBER, TOO_WEAK, TOO_WEAK, role=Role.VIEWER),
    Caller("admin, no member", NO_MEMBER, NO_MEMBER, NO_MEMBER, role=Role.ADMIN),
    Caller("admin 10", None, None, FROZEN, 10, Role.ADMIN),
    Caller("editor of another tenant", ABSENT, ABSENT, ABSENT, is_foreign=True),
    Caller("admin of another tenant", ABSENT, ABSENT, ABSENT, role=Role.ADMIN, is_foreign=True),
]


@pytest.fixture
def clients(place: Place, other_tenant: Tenant) -> Iterator[dict[str, httpx.Client]]:
    foreign = Place(other_tenant, place.accounts, new_room(other_tenant.client))
    with ExitStack() as stack:
        yield {
            caller.name: stack.enter_context(
                (foreign if caller.is_foreign else place).somebody(
                    caller.power, role=caller.role, scopes=list(caller.scopes) if caller.scopes else None
                )
            )
            for caller in CALLERS
        }


@pytest.mark.parametrize("state", ["open", "archived", "closed"])
def test_rights_are_those_of_the_table(place: Place, clients: dict[str, httpx.Client], state: str) -> None:
    kept, spare = place.create("one"), place.create("one")
    assert place.client.delete(f"{place.path}/{spare}").status_code == 200
    data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"state": state}))
    wrong = []
    for caller in CALLERS:
        for name, call in (READS | WRITES).items():
            wanted = caller.read if name in READS else caller.write if state == "open" else caller.write_frozen
            answer = _ask(clients[caller.name], place, call, spare if name == "restore" else kept)
            given = None if answer.is_success else (answer.status_code, answer.json()["error"]["code"])
            if given != wanted:
                wrong.append(f"{caller.name}, {name}: {given} instead of {wanted}")
            if name == "delete" and answer.is_success:
                data(place.client.post(f"{place.path}/{kept}/restore"))
            if name == "restore" and answer.is_success:
                data(place.client.delete(f"{place.path}/{spare}"))
    assert wrong == []


def test_both_powers_are_the_room_s_own(place: Place) -> None:
    artifact_id = place.create("one")
    with place.somebody(30) as strong, place.somebody(20) as weak:
        data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"artifact_write_power": 25}))
        assert strong.put(f"{place.path}/{artifact_id}", json={"content": "two"}).status_code == 200
        refused(weak.put(f"{place.path}/{artifact_id}", json={"content": "x"}), *TOO_WEAK)
        data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"artifact_read_power": 25}))
        assert strong.get(f"{place.path}/{artifact_id}").status_code == 200
        refused(weak.get(f"{place.path}/{artifact_id}"), *TOO_WEAK)


def test_what_is_wrong_is_looked_for_in_one_order(place: Place, accounts: Accounts) -> None:
    """Token, scope, room, member, power, state, artifact, version, body."""
    nothing, bad = f"{place.path}/{uuid4()}", {"content": 5}
    artifact = f"{place.path}/{place.create('one')}"
    with place.tenant.server.client(None) as nobody:
        refused(nobody.put(f"{ROOMS}/room-x/artifacts/x", json=bad), 401, "SW_AUTH_INVALID_TOKEN")
    with place.somebody(role=Role.VIEWER) as viewer:
        refused(viewer.put(f"{ROOMS}/room-x/artifacts/x", json=bad), *TOO_WEAK)
    with place.somebody() as stranger, place.somebody(0) as weak:
        refused(stranger.put(f"{ROOMS}/room-x/artifacts/x", json=bad), *ABSENT)
        refused(stranger.put(nothing, json=bad), *NO_MEMBER)
        refused(weak.put(nothing, json=bad), *TOO_WEAK)
        refused(place.client.put(nothing, json=bad), 404, "SW_ARTIFACT_NOT_FOUND")
        refused(place.client.put(artifact, json=bad, headers={"If-Match": '"7"'}), 422, "SW_VALIDATION_ERROR")
        data(place.client.patch(f"{ROOMS}/{place.room_id}", json={"state": "archived"}))
        refused(weak.put(nothing, json=bad), *TOO_WEAK)
        refused(place.client.put(nothing, json=bad), *FROZEN)


def test_rooms_are_for_their_members_and_administrators_see_that_they_are_there(place: Place) -> None:
    path = f"{ROOMS}/{place.room_id}"
    with place.somebody() as stranger, place.somebody(role=Role.ADMIN) as admin, place.somebody(0) as weak:
        assert listed(stranger.get(ROOMS)) == []
        for seeing in (admin, weak):
            assert [it["id"] for it in listed(seeing.get(ROOMS))] == [place.room_id]
            assert data(seeing.get(path)) == data(place.client.get(path))
            assert len(listed(seeing.get(f"{path}/members"))) == 2
        for asked in (path, f"{path}/members"):
            refused(stranger.get(asked), *NO_MEMBER)
        refused(weak.patch(path, json={"name": "Ours"}), *TOO_WEAK)
        refused(admin.patch(path, json={"name": "Ours"}), *NO_MEMBER)
        refused(stranger.patch(path, json={"name": "Ours"}), *NO_MEMBER)


def test_members_are_set_by_full_power_and_by_administrators(place: Place, accounts: Accounts) -> None:
    members = f"{ROOMS}/{place.room_id}/members"
    newcomer = accounts.create_key(place.tenant.name, role=Role.ADMIN)
    path = f"{members}/{newcomer.user_id}"
    with place.somebody(99) as nearly, place.tenant.server.client(newcomer.key) as admin:
        refused(nearly.put(path, json={"power_level": 5}), *TOO_WEAK)
        refused(admin.get(place.path), *NO_MEMBER)
        added = data(admin.put(path, json={"power_level": 5}))
        assert added["user_id"] == added["participant_id"] == str(newcomer.user_id)
        assert (added["power_level"], added["membership"]) == (5, "join")
        assert admin.get(place.path).status_code == 200
        assert data(place.client.put(path, json={"power_level": 100}))["joined_at"] == added["joined_at"]
        for body in ({}, {"power_level": -1}, {"power_level": 101}, {"power_level": "5"}):
            refused(place.client.put(path, json=body), 422, "SW_VALIDATION_ERROR")
        refused(nearly.delete(path), *TOO_WEAK)
        mine = next(it for it in listed(nearly.get(members)) if it["power_level"] == 99)
        assert data(nearly.delete(f"{members}/{mine['user_id']}"))["removed"]
        refused(nearly.get(place.path), *NO_MEMBER)
        assert data(admin.delete(path)) == {"user_id": str(newcomer.user_id), "removed": True}
        refused(admin.delete(path), 404, "SW_MEMBER_NOT_FOUND")


def test_nobody_of_another_tenant_becomes_a_member(place: Place, other_tenant: Tenant) -> None:
    path = f"{ROOMS}/{place.room_id}/members/{other_tenant.key.user_id}"
    for answer in (place.client.put(path, json={"power_level": 0}), place.client.delete(path)):
        refused(answer, 404, "SW_MEMBER_NOT_FOUND")


def test_a_closed_room_stays_closed_and_an_archived_one_can_be_opened(place: Place) -> None:
    path = f"{ROOMS}/{place.room_id}"
    for state in ("archived", "open", "archived", "closed"):
        assert data(place.client.patch(path, json={"state": state}))["state"] == state
    refused(place.client.patch(path, json={"state": "open"}), *FROZEN)
    refused(place.client.put(f"{path}/members/{uuid4()}", json={"power_level": 1}), *FROZEN)
    for body in ({"name": ""}, {"name": "x" * 256}, {"state": "gone"}, {"artifact_read_power": 101}):
        refused(place.client.patch(f"{ROOMS}/{new_room(place.client)}", json=body), 422, "SW_VALIDATION_ERROR")


def _ask(client: httpx.Client, place: Place, call: tuple[str, str, Any], artifact_id: str) -> httpx.Response:
    method, suffix, body = call
    path = f"{place.path}{suffix}".replace("/artifacts/..", "").replace("{id}", artifact_id)
    if isinstance(body, dict) and "artifact_id" in body:
        body = body | {"artifact_id": artifact_id}
    return client.request(method, path, json=body)

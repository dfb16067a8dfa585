"""`/api/v1/keys`: people make, see and revoke API keys of their own; administrators also those of others (ours)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support import wait_for
from tests.surfaces.assets.conftest import Office, data, refusal

URL = "/api/v1/keys"
ITEM = {"id", "name", "prefix", "role", "scopes", "userId", "username", "createdAtUtc", "expiresAtUtc",
        "lastUsedAtUtc", "revokedAtUtc", "isCurrent"}  # fmt: skip
READING = ["artifacts.read", "assets.read", "files.read", "images.read"]
FORBIDDEN = (403, "api_key_manage_forbidden")
NOT_FOUND = (404, "api_key_not_found")


def made(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = data(client.post(URL, json=body), 201)
    return answer


def listed(client: httpx.Client, **query: Any) -> dict[str, dict[str, Any]]:
    return {it["id"]: it for it in data(client.get(URL, params=query))}


def test_a_key_is_shown_once_and_opens_the_library(office: Office) -> None:
    user, client = office.at_work()
    answer = client.post(URL, json={"name": " laptop ", "expiresInDays": 30})
    it = data(answer, 201)
    assert set(it) == ITEM | {"key"} and answer.headers["cache-control"] == "no-store"
    assert (it["name"], it["userId"], it["username"]) == ("laptop", user["id"], user["username"])
    assert it["key"].startswith(it["prefix"]) and (it["role"], it["scopes"]) == ("viewer", READING)
    left = datetime.fromisoformat(it["expiresAtUtc"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    known = listed(client)
    assert set(known) == {it["id"]} and set(known[it["id"]]) == ITEM
    assert it["key"] not in str(known)
    opened = office.acting(it["key"])
    assert data(opened.get("/api/v1/auth/me"))["id"] == user["id"]
    assert listed(opened)[it["id"]]["isCurrent"] is True


def test_a_key_says_when_it_was_last_used(office: Office) -> None:
    _, client = office.at_work()
    it = made(client)
    assert it["lastUsedAtUtc"] is None
    assert office.acting(it["key"]).get("/api/v1/assets").status_code == 200
    wait_for(lambda: listed(client)[it["id"]]["lastUsedAtUtc"] is not None, "the use to be noted")


def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list(office: Office) -> None:
    _, client = office.at_work()
    it = made(client)
    opened = office.acting(it["key"])
    assert opened.get("/api/v1/assets").status_code == 200
    assert client.delete(f"{URL}/{it['id']}").status_code == 204
    assert refusal(opened.get("/api/v1/assets")) == (401, "api_key_invalid")
    assert listed(client)[it["id"]]["revokedAtUtc"] is not None
    assert client.delete(f"{URL}/{it['id']}").status_code == 204  # again: nothing changes


def test_a_key_holds_no_more_than_whoever_makes_it(office: Office) -> None:
    _, client = office.at_work()
    assert refusal(client.post(URL, json={"scopes": ["assets.create"]})) == FORBIDDEN
    assert refusal(client.post(URL, json={"role": "editor"})) == FORBIDDEN
    assert made(client, scopes=["images.read"])["scopes"] == ["images.read"]
    narrowed = office.acting(made(office.admin, scopes=["users.update", "images.read"])["key"])
    assert refusal(narrowed.post(URL, json={"scopes": ["files.read"]})) == FORBIDDEN
    assert made(narrowed)["scopes"] == ["images.read", "users.update"]


def test_a_key_makes_no_keys_unless_it_manages_users(office: Office) -> None:
    _, client = office.at_work()
    it = made(client)
    opened = office.acting(it["key"])
    assert refusal(opened.post(URL, json={})) == FORBIDDEN
    assert refusal(opened.delete(f"{URL}/{it['id']}")) == FORBIDDEN
    assert made(office.admin, role="editor")["role"] == "editor"


@pytest.mark.parametrize(
    "body",
    [{"scopes": ["nothing"]}, {"scopes": []}, {"role": "viewer", "scopes": ["users.read"]}, {"expiresInDays": 0},
     {"expiresInDays": 99999}, {"name": "n" * 101}, {"role": "king"}, {"name": "\x00"}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(office: Office, body: dict[str, Any]) -> None:
    assert office.admin.post(URL, json=body).status_code == 400
    assert len(listed(office.admin)) == 1  # the one that it is asked with


def test_others_keys_are_for_those_who_manage_users(office: Office) -> None:
    ann, of_ann = office.at_work()
    _, of_bob = office.at_work()
    it = made(of_ann)
    assert it["id"] not in listed(of_bob) and it["id"] not in listed(office.admin)
    assert of_bob.get(URL, params={"everybody": True}).status_code == 403
    assert listed(office.admin, everybody=True)[it["id"]]["userId"] == ann["id"]
    assert refusal(of_bob.delete(f"{URL}/{it['id']}")) == NOT_FOUND
    assert office.admin.delete(f"{URL}/{it['id']}").status_code == 204
    assert refusal(office.acting(it["key"]).get("/api/v1/assets")) == (401, "api_key_invalid")


def test_who_may_do_less_revokes_nothing_of_an_administrator(office: Office) -> None:
    _, chief = office.at_work(role="admin")
    it = made(chief)
    clerk = office.hire()
    grants = {"permissions": ["assets.read", "users.read", "users.update"]}
    assert office.admin.patch(f"/api/v1/users/{clerk['id']}/permissions", json=grants).status_code == 200
    acting = office.acting(office.login(clerk["username"])["accessToken"])
    assert refusal(acting.delete(f"{URL}/{it['id']}")) == (403, "user_manage_forbidden")
    assert refusal(acting.delete(f"{URL}/nothing")) == NOT_FOUND


def test_keys_are_in_the_audit_log_without_their_secret(office: Office) -> None:
    _, client = office.at_work()
    it = made(client, name="laptop")
    client.delete(f"{URL}/{it['id']}")
    entries = data(office.admin.get("/api/v1/system/audit"))["items"][:2]
    assert [one["action"] for one in entries] == ["key.revoked", "key.created"]
    assert {one["subject"] for one in entries} == {it["id"]}
    assert it["key"] not in str(entries)

"""`/api/v1/system/audit`: who changed what and when, and never a secret (ours; decisions 16 to 18)."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.support import ADMIN_KEY
from tests.surfaces.assets.conftest import PASSWORD, Office, data, refusal

LOG = "/api/v1/system/audit"


def log(office: Office, **query: Any) -> list[dict[str, Any]]:
    """The entries, newest first, but for the one of the admin's own key."""
    entries: list[dict[str, Any]] = data(office.admin.get(LOG, params={"pageSize": 100} | query))["items"]
    return entries


def newest(office: Office) -> dict[str, Any]:
    return log(office)[0]


def test_an_entry_says_who_did_what_to_whom_and_when(office: Office) -> None:
    chief, client = office.at_work(role="admin")
    made = data(client.post("/api/v1/users", json={"username": "ann", "password": PASSWORD, "role": "user"}), 201)
    entry = newest(office)
    at = datetime.fromisoformat(entry.pop("createdAtUtc"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert entry == {
        "id": entry["id"],
        "action": "user.created",
        "subject": made["id"],
        "userId": chief["id"],
        "username": chief["username"],
        "credential": f"user:{chief['id']}",
        "details": {"name": "ann", "role": "viewer", "permissions": None, "is_active": True},
    }


Change = Callable[[httpx.Client, str], httpx.Response]
CHANGES: dict[str, tuple[Change, dict[str, Any]]] = {
    "user.changed (name)": (
        lambda client, url: client.patch(url, json={"username": "anna"}),
        {"name": "anna", "name_before": "ann"},
    ),
    "user.changed (role)": (
        lambda client, url: client.patch(url, json={"role": "admin"}),
        {"name": "ann", "role": "admin", "role_before": "viewer"},
    ),
    "user.changed (state)": (
        lambda client, url: client.patch(url, json={"isActive": False}),
        {"name": "ann", "is_active": False, "is_active_before": True},
    ),
    "user.permissions_changed": (
        lambda client, url: client.patch(f"{url}/permissions", json={"permissions": ["users.read"]}),
        {"name": "ann", "granted": ["users.read"], "revoked": ["assets.read"]},
    ),
    "user.password_reset": (
        lambda client, url: client.post(f"{url}/reset-password", json={"newPassword": "quite another one"}),
        {"name": "ann"},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_user_is_an_entry(office: Office, change: str) -> None:
    ann = office.hire("ann")
    act, details = CHANGES[change]
    before = len(log(office))
    data(act(office.admin, f"/api/v1/users/{ann['id']}"))
    entry, *older = log(office)
    assert len(older) == before
    assert (entry["action"], entry["subject"]) == (change.split()[0], ann["id"])
    assert entry["details"] == details
    assert entry["credential"].startswith("key:") and entry["userId"]


def test_what_is_refused_or_changes_nothing_leaves_no_entry(office: Office) -> None:
    ann = office.hire("ann")
    url = f"/api/v1/users/{ann['id']}"
    _, weak = office.at_work(permissions=["users.read", "users.update"])
    before = log(office)
    body = {"username": "ann", "password": PASSWORD, "role": "user"}
    assert office.admin.post("/api/v1/users", json=body).status_code == 409
    assert office.admin.post("/api/v1/users", json=body | {"password": "x"}).status_code == 400
    assert office.admin.patch(url, json={"username": "ann", "role": "user", "isActive": True}).status_code == 200
    assert office.admin.patch(f"{url}/permissions", json={"permissions": ["assets.read"]}).status_code == 200
    assert weak.patch(url, json={"username": "mine"}).status_code == 403
    assert log(office) == before


def test_keys_made_and_revoked_are_entries(office: Office, accounts: Accounts) -> None:
    made = accounts.create_key(office.name, user="robot", role=Role.VIEWER, scopes=["assets.read"])
    entry = newest(office)
    assert (entry["action"], entry["subject"]) == ("key.created", str(made.key_id))
    assert entry["details"] == {"user": "robot", "role": "viewer", "scopes": ["assets.read"]}
    assert (entry["userId"], entry["username"], entry["credential"]) == (None, None, None)
    accounts.revoke_key(made.key_id)
    accounts.revoke_key(made.key_id)
    revoked, before, *_ = log(office)
    assert (revoked["action"], revoked["subject"]) == ("key.revoked", str(made.key_id))
    assert before == entry


def test_the_command_line_writes_the_log_too(office: Office) -> None:
    made = json.loads(office.server.command("keys", "create", "--tenant", office.name, "--json").stdout)
    assert (newest(office)["action"], newest(office)["subject"]) == ("key.created", made["key_id"])
    assert office.server.command("keys", "revoke", made["key_id"]).returncode == 0
    assert (newest(office)["action"], newest(office)["subject"]) == ("key.revoked", made["key_id"])


def test_logins_beyond_the_limit_are_one_entry(office: Office) -> None:
    ann = office.hire("ann")
    attacker = office.stranger()
    before = log(office)
    for _ in range(10):
        assert office.try_login("ann", "guess", attacker).status_code == 401
    assert log(office) == before
    for _ in range(8):
        assert office.try_login("ann", "guess", attacker).status_code == 429
    entry, *older = log(office)
    assert older == before
    assert (entry["action"], entry["subject"], entry["userId"]) == ("login.blocked", ann["id"], None)
    assert set(entry["details"]) == {"address", "name"} and entry["details"]["address"].startswith("127.")


def test_a_name_that_nobody_has_is_not_kept(office: Office) -> None:
    attacker = office.stranger()
    for _ in range(12):
        office.try_login("my secret, typed into the wrong field", "x", attacker)
    entry = newest(office)
    assert (entry["action"], entry["subject"], set(entry["details"])) == ("login.blocked", None, {"address"})


def test_a_refresh_token_used_twice_is_an_entry(office: Office) -> None:
    ann = office.hire("ann")
    token = office.login("ann")["refreshToken"]
    for _ in range(2):
        office.stranger().post("/api/v1/auth/refresh", json={"refreshToken": token})
    assert (newest(office)["action"], newest(office)["subject"]) == ("session.reused", ann["id"])


def test_the_log_is_paged_from_the_newest(office: Office) -> None:
    made = [office.hire()["id"] for _ in range(5)]

    def page(**query: Any) -> dict[str, Any]:
        found: dict[str, Any] = data(office.admin.get(LOG, params=query))
        assert set(found) == {"items", "page", "pageSize", "total"} and found["total"] == 6
        return found

    subjects = [it["subject"] for number in (1, 2, 3) for it in page(page=number, pageSize=2)["items"]]
    assert subjects[:5] == made[::-1] and len(set(subjects)) == 6
    assert page(page=4, pageSize=2)["items"] == []
    assert (page()["page"], page()["pageSize"]) == (1, 20)
    assert (page(page=0, pageSize=1000)["page"], page(page=-1, pageSize=1000)["pageSize"]) == (1, 100)
    assert page(pageSize=0)["pageSize"] == 20
    assert page(page=10**18)["items"] == []
    assert refusal(office.admin.get(LOG, params={"page": "x"})) == (400, "request_invalid")


def test_a_tenant_reads_its_own_log_alone_and_only_with_the_permission(office: Office, other_office: Office) -> None:
    theirs = other_office.hire()
    assert theirs["id"] not in json.dumps(log(office))
    _, client = office.at_work()
    assert refusal(client.get(LOG)) == (403, "auth_forbidden")
    assert refusal(office.stranger().get(LOG)) == (401, "api_key_missing")


def test_no_secret_is_in_any_answer_or_entry_or_in_the_server_s_log(
    office: Office, accounts: Accounts, super_admin: httpx.Client
) -> None:
    spoken: list[str] = []
    secret = ["the first unmistakable secret", "the second unmistakable secret", "a guessed unmistakable secret"]
    ann = office.hire("ann", password=secret[0])
    url = f"/api/v1/users/{ann['id']}"
    session, attacker = office.login("ann", secret[0]), office.stranger()
    spoken += [office.try_login("ann", secret[2], attacker).text for _ in range(12)]
    spoken.append(office.admin.post(f"{url}/reset-password", json={"newPassword": secret[1]}).text)
    spoken.append(office.admin.post(f"{url}/reset-password", json={"newPassword": [secret[1]]}).text)
    spoken.append(office.admin.post("/api/v1/users", json={"username": "ann", "password": secret[0]}).text)
    spoken.append(office.stranger().post("/api/v1/auth/refresh", json={"refreshToken": session["refreshToken"]}).text)
    spoken.append(office.acting(session["accessToken"]).get("/api/v1/auth/me").text)
    key = accounts.create_key(office.name)
    spoken += [office.admin.get(path).text for path in ("/api/v1/users", url, LOG)]
    spoken += [super_admin.get(path).text for path in ("/api/v1/users", LOG, "/api/v1/auth/me")]
    printed = re.sub(r"(?m)^First .*$", "", office.server.log.read_text())
    secret += [session["accessToken"], session["refreshToken"], key.key, ADMIN_KEY, "$argon2", "secret_sha256"]
    for words in secret:
        assert all(words not in it for it in [*spoken, printed])

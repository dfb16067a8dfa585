"""`/api/v1/users`: who may do what to whom (contract, 2.1 and 8; decisions 17)."""

import uuid
from typing import Any

import httpx
import pytest

from mediatheque.core.access import PERMISSIONS
from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.pictures import picture
from tests.surfaces.assets.conftest import PASSWORD, Office, data, refusal

FORBIDDEN = (403, "auth_forbidden")
UNMANAGEABLE = (403, "user_manage_forbidden")
NOT_FOUND = (404, "user_not_found")
ITEM = {"id", "username", "role", "isActive", "permissions", "createdAtUtc", "updatedAtUtc"}
ALL = sorted(PERMISSIONS)


def url(user: dict[str, Any], *more: str) -> str:
    return "/".join(("/api/v1/users", user["id"], *more))


def permit(office: Office, user: dict[str, Any], *permissions: str) -> dict[str, Any]:
    changed: dict[str, Any] = data(office.admin.patch(url(user, "permissions"), json={"permissions": permissions}))
    return changed


def users(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {it["username"]: it for it in data(client.get("/api/v1/users"))}


def test_there_are_nineteen_permissions() -> None:
    assert len(PERMISSIONS) == 19


def test_the_list_is_a_bare_array_newest_first(office: Office) -> None:
    made = [office.hire(f"user-{n}")["id"] for n in range(3)]
    listed = data(office.admin.get("/api/v1/users"))
    assert isinstance(listed, list) and all(set(it) == ITEM for it in listed)
    assert [it["id"] for it in listed][:3] == made[::-1]
    assert len(listed) == 4  # and the user of the admin's key


def test_a_new_user_has_the_rights_of_its_role_and_can_be_fetched(office: Office) -> None:
    answer = office.admin.post("/api/v1/users", json={"username": " ann ", "password": PASSWORD, "role": "user"})
    ann = data(answer, 201)
    assert set(ann) == ITEM | {"lastLoginAtUtc"}
    assert (ann["username"], ann["role"], ann["isActive"]) == ("ann", "user", True)
    assert (ann["permissions"], ann["lastLoginAtUtc"]) == (["assets.read"], None)
    assert answer.headers["location"] == url(ann)
    assert data(office.admin.get(url(ann))) == ann
    assert office.hire(role="admin")["permissions"] == ALL
    office.login("ann")
    assert data(office.admin.get(url(ann)))["lastLoginAtUtc"] is not None


def test_a_new_user_may_begin_disabled_or_with_permissions_of_its_own(office: Office) -> None:
    assert office.hire("ann", isActive=False)["isActive"] is False
    assert refusal(office.try_login("ann")) == (401, "auth_user_inactive")
    assert office.hire(permissions=["assets.read", "users.read", "users.read"])["permissions"] == [
        "assets.read", "users.read"
    ]  # fmt: skip
    assert office.hire(permissions=[])["permissions"] == []


def test_keys_users_show_the_roles_of_this_dialect(office: Office, accounts: Accounts) -> None:
    for role in Role:
        accounts.create_key(office.name, user=role, role=role)
    shown = users(office.admin)
    assert [shown[role]["role"] for role in Role] == ["user", "user", "admin"]
    assert shown["editor"]["permissions"] == ["assets.create", "assets.delete", "assets.read", "assets.update"]
    same = data(office.admin.patch(url(shown["editor"]), json={"role": "user"}))
    assert same == {**shown["editor"], "lastLoginAtUtc": None}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"username": ""}, "user_username_required"),
        ({"username": "  "}, "user_username_required"),
        ({"username": "a/b"}, "user_username_invalid"),
        ({"username": "a\nb"}, "user_username_invalid"),
        ({"username": "a\0"}, "user_username_invalid"),
        ({"username": "a\u202eb"}, "user_username_invalid"),
        ({"username": "x" * 101}, "user_username_invalid"),
        ({"password": ""}, "user_password_required"),
        ({"password": " " * 12}, "user_password_required"),
        ({"password": "1234567"}, "user_password_too_short"),
        ({"password": "x" * 257}, "user_password_too_long"),
        ({"password": "12345678\0"}, "user_password_invalid"),
        ({"username": "ann-marie", "password": "Ann-Marie"}, "user_password_invalid"),
        ({"permissions": ["assets.read", "assets.everything"]}, "user_permissions_invalid"),
        ({"role": "owner"}, "request_invalid"),
        ({"role": None}, "request_invalid"),
        ({"password": None}, "request_invalid"),
        ({"password": 12345678}, "request_invalid"),
        ({"permissions": "assets.read"}, "request_invalid"),
    ],
)
def test_a_user_that_cannot_be_made_is_refused_with_the_reason(office: Office, body: dict[str, Any], code: str) -> None:
    answer = office.admin.post("/api/v1/users", json={"username": "ann", "password": PASSWORD, "role": "user"} | body)
    assert refusal(answer) == (400, code)
    assert len(users(office.admin)) == 1
    assert not body.get("password") or str(body["password"]).strip() == "" or str(body["password"]) not in answer.text


def test_a_name_is_taken_once_in_a_tenant(office: Office, other_office: Office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    other_office.hire("ann")
    taken = (409, "user_username_conflict")
    body = {"username": "ann", "password": PASSWORD, "role": "user"}
    assert refusal(office.admin.post("/api/v1/users", json=body)) == taken
    assert refusal(office.admin.patch(url(bob), json={"username": "ann"})) == taken
    assert data(office.admin.patch(url(ann), json={"username": "ann"}))["username"] == "ann"
    assert set(users(office.admin)) >= {"ann", "bob"}


def test_a_change_sets_what_it_names_and_leaves_the_rest(office: Office) -> None:
    ann = office.hire("ann")
    renamed = data(office.admin.patch(url(ann), json={"username": "anna"}))
    assert renamed == ann | {"username": "anna", "updatedAtUtc": renamed["updatedAtUtc"]}
    assert renamed["updatedAtUtc"] > ann["updatedAtUtc"]
    assert office.login("anna")["user"]["id"] == ann["id"]
    promoted = data(office.admin.patch(url(ann), json={"username": "anna", "role": "admin", "isActive": True}))
    assert (promoted["role"], promoted["permissions"]) == ("admin", ALL)
    demoted = data(office.admin.patch(url(ann), json={"role": "user"}))
    assert (demoted["role"], demoted["permissions"]) == ("user", ["assets.read"])


@pytest.mark.parametrize(
    "body",
    [{}, {"username": None, "role": None, "isActive": None}, {"role": "user"}, {"isActive": True},
     {"id": "x", "tenantId": 1, "permissions": ALL, "passwordHash": "x", "createdAtUtc": "2000-01-01",
      "rank": "operator"}],
)  # fmt: skip
def test_a_change_to_nothing_leaves_everything(office: Office, body: dict[str, Any]) -> None:
    ann = office.hire()
    assert data(office.admin.patch(url(ann), json=body)) == ann == data(office.admin.get(url(ann)))


def test_another_role_brings_its_own_rights(office: Office) -> None:
    ann = office.hire()
    permit(office, ann, "users.read", "settings.read")
    office.admin.patch(url(ann), json={"role": "admin"})
    assert data(office.admin.patch(url(ann), json={"role": "user"}))["permissions"] == ["assets.read"]


CALLS: dict[str, list[tuple[str, str, Any]]] = {
    "users.read": [("GET", "/api/v1/users", None), ("GET", "/api/v1/users/{id}", None)],
    "users.create": [("POST", "/api/v1/users", {"username": "new", "password": PASSWORD, "permissions": []})],
    "users.update": [
        ("PATCH", "/api/v1/users/{id}", {"username": "renamed"}),
        ("PATCH", "/api/v1/users/{id}", {}),
        ("POST", "/api/v1/users/{id}/reset-password", {"newPassword": "quite another one"}),
    ],
    "users.disable": [("PATCH", "/api/v1/users/{id}", {"isActive": False})],
    "users.managePermissions": [("PATCH", "/api/v1/users/{id}/permissions", {"permissions": []})],
    "settings.read": [("GET", "/api/v1/system/audit", None)],
}
"""What each permission opens, of the routes that this file knows."""


@pytest.mark.parametrize("permission", CALLS)
def test_a_route_opens_for_its_permission_and_for_no_other(office: Office, permission: str) -> None:
    weak = office.hire(permissions=[])
    needed = {permission, "users.managePermissions"} if permission == "users.create" else {permission}
    holder, with_it = office.at_work(permissions=sorted(needed))
    lacking, without = office.at_work(permissions=sorted(PERMISSIONS - {permission}))
    assert (holder["permissions"], lacking["permissions"]) == (sorted(needed), sorted(PERMISSIONS - {permission}))
    for method, path, body in CALLS[permission]:
        place = path.replace("{id}", weak["id"])
        assert refusal(without.request(method, place, json=body)) == FORBIDDEN
        answer = with_it.request(method, place, json=body)
        assert answer.is_success, answer.text


def test_permissions_say_what_a_user_may_do_on_the_other_surfaces(office: Office) -> None:
    user, client = office.at_work(permissions=[])

    def statuses() -> tuple[int, int, int]:
        file = {"file": ("photo.jpg", picture("JPEG"))}
        return (
            client.get("/v3/images").status_code,
            client.post("/v3/images", files=file).status_code,
            client.post("/v1/uploads", files=file).status_code,
        )

    assert statuses() == (403, 403, 403)
    permit(office, user, "assets.read")
    assert statuses() == (200, 403, 403)
    permit(office, user, "assets.read", "assets.create")
    assert statuses() == (200, 403, 200)
    permit(office, user, "assets.read", "assets.create", "assets.update", "assets.delete")
    assert statuses() == (200, 201, 200)
    permit(office, user, "users.read")
    assert statuses() == (403, 403, 403)


def test_a_key_never_holds_more_than_its_user(office: Office, accounts: Accounts) -> None:
    user = office.hire(permissions=["assets.read", "users.read"])
    wide, narrow = (
        office.acting(accounts.create_key(office.name, user=user["username"], role=role).key)
        for role in (Role.ADMIN, Role.VIEWER)
    )
    assert wide.get("/api/v1/users").status_code == 200
    assert refusal(wide.get("/api/v1/system/audit")) == FORBIDDEN
    assert refusal(narrow.get("/api/v1/users")) == FORBIDDEN
    assert narrow.get("/v3/images").status_code == 200
    permit(office, user, "assets.read")
    assert refusal(wide.get("/api/v1/users")) == FORBIDDEN


def test_nobody_raises_their_own_rights(office: Office) -> None:
    user, client = office.at_work(
        permissions=["users.read", "users.create", "users.update", "users.disable", "users.managePermissions"]
    )
    assert refusal(client.patch(url(user, "permissions"), json={"permissions": ALL})) == UNMANAGEABLE
    assert refusal(client.patch(url(user), json={"role": "admin"})) == UNMANAGEABLE
    assert refusal(client.patch(url(user), json={"isActive": False})) == UNMANAGEABLE
    body = {"username": "puppet", "password": PASSWORD, "role": "user"}
    assert refusal(client.post("/api/v1/users", json=body | {"role": "admin"})) == UNMANAGEABLE
    assert refusal(client.post("/api/v1/users", json=body | {"permissions": ["settings.read"]})) == UNMANAGEABLE
    assert refusal(client.post("/api/v1/users", json=body)) == UNMANAGEABLE  # its role may read assets, this user not
    puppet = data(client.post("/api/v1/users", json=body | {"permissions": ["users.read"]}), 201)
    assert refusal(client.patch(url(puppet, "permissions"), json={"permissions": ALL})) == UNMANAGEABLE
    assert refusal(client.patch(url(puppet), json={"role": "admin"})) == UNMANAGEABLE
    assert data(client.get(url(user))) == data(office.admin.get(url(user)))
    assert data(office.admin.get(url(user)))["permissions"] == user["permissions"]


def test_nobody_takes_over_an_account_that_may_do_more(office: Office) -> None:
    chief = office.hire(role="admin")
    _, client = office.at_work(permissions=["users.update", "users.disable", "users.managePermissions"])
    assert refusal(client.post(url(chief, "reset-password"), json={"newPassword": "mine from now"})) == UNMANAGEABLE
    assert refusal(client.patch(url(chief), json={"isActive": False})) == UNMANAGEABLE
    assert refusal(client.patch(url(chief), json={"role": "user"})) == UNMANAGEABLE
    assert refusal(client.patch(url(chief), json={"username": "nobody"})) == UNMANAGEABLE
    assert refusal(client.patch(url(chief, "permissions"), json={"permissions": []})) == UNMANAGEABLE
    assert office.login(chief["username"])["user"]["permissions"] == ALL


def test_every_permission_does_not_make_an_admin(office: Office) -> None:
    chief = office.hire(role="admin")
    user, client = office.at_work(permissions=ALL)
    assert user["role"] == "user"
    body = {"username": "another", "password": PASSWORD, "role": "admin"}
    assert refusal(client.post("/api/v1/users", json=body)) == UNMANAGEABLE
    assert refusal(client.post(url(chief, "reset-password"), json={"newPassword": "mine from now"})) == UNMANAGEABLE


def test_an_admin_is_not_demoted_or_disabled_by_itself(office: Office) -> None:
    user, client = office.at_work(role="admin")
    assert refusal(client.patch(url(user), json={"role": "user"})) == UNMANAGEABLE
    assert refusal(client.patch(url(user), json={"isActive": False})) == UNMANAGEABLE
    assert refusal(client.patch(url(user, "permissions"), json={"permissions": ["assets.read"]})) == UNMANAGEABLE
    assert data(client.patch(url(user), json={"username": user["username"] + "-x"}))["role"] == "admin"


def test_the_super_admin_stays_what_it_is(server: Any, accounts: Accounts, super_admin: httpx.Client) -> None:
    me = data(super_admin.get("/api/v1/auth/me"))
    assert (me["role"], me["permissions"]) == ("superAdmin", ALL)
    body = {"username": f"deputy-{uuid.uuid4().hex[:8]}", "password": PASSWORD}
    with server.client(accounts.create_key("default", role=Role.ADMIN).key) as admin:
        for client in (super_admin, server.client(), admin):
            assert refusal(client.patch(url(me), json={"role": "admin"})) == UNMANAGEABLE
            assert refusal(client.patch(url(me), json={"isActive": False})) == UNMANAGEABLE
            assert refusal(client.patch(url(me, "permissions"), json={"permissions": []})) == UNMANAGEABLE
            assert refusal(client.post("/api/v1/users", json=body | {"role": "superAdmin"})) == UNMANAGEABLE
        assert refusal(admin.post(url(me, "reset-password"), json={"newPassword": "mine from now"})) == UNMANAGEABLE
        assert refusal(admin.patch(url(me), json={"username": "mine"})) == UNMANAGEABLE
    same = {"username": me["username"], "role": "superAdmin", "isActive": True}
    assert data(super_admin.patch(url(me), json=same))["role"] == "superAdmin"
    deputy = data(super_admin.post("/api/v1/users", json=body | {"role": "admin"}), 201)
    assert refusal(super_admin.patch(url(deputy), json={"role": "superAdmin"})) == UNMANAGEABLE
    assert [it["role"] for it in users(super_admin).values()].count("superAdmin") == 1


@pytest.mark.parametrize("kind", ["of another tenant", "of nobody", "that is none"])
def test_a_user_that_is_not_there_answers_404_alike(office: Office, other_office: Office, kind: str) -> None:
    foreign = other_office.hire()
    user = {"id": {"of another tenant": foreign["id"], "of nobody": str(uuid.uuid4()), "that is none": "x"}[kind]}
    answers = [
        office.admin.get(url(user)),
        office.admin.patch(url(user), json={"username": "mine", "isActive": False}),
        office.admin.patch(url(user, "permissions"), json={"permissions": []}),
        office.admin.post(url(user, "reset-password"), json={"newPassword": "mine from now"}),
    ]
    assert [refusal(it) for it in answers] == [NOT_FOUND] * 4
    assert {it.json()["error"]["message"] for it in answers} == {"User not found"}
    assert data(other_office.admin.get(url(foreign))) == foreign
    assert foreign["username"] not in users(office.admin)


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "user_password_required"), ("short", "user_password_too_short"), ("x" * 257, "user_password_too_long"),
     ("ann-marie", "user_password_invalid")],
)  # fmt: skip
def test_a_new_password_keeps_the_rules(office: Office, password: str, code: str) -> None:
    ann = office.hire("ann-marie")
    answer = office.admin.post(url(ann, "reset-password"), json={"newPassword": password})
    assert refusal(answer) == (400, code)
    assert office.login("ann-marie")["user"]["id"] == ann["id"]


def test_who_changes_their_own_password_logs_in_anew(office: Office) -> None:
    user, client = office.at_work(role="admin")
    assert data(client.post(url(user, "reset-password"), json={"newPassword": "quite another one"}))
    assert refusal(client.get("/api/v1/auth/me")) == (401, "auth_unauthorized")
    assert office.login(user["username"], "quite another one")["user"]["id"] == user["id"]


def test_no_route_answers_without_a_credential(office: Office) -> None:
    user, client = office.hire(), office.stranger()
    for calls in CALLS.values():
        for method, path, body in calls:
            answer = client.request(method, path.replace("{id}", user["id"]), json=body)
            assert refusal(answer) == (401, "api_key_missing")
            assert answer.headers["www-authenticate"] == "Bearer"

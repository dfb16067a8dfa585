"""`/api/v1/auth`: login, refresh, logout, me, and what ends a session (contract, 2.1 and 2.8; decisions 16 to 18)."""

import statistics
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import text

from mediatheque.core.accounts import Accounts
from mediatheque.core.tokens import Tokens
from tests.support import SECRET, own_address
from tests.surfaces.assets.conftest import PASSWORD, Office, data, refusal

INVALID = (401, "auth_invalid_credentials")
REUSED = (401, "auth_refresh_token_reused")
ENDED = (401, "auth_refresh_token_invalid")
LIMITED = (429, "rate_limit_exceeded")


def refresh(office: Office, token: str) -> httpx.Response:
    return office.stranger().post("/api/v1/auth/refresh", json={"refreshToken": token})


def me(office: Office, token: str) -> httpx.Response:
    return office.acting(token).get("/api/v1/auth/me")


def until_limited(answers: Iterable[httpx.Response]) -> list[tuple[int, str]]:
    """Refusals up to the first for too many: where a minute ends in between, the counting begins anew."""
    refusals = list[tuple[int, str]]()
    for answer in answers:
        refusals.append(refusal(answer))
        if refusals[-1] == LIMITED:
            break
    return refusals


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def test_a_login_answers_two_tokens_and_the_user(office: Office) -> None:
    user = office.hire("ann")
    before = datetime.now(UTC)
    answer = office.try_login("ann")
    session = data(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert set(session) == {
        "accessToken", "refreshToken", "accessTokenExpiresAtUtc", "refreshTokenExpiresAtUtc", "user"
    }  # fmt: skip
    assert session["user"] == {
        "id": user["id"], "username": "ann", "role": "user", "isActive": True, "permissions": ["assets.read"]
    }  # fmt: skip
    access, longer = (moment(session[f"{it}TokenExpiresAtUtc"]) - before for it in ("access", "refresh"))
    assert timedelta(minutes=14.9) < access < timedelta(minutes=15.5)
    assert timedelta(days=29.9) < longer < timedelta(days=30.1)
    assert session["accessToken"].count(".") == 2 and "." not in session["refreshToken"]
    claims = jwt.decode(session["accessToken"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900


def test_me_is_the_user_behind_a_token_and_behind_a_key(office: Office, accounts: Accounts) -> None:
    session = office.login(office.hire("ann")["username"])
    assert data(me(office, session["accessToken"])) == session["user"]
    narrow = accounts.create_key(office.name, user="ann", scopes=["assets.read"])
    assert data(me(office, narrow.key)) == session["user"]


def test_an_access_token_works_on_the_other_surfaces_too(office: Office) -> None:
    _, client = office.at_work()
    assert client.get("/v3/images").status_code == 200
    assert client.get("/v3/images").json()["total"] == 0


def test_a_name_alone_is_one_of_the_default_tenant(office: Office, super_admin: httpx.Client) -> None:
    office.hire("ann")
    body = {"username": "ann", "password": PASSWORD}
    assert refusal(office.stranger().post("/api/v1/auth/login", json=body)) == INVALID
    assert data(super_admin.get("/api/v1/auth/me"))["role"] == "superAdmin"


def test_the_same_name_in_two_tenants_is_two_people(office: Office, other_office: Office) -> None:
    mine, theirs = office.hire("ann"), other_office.hire("ann", password="another password")
    assert office.login("ann")["user"]["id"] == mine["id"]
    assert other_office.login("ann", "another password")["user"]["id"] == theirs["id"]
    assert refusal(office.try_login("ann", "another password")) == INVALID


def test_a_wrong_name_and_a_wrong_password_answer_alike(office: Office, accounts: Accounts) -> None:
    office.hire("ann")
    accounts.create_key(office.name, user="without-password")
    answers = [
        office.try_login("ann", "not the password"),
        office.try_login("nobody"),
        office.try_login("without-password"),
        office.stranger().post("/api/v1/auth/login", json={"username": "no-such-tenant/ann", "password": PASSWORD}),
    ]
    for answer in answers:
        assert refusal(answer) == INVALID
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1


def test_time_does_not_tell_whether_a_name_exists(office: Office) -> None:
    office.hire("ann")

    def seconds(name: str) -> float:
        client = office.stranger()
        client.get("/api/v1/system/ping")
        started = time.perf_counter()
        assert refusal(office.try_login(name, "not the password", client)) == INVALID
        return time.perf_counter() - started

    seconds("nobody")
    pairs = [(seconds("ann"), seconds("nobody")) for _ in range(7)]
    known, unknown = (statistics.median(it) for it in zip(*pairs, strict=True))
    assert 1 / 3 < known / unknown < 3  # without a hash to check, an unknown name answers some twenty times faster


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"username": "a"}, {"password": "a"}, {"username": 1, "password": "a"},
     {"username": "a", "password": None}, {"username": "a\0b", "password": "a"},
     {"username": "a" * 600, "password": "x"}],
)  # fmt: skip
def test_a_login_that_cannot_be_read_answers_400(office: Office, body: Any) -> None:
    assert refusal(office.stranger().post("/api/v1/auth/login", json=body)) == (400, "request_invalid")


def test_a_password_of_strange_characters_is_merely_wrong(office: Office) -> None:
    headers = {"content-type": "application/json"}
    for password in ('"\\u0000"', '"\\ud800"', '""', f'"{"x" * 100_000}"'):
        body = f'{{"username": "{office.name}/ann", "password": {password}}}'
        answer = office.stranger().post("/api/v1/auth/login", content=body, headers=headers)
        assert refusal(answer) == INVALID


def test_a_password_is_the_same_however_its_characters_are_composed(office: Office) -> None:
    office.hire("ann", password="caf\u00e9 au lait")
    assert office.login("ann", "cafe\u0301 au lait")


def test_an_expired_access_token_says_so(office: Office) -> None:
    user = office.hire()
    tokens = Tokens(tuple(SECRET.split()), None)
    expired = tokens.issue(uuid.UUID(user["id"]), lifetime_seconds=-60)
    assert refusal(me(office, expired)) == (401, "auth_token_expired")
    assert refusal(me(office, tokens.issue(uuid.uuid4()))) == (401, "auth_user_not_found")
    assert refusal(me(office, "a.b.c")) == (401, "auth_unauthorized")
    assert refusal(office.stranger().get("/api/v1/auth/me")) == (401, "api_key_missing")


def test_a_refresh_token_gives_the_next_pair(office: Office) -> None:
    session = office.login(office.hire()["username"])
    for _ in range(3):
        following = data(refresh(office, session["refreshToken"]))
        assert set(following) == set(session) and following["user"] == session["user"]
        assert following["refreshToken"] != session["refreshToken"]
        assert data(me(office, following["accessToken"])) == session["user"]
        session = following


def test_a_refresh_token_used_twice_ends_everything_that_follows_from_its_login(office: Office) -> None:
    name = office.hire()["username"]
    first, elsewhere = office.login(name), office.login(name)
    second = data(refresh(office, first["refreshToken"]))
    third = data(refresh(office, second["refreshToken"]))
    assert refusal(refresh(office, first["refreshToken"])) == REUSED
    assert refusal(refresh(office, third["refreshToken"])) == ENDED
    assert refusal(refresh(office, second["refreshToken"])) == REUSED
    assert data(refresh(office, elsewhere["refreshToken"]))["user"]["username"] == name


def test_of_two_refreshes_at_the_same_moment_one_succeeds_and_the_session_ends(office: Office) -> None:
    name = office.hire()["username"]
    for _ in range(4):
        token = office.login(name)["refreshToken"]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda it: refresh(office, it), [token] * 2))
        [winner] = [it for it in answers if it.status_code == 200]
        [loser] = [it for it in answers if it.status_code != 200]
        assert refusal(loser) == REUSED
        assert refusal(refresh(office, data(winner)["refreshToken"])) == ENDED


def test_a_logout_ends_that_session_and_no_other(office: Office) -> None:
    name = office.hire()["username"]
    session, other = office.login(name), office.login(name)
    following = data(refresh(office, session["refreshToken"]))
    client = office.acting(following["accessToken"])
    for token in (following["refreshToken"], following["refreshToken"], "unknown"):
        answer = client.post("/api/v1/auth/logout", json={"refreshToken": token})
        assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(refresh(office, following["refreshToken"])) == ENDED
    assert data(refresh(office, other["refreshToken"]))["user"]["username"] == name


def test_an_expired_refresh_token_says_so(office: Office, accounts: Accounts) -> None:
    session = office.login(office.hire()["username"])
    with accounts._database.write() as tx:
        tx.execute(
            text(
                "UPDATE refresh_token SET expires_at = 1 WHERE user_id = (SELECT id FROM user_account WHERE name = :n)"
            ),
            {"n": session["user"]["username"]},
        )
    assert refusal(refresh(office, session["refreshToken"])) == (401, "auth_refresh_token_expired")


def test_each_token_is_good_for_its_own_purpose_alone(office: Office) -> None:
    session = office.login(office.hire()["username"])
    for token in (session["accessToken"], "mt_refresh_" + "x" * 40, "", "\0"):
        assert refusal(refresh(office, token)) == ENDED
    assert refusal(me(office, session["refreshToken"])) == (401, "api_key_invalid")


def test_a_disabled_user_is_out_at_once_and_old_sessions_stay_ended(office: Office) -> None:
    user = office.hire()
    session = office.login(user["username"])
    client, url = office.acting(session["accessToken"]), f"/api/v1/users/{user['id']}"
    assert client.get("/api/v1/auth/me").status_code == 200
    assert data(office.admin.patch(url, json={"isActive": False}))["isActive"] is False
    inactive = (401, "auth_user_inactive")
    assert refusal(client.get("/api/v1/auth/me")) == inactive
    assert client.get("/v3/images").status_code == 401
    assert refusal(refresh(office, session["refreshToken"])) == inactive
    assert refusal(office.try_login(user["username"])) == inactive
    assert refusal(office.try_login(user["username"], "not the password")) == INVALID
    assert data(office.admin.patch(url, json={"isActive": True}))["isActive"] is True
    assert refusal(client.get("/api/v1/auth/me")) == (401, "auth_unauthorized")
    assert refusal(refresh(office, session["refreshToken"])) == ENDED
    assert office.login(user["username"])["user"]["isActive"] is True


def test_a_disabled_user_s_key_is_refused_at_once(office: Office, accounts: Accounts) -> None:
    user = office.hire()
    client = office.acting(accounts.create_key(office.name, user=user["username"]).key)
    assert client.get("/v3/images").status_code == 200
    office.admin.patch(f"/api/v1/users/{user['id']}", json={"isActive": False})
    assert client.get("/v3/images").status_code == 401


def test_another_role_counts_at_once(office: Office) -> None:
    user, client = office.at_work(role="admin")
    assert client.get("/api/v1/users").status_code == 200
    office.admin.patch(f"/api/v1/users/{user['id']}", json={"role": "user"})
    assert refusal(client.get("/api/v1/users")) == (403, "auth_forbidden")
    office.admin.patch(f"/api/v1/users/{user['id']}", json={"role": "admin"})
    assert client.get("/api/v1/users").status_code == 200


def test_another_password_ends_every_session(office: Office) -> None:
    user = office.hire()
    session = office.login(user["username"])
    url = f"/api/v1/users/{user['id']}/reset-password"
    assert data(office.admin.post(url, json={"newPassword": "quite another one"}))["id"] == user["id"]
    assert refusal(me(office, session["accessToken"])) == (401, "auth_unauthorized")
    assert refusal(refresh(office, session["refreshToken"])) == ENDED
    assert refusal(office.try_login(user["username"])) == INVALID
    assert data(me(office, office.login(user["username"], "quite another one")["accessToken"]))["id"] == user["id"]


def test_guesses_at_one_name_end_with_429_and_disturb_nobody_else(office: Office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    attacker = office.stranger()
    key = office.admin.headers["authorization"]
    guesses = [office.try_login("ann", f"guess {n}", attacker) for n in range(14)]
    answered = [refusal(it) for it in guesses]
    assert answered[:10] == [INVALID] * 10 and answered[-1] == LIMITED and set(answered) == {INVALID, LIMITED}
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 61  # a minute and what is left of a second
    assert refusal(office.try_login("ann", client=attacker)) == LIMITED  # the right password does not tell itself apart
    assert office.login("ann")["user"]["id"] == ann["id"]
    assert data(office.try_login("bob", client=attacker))["user"]["id"] == bob["id"]
    assert attacker.get("/v3/images", headers={"Authorization": key}).status_code == 200


def test_good_logins_are_not_counted(office: Office) -> None:
    office.hire("ann")
    client = office.stranger()
    for _ in range(4):
        for _ in range(4):
            assert refusal(office.try_login("ann", "not the password", client)) == INVALID
        assert office.try_login("ann", client=client).status_code == 200


def test_guesses_at_many_names_from_one_address_end_with_429_and_a_good_login_from_there_goes_on(
    office: Office,
) -> None:
    office.hire("ann")
    attacker = office.stranger()
    answered = until_limited(office.try_login(f"name-{n}", "guess", attacker) for n in range(130))
    assert answered[:60] == [INVALID] * 60 and answered[-1] == LIMITED
    assert office.try_login("ann", client=attacker).status_code == 200


def test_guesses_at_one_name_from_many_addresses_end_with_429(office: Office) -> None:
    office.hire("ann")
    clients = [office.stranger() for _ in range(14)]
    answered = until_limited(office.try_login("ann", "guess", client) for client in clients for _ in range(9))
    assert answered[:50] == [INVALID] * 50 and answered[-1] == LIMITED


def test_a_flood_of_logins_is_refused_at_once_and_leaves_the_others_alone(office: Office) -> None:
    clients = [office.stranger() for _ in range(24)]
    for client in clients:
        client.get("/api/v1/system/ping")
    with ThreadPoolExecutor(len(clients)) as pool:
        flood = [pool.submit(office.try_login, f"name-{n}", "guess", client) for n, client in enumerate(clients)]
        assert office.admin.get("/v3/images").status_code == 200
        answers = [it.result() for it in flood]
    refused = [it for it in answers if it.status_code != 401]
    assert {refusal(it) for it in refused} <= {(503, "service_unavailable")}
    assert all("retry-after" in it.headers for it in refused)


def test_invented_refresh_tokens_end_with_429(office: Office) -> None:
    client = office.stranger()
    answered = until_limited(
        client.post("/api/v1/auth/refresh", json={"refreshToken": f"mt_refresh_{n}"}) for n in range(130)
    )
    assert answered[0] == ENDED and answered[-1] == LIMITED


def test_only_hashes_of_passwords_and_tokens_are_kept(office: Office, accounts: Accounts) -> None:
    user = office.hire("ann", password="unmistakable words")
    session = office.login("ann", "unmistakable words")
    with accounts._database.read() as tx:
        query = text("SELECT password_hash FROM user_account WHERE name = 'ann' AND password_hash IS NOT NULL")
        assert all(kept.startswith("$argon2id$") for kept in tx.execute(query).scalars())
        tables = [
            tx.execute(text(f"SELECT * FROM {table}")).all() for table in ("user_account", "refresh_token", "audit")
        ]
    everything = repr(tables)
    assert user["username"] in everything
    for secret in ("unmistakable words", session["refreshToken"], session["accessToken"]):
        assert secret not in everything and repr(secret.encode()) not in everything


def test_what_a_console_asks_first_needs_no_credential(office: Office) -> None:
    client = office.stranger()
    bootstrap = data(client.get("/api/v1/system/bootstrap"))
    assert bootstrap == {
        "apiKeyRequired": True,
        "maxUploadSizeBytes": 10485760,
        "allowedContentTypes": ["image/gif", "image/jpeg", "image/png", "image/webp"],
    }
    ping = data(client.get("/api/v1/system/ping"))
    assert set(ping) == {"status", "timestampUtc"} and ping["status"] == "ok"
    client.headers["Authorization"] = "Bearer nonsense"
    assert data(client.get("/api/v1/system/bootstrap")) == bootstrap


def test_the_document_tells_open_routes_from_those_behind_a_credential(office: Office) -> None:
    paths = office.stranger().get("/openapi.json").json()["paths"]
    for path in ("auth/login", "auth/refresh", "auth/logout"):
        assert paths[f"/api/v1/{path}"]["post"]["security"] == []
    assert paths["/api/v1/system/bootstrap"]["get"]["security"] == []
    assert paths["/api/v1/auth/me"]["get"]["security"] == [{"bearer": []}]
    assert paths["/api/v1/users"]["post"]["security"] == [{"bearer": []}]


def test_an_address_of_its_own_is_no_credential(office: Office) -> None:
    forged = {"X-Forwarded-For": own_address()}
    client = office.stranger()
    office.hire("ann")
    body = {"username": f"{office.name}/ann", "password": "guess"}
    answered = [
        refusal(client.post("/api/v1/auth/login", json=body, headers=forged | {"X-Real-IP": own_address()}))
        for _ in range(13)
    ]
    assert answered[-1] == LIMITED

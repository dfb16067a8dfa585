"""Rate limits, failed credentials, the storage quota and CORS: what a server is configured to (running.md)."""

import time
from collections.abc import Iterator

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.records.engine import Database
from tests.pictures import picture
from tests.support import ADMIN_KEY, Server, own_address, upload

RATE = 20
QUOTA_BYTES = 100_000
ORIGIN = "https://app.example"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def limited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"MEDIATHEQUE_RATE_LIMIT": f"{RATE}/hour", "MEDIATHEQUE_STORAGE_QUOTA": str(QUOTA_BYTES),
                   "MEDIATHEQUE_CORS_ORIGINS": f"{ORIGIN}, https://second.example",
                   "MEDIATHEQUE_PUBLIC_URL": "https://media.example/base/"}  # fmt: skip
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp("limited") / "data", environment, ("--no-workers",)).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def key(limited: Server) -> Iterator[str]:
    url = limited.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{limited.data_dir / 'mediatheque.db'}"
    database = Database(url)
    yield Accounts(database).create_key(f"tenant-{time.time_ns()}").key
    database.close()


def test_every_answer_to_a_credential_tells_what_is_left_and_the_last_is_429(limited: Server, key: str) -> None:
    asks = ["/v3/images", "/v3/images/x", "/v3/images?page=x", "/v3/images/folders"]
    with limited.client(key) as client:
        for used in range(1, RATE + 1):
            answer = client.get(asks[used % len(asks)])
            assert answer.status_code in {200, 404, 422}
            assert answer.headers["x-ratelimit-limit"] == str(RATE)
            assert answer.headers["x-ratelimit-remaining"] == str(RATE - used)
            assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 3601
            assert "retry-after" not in answer.headers
        asked_at = int(time.time())
        refused = client.get("/v3/images")
        answered_at = int(time.time())
        assert (refused.status_code, refused.json()) == (429, {"detail": "Rate limit exceeded"})
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["cache-control"] == "no-store"
        told_at = int(refused.headers["x-ratelimit-reset"]) - int(refused.headers["retry-after"])
        assert asked_at <= told_at <= answered_at
        post = client.post("/v3/images", files={"file": ("a.png", picture("PNG"))})
        assert post.status_code == 429
        for spoof in ({"X-Forwarded-For": "9.9.9.9"}, {"X-Real-IP": "9.9.9.9"}, {"Forwarded": "for=9.9.9.9"}):
            assert client.get("/v3/images", headers=spoof).status_code == 429
    with limited.client(ADMIN_KEY) as client:
        assert client.get("/v3/images").status_code == 200
    with limited.client(None) as client:
        assert client.get("/health/live").status_code == 200


def test_a_missing_scope_and_an_unknown_method_are_counted_or_free_but_never_an_error(
    limited: Server, key: str
) -> None:
    with limited.client(key) as client:
        assert client.put("/v3/images").status_code == 405
        assert client.get("/v3/nothing").status_code == 404


def test_bad_credentials_are_refused_from_the_61st_in_a_minute_and_good_ones_are_not(limited: Server, key: str) -> None:
    address = own_address()
    with limited.client(None, address=address) as client:
        statuses, refused = _guessed(client)
        assert statuses[:60] == [401] * 60
        assert refused.json() == {"detail": "Rate limit exceeded"}
        assert int(refused.headers["retry-after"]) <= 61
        spoofed = client.get("/v3/images", headers={"Authorization": "Bearer x", "X-Forwarded-For": own_address()})
        assert spoofed.status_code == 429
        assert client.get("/v3/images").status_code == 401  # none at all is no guess
        assert client.get("/v3/images", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    with limited.client("x", address=own_address()) as client:
        assert client.get("/v3/images").status_code == 401


def _guessed(client: httpx.Client) -> tuple[list[int], httpx.Response]:
    """Statuses of one guess after another, up to a refusal that holds for some seconds more.

    Where a minute ends in between, the counting begins anew: so two minutes' worth of guesses may pass, no more.
    """
    statuses: list[int] = []
    for number in range(200):
        answer = client.get("/v3/images", headers={"Authorization": f"Bearer mt_live_{number:040d}"})
        statuses.append(answer.status_code)
        if answer.status_code == 429 and int(answer.headers["retry-after"]) > 5:
            return statuses, answer
    raise AssertionError(f"{len(statuses)} guesses, and {statuses.count(429)} of them refused")


def test_a_tenant_at_its_quota_is_refused_and_others_are_not(limited: Server, key: str) -> None:
    data = picture("PNG")
    big = data + b"\0" * (60_000 - len(data))
    with limited.client(key) as client:
        image = upload(client, big, "a.png")
        refused = client.post("/v3/images", files={"file": ("b.png", big)})
        assert (refused.status_code, refused.json()) == (413, {"detail": "Storage quota exceeded"})
        assert client.get("/v3/images").json()["total"] == 1
        upload(client, data + b"\0" * (QUOTA_BYTES - 60_000 - len(data)), "c.png")  # to the last byte
        assert client.post("/v3/images", files={"file": ("d.png", data)}).status_code == 413
        assert client.delete(f"/v3/images/{image['id']}").status_code == 204
        upload(client, big, "e.png")
    with limited.client(ADMIN_KEY) as client:
        assert client.delete(f"/v3/images/{upload(client)['id']}").status_code == 204


def preflight(server: Server, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH",
               "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"}  # fmt: skip
    with server.client(None) as client:
        return client.options("/v3/images/x", headers=headers)


@pytest.mark.parametrize("origin", [ORIGIN, "https://second.example"])
def test_a_named_origin_may_call_the_api(limited: Server, key: str, origin: str) -> None:
    asked = preflight(limited, origin)
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == origin
    with limited.client(key) as client:
        answer = client.get("/v3/images", headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_named_origin_may_use_the_tools_and_read_media_too(limited: Server, key: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
               "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version"}  # fmt: skip
    asked = httpx.options(f"{limited.url}/mcp", headers=headers, timeout=30)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ORIGIN)
    with limited.client(key) as client:
        answer = client.get("/mcp", headers={"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        strange = client.get("/mcp", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in strange.headers
        for path in ("/media/none", "/i/none", "/content/none"):
            assert client.get(path, headers={"Origin": ORIGIN}).headers["access-control-allow-origin"] == "*", path


@pytest.mark.parametrize("origin", ["null", "https://evil.example", f"{ORIGIN}.evil.example", "http://app.example"])
def test_no_other_origin_is_ever_named(limited: Server, key: str, origin: str) -> None:
    with limited.client(key) as client:
        answers = client.get("/v3/images", headers={"Origin": origin}), preflight(limited, origin)
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers


def test_urls_handed_out_know_only_the_configured_base(limited: Server, key: str) -> None:
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "ftp",
        "Forwarded": "host=e",
    }
    with limited.client(key) as client:
        image = client.post("/v3/images", files={"file": ("a.png", picture("PNG"))}, headers=evil).json()
        assert image["url"] == f"https://media.example/base/i/{image['id']}"
        assert image["thumbnail_url"] == f"{image['url']}?variant=thumbnail"
        for absolute in (f"GET http://evil.example/v3/images/{image['id']} HTTP/1.1", "GET v3/images HTTP/1.1"):
            answer = limited.exchange(
                f"{absolute}\r\nHost: evil.example\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n".encode()
            )
            assert b"evil.example" not in answer
            assert answer.split()[1] in {b"200", b"400", b"404"}

"""Access tokens: our own, and those of an outside issuer with a key set (running.md; safety, E2 and E3)."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.conftest import Tenant
from tests.support import ADMIN_KEY, SECRET, Server, own_address, upload

NEWEST, OLDER = SECRET.split()
ISSUER, AUDIENCE = "https://login.example", "mediatheque-tests"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(65537, 2048)
EXPIRED, BAD = "JWT expired", "JWT signature invalid"


def ask(server: Server, token: str) -> httpx.Response:
    with server.client(token, address=own_address()) as client:
        return client.get("/v3/images")


def refused(server: Server, token: str) -> str:
    answer = ask(server, token)
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"] == "Bearer"
    return str(answer.json()["detail"])


def spelled(header: Any, claims: Any, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token put together by hand, which no library would make."""
    parts = [it if isinstance(it, bytes) else json.dumps(it).encode() for it in (header, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (signed + b"." + base64.urlsafe_b64encode(sign(signed)).rstrip(b"=")).decode()


def hs256(secret: str | bytes) -> Callable[[bytes], bytes]:
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda signed: hmac.new(key, signed, hashlib.sha256).digest()


@pytest.fixture
def own(tenant: Tenant) -> dict[str, Any]:
    """Claims of a good token of ours."""
    now = int(time.time())
    return {"iss": "mediatheque", "aud": "mediatheque", "sub": str(tenant.key.user_id), "iat": now, "exp": now + 600}


@pytest.mark.parametrize("secret", [NEWEST, OLDER])
def test_our_own_token_is_the_user_it_names(server: Server, tenant: Tenant, own: dict[str, Any], secret: str) -> None:
    image = upload(tenant.client)
    answer = ask(server, jwt.encode(own, secret, "HS256"))
    assert [it["id"] for it in answer.json()["result"]] == [image["id"]]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"exp": -120}, EXPIRED), ({"exp": -70}, EXPIRED), ({"nbf": 120}, BAD), ({"nbf": 70}, BAD),
        ({"exp": None}, BAD), ({"iat": 10**9}, BAD), ({"exp": "text"}, BAD), ({"exp": 0.5}, BAD),
        ({"exp": True}, EXPIRED),
        ({"exp": [1]}, BAD),
        ({"aud": "x"}, BAD), ({"aud": None}, BAD), ({"aud": []}, BAD), ({"iss": "x"}, BAD), ({"iss": None}, BAD),
        ({"iss": ["mediatheque"]}, BAD), ({"sub": None}, BAD), ({"sub": "x"}, BAD), ({"sub": 1}, BAD),
        ({"sub": "00000000-0000-4000-8000-000000000000"}, BAD), ({"sub": ""}, BAD), ({"nbf": "text"}, BAD),
    ],
)  # fmt: skip
def test_a_token_of_ours_with_a_wrong_claim_is_refused(
    server: Server, own: dict[str, Any], change: dict[str, Any], detail: str
) -> None:
    now = int(time.time())
    for name, value in change.items():
        is_offset = type(value) in (int, float) and name in {"exp", "nbf", "iat"}
        own[name] = now + value if is_offset else str(now + 600) if value == "text" else value
    claims = {name: value for name, value in own.items() if value is not None}
    assert refused(server, spelled({"alg": "HS256", "typ": "JWT"}, claims, hs256(NEWEST))) == detail


@pytest.mark.parametrize("number", ["1e400", "1e18", "-1", "NaN", "Infinity", "9" * 400, "9" * 5000])
def test_an_expiry_that_is_no_sane_number_is_refused(server: Server, own: dict[str, Any], number: str) -> None:
    claims = json.dumps(own | {"exp": 0}).replace('"exp": 0', f'"exp": {number}').encode()
    token = spelled({"alg": "HS256"}, claims, hs256(NEWEST))
    if number == "9" * 400:
        assert ask(server, token).status_code in {200, 401}
    else:
        assert refused(server, token) in {BAD, EXPIRED}


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", None]
)
def test_no_other_algorithm_opens_our_own_door(server: Server, own: dict[str, Any], algorithm: str | None) -> None:
    for sign in (lambda _: b"", hs256(NEWEST)):
        assert refused(server, spelled({"alg": algorithm, "typ": "JWT"}, own, sign)) == BAD


def test_a_signature_that_is_none_or_anothers_is_refused(server: Server, own: dict[str, Any]) -> None:
    good = jwt.encode(own, NEWEST, "HS256")
    head, body, _ = good.split(".")
    tampered = base64.urlsafe_b64encode(json.dumps(own | {"sub": "x"}).encode()).rstrip(b"=").decode()
    for token in (f"{head}.{body}.", f"{head}.{tampered}.{good.split('.')[2]}", good[:-4] + "AAAA", "..", "a..",
                  "a.b.c", jwt.encode(own, "another-secret-that-is-long-enough-for-it", "HS256"),
                  jwt.encode(own, SECRET, "HS256"),
                  spelled({"alg": "HS256"}, own, hs256(b""))):  # fmt: skip
        assert refused(server, token) == BAD


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_a_token_nested_beyond_reading_is_refused(server: Server, own: dict[str, Any], depth: int) -> None:
    nest = b"[" * depth + b"]" * depth
    assert refused(server, spelled(b'{"alg": ' + nest + b"}", own)) == BAD
    assert refused(server, spelled({"alg": "HS256"}, b'{"exp": ' + nest + b"}", hs256(NEWEST))) == BAD


@pytest.mark.parametrize(
    "header", [{}, [], "x", 1, None, {"alg": []}, {"alg": "HS256", "crit": ["b64"], "b64": False}, b"\xff"]
)
def test_a_header_that_is_none_is_refused(server: Server, own: dict[str, Any], header: Any) -> None:
    assert refused(server, spelled(header, own, hs256(NEWEST))) == BAD


def jwk(key: Any, key_id: str, algorithm: str) -> dict[str, Any]:
    maker = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
    return {**maker.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": algorithm, "use": "sig"}


@pytest.fixture(scope="module")
def key_set() -> Iterator[str]:
    """The issuer's key set, served on loopback; the address of anything else is remembered in `asked`."""
    body = json.dumps({"keys": [jwk(RSA_KEY, "r", "RS256"), jwk(EC_KEY, "e", "ES256")]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ASKED.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as issuer:
        threading.Thread(target=issuer.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{issuer.server_port}"
        issuer.shutdown()


ASKED: list[str] = []


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def trusting(
    request: pytest.FixtureRequest, key_set: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that trusts the outside issuer."""
    environment = {"MEDIATHEQUE_JWKS_URL": f"{key_set}/keys", "MEDIATHEQUE_JWT_ISSUER": ISSUER,
                   "MEDIATHEQUE_JWT_AUDIENCE": AUDIENCE}  # fmt: skip
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp("trusting") / "data", environment, ("--no-workers",)).start()
    yield running
    assert running.stop() == 0


def outside(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600,
              "tenant": "default", "role": "editor"}  # fmt: skip
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def token(key: Any = RSA_KEY, algorithm: str = "RS256", key_id: Any = "r", **changes: Any) -> str:
    return jwt.encode(outside(**changes), key, algorithm, headers={"kid": key_id})


def test_an_outside_token_counts_by_its_tenant_and_role(trusting: Server) -> None:
    with trusting.client(token(role="editor")) as client:
        image = upload(client)
        assert client.delete(f"/v3/images/{image['id']}").status_code == 204
    with trusting.client(token(EC_KEY, "ES256", "e", role="viewer", sub="eve")) as client:
        assert client.get("/v3/images").status_code == 200
        assert client.post("/v3/images").json() == {"detail": "Missing required scope: images.write"}
    with trusting.client(token(role="viewer")) as client:  # ann again: the role follows the token
        assert client.post("/v3/images").status_code == 403


def test_a_tenant_may_be_named_by_its_id(trusting: Server) -> None:
    made = json.loads(trusting.command("keys", "create", "--tenant", "acme", "--json").stdout)
    for name in ("acme", made["tenant_id"]):
        assert ask(trusting, token(tenant=name, sub="bob")).status_code == 200


def test_a_subject_seen_first_by_many_requests_is_one_user(trusting: Server) -> None:
    fresh = token(sub=f"new-{time.time_ns()}")
    start = threading.Barrier(8)

    def send(_: int) -> int:
        start.wait()
        return ask(trusting, fresh).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(8))) == {200}


@pytest.mark.parametrize(
    "changes",
    [{"tenant": "nobody"}, {"tenant": None}, {"tenant": 1}, {"tenant": ["default"]}, {"role": "king"}, {"role": None},
     {"role": ["admin"]}, {"sub": None}, {"sub": ""}, {"sub": "x" * 256}, {"sub": "a\0b"}, {"tenant": "a\0b"},
     {"sub": "\ud800"}, {"tenant": "\ud800"},
     {"iss": "mediatheque"}, {"iss": "x"}, {"iss": None}, {"aud": "mediatheque"}, {"aud": None}, {"exp": None},
     {"exp": 1}, {"nbf": 1 << 40}, {"iat": 1 << 40}],
)  # fmt: skip
def test_an_outside_token_with_a_wrong_claim_is_refused(trusting: Server, changes: dict[str, Any]) -> None:
    assert refused(trusting, token(**changes)) in {BAD, EXPIRED}


def test_keys_and_algorithms_cannot_be_swapped(trusting: Server) -> None:
    ours, claims = jwk(RSA_KEY, "r", "RS256"), outside()
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    own = {"iss": "mediatheque", "aud": "mediatheque", "sub": "x", "exp": claims["exp"]}
    attacks = [
        spelled({"alg": "HS256", "kid": "r"}, content, hs256(secret))
        for content in (claims, own)
        for secret in (pem, pem.strip(), json.dumps(ours), ours["n"], b"")
    ]
    attacks += [
        token(STRANGER),
        token(STRANGER, key_id="e"),
        token(EC_KEY, "ES256", "r"),
        token(RSA_KEY, "RS256", "e"),
        token(RSA_KEY, "RS512"),
        token(RSA_KEY, "PS256"),
        token(key_id="unknown"),
        token(key_id="../../../../etc/passwd"),
        token(key_id="' OR 1=1 --"),
        token(key_id="r\0"),
        token(key_id=""),
        jwt.encode(outside(), RSA_KEY, "RS256"),
        spelled({"alg": "RS256", "kid": ["r"]}, claims),
        spelled({"alg": "none", "kid": "r"}, claims),
        token().rsplit(".", 1)[0] + ".",
    ]
    for attack in attacks:
        assert refused(trusting, attack) == BAD


def test_a_key_named_by_the_token_itself_is_never_fetched(trusting: Server, key_set: str) -> None:
    mine = jwk(STRANGER, "r", "RS256")
    for header in ({"jku": f"{key_set}/evil"}, {"x5u": f"{key_set}/evil"}, {"jwk": mine}, {"kid": f"{key_set}/evil"}):
        attack = jwt.encode(outside(), STRANGER, "RS256", headers={"kid": "r", **header})
        assert refused(trusting, attack) == BAD
    assert set(ASKED) == {"/keys"}


def test_keys_still_count_beside_the_issuer(trusting: Server) -> None:
    assert ask(trusting, ADMIN_KEY).status_code == 200


def test_an_issuer_that_is_away_is_503_for_its_tokens_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {"MEDIATHEQUE_JWKS_URL": "http://127.0.0.1:9/keys", "MEDIATHEQUE_JWT_ISSUER": ISSUER,
                   "MEDIATHEQUE_JWT_AUDIENCE": AUDIENCE}  # fmt: skip
    running = Server(tmp_path_factory.mktemp("away") / "data", environment, ("--no-workers",)).start()
    answer = ask(running, token())
    assert (answer.status_code, answer.json()) == (503, {"detail": "Service unavailable"})
    assert int(answer.headers["retry-after"]) > 0
    assert ask(running, ADMIN_KEY).status_code == 200
    assert running.stop() == 0

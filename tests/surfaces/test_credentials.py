"""API keys: made, listed and revoked by the command line, and what each may do (running.md, "Credentials")."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from mediatheque.records.engine import Database
from mediatheque.records.tables import api_key, tenant, user
from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import ADMIN_KEY, SECRET, Server, arguments, own_address, process_tree, quick, upload, wait_for

MISSING = {"detail": "Missing Authorization header"}
INVALID = {"detail": "Invalid API key"}


def status(server: Server, key: str) -> int:
    with server.client(key, address=own_address()) as client:
        return client.get("/v3/images").status_code


def test_the_command_line_makes_lists_and_revokes_keys_while_the_server_runs(server: Server) -> None:
    made = server.command("keys", "create", "--tenant", "acme", "--user", "ann", "--role", "viewer", "--json")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)
    assert set(key) == {"key", "key_id", "tenant_id", "user_id"}
    assert re.fullmatch(r"mt_live_[A-Za-z0-9_-]{40}", key["key"])
    assert status(server, key["key"]) == 200

    listed = json.loads(server.command("keys", "list", "--tenant", "acme", "--json").stdout)
    assert [it["key_id"] for it in listed] == [key["key_id"]]
    assert (listed[0]["tenant"], listed[0]["user"], listed[0]["role"]) == ("acme", "ann", "viewer")
    assert listed[0]["prefix"] == key["key"][:12]
    assert key["key"] not in json.dumps(listed)
    assert len(json.loads(server.command("keys", "list", "--json").stdout)) > 1

    second = json.loads(
        server.command("keys", "create", "--tenant", "acme", "--user", "ann", "--scope", "images.read", "--json").stdout
    )
    assert (second["tenant_id"], second["user_id"]) == (key["tenant_id"], key["user_id"])
    assert server.command("keys", "revoke", key["key_id"]).returncode == 0
    assert status(server, key["key"]) == 401
    assert status(server, second["key"]) == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--tenant", "", "--json"),
        ("create", "--tenant", "acme", "--role", "king"),
        ("create", "--tenant", "acme", "--role", "viewer", "--scope", "images.write"),
        ("create", "--tenant", "acme", "--scope", "all"),
        ("revoke", "00000000-0000-4000-8000-000000000000"),
        ("revoke", "x"),
        ("create",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_command_that_makes_no_sense_says_so_without_a_traceback(server: Server, arguments: tuple[str, ...]) -> None:
    done = server.command("keys", *arguments)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ([], MISSING), ([""], INVALID), (["Bearer"], INVALID), (["Bearer x"], INVALID),
        (["Basic dTpw"], INVALID), ([f"Basic {ADMIN_KEY}"], INVALID), ([ADMIN_KEY], INVALID), (["Bearer x y"], INVALID),
        (["Bearer mt_live_" + "x" * 40], INVALID), (["Bearer " + "x" * 30_000], INVALID),
        (["Bearer \xff\xfe"], INVALID),
        (["Bearer a.b"], INVALID), (["Bearer a.b.c.d"], INVALID), (["Token x"], INVALID),
    ],
)  # fmt: skip
def test_no_or_a_bad_credential_answers_401_with_the_published_words(
    server: Server, header: list[str], detail: dict[str, str]
) -> None:
    with server.client(None, address=own_address()) as client:
        answer = client.get("/v3/images", headers=[(b"Authorization", it.encode("latin-1")) for it in header])
    assert (answer.status_code, answer.json()) == (401, detail)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


def test_two_credentials_at_once_are_none(server: Server, tenant: Tenant, other_tenant: Tenant) -> None:
    both = [("Authorization", f"Bearer {it.key.key}") for it in (tenant, other_tenant)]
    with server.client(None, address=own_address()) as client:
        assert client.get("/v3/images", headers=both).status_code == 401
        assert client.get("/v3/images", headers=both[:1] * 2).status_code == 401


@pytest.mark.parametrize("place", ["?token=", "?key=", "?api_key=", "?access_token=", "?authorization=Bearer%20"])
def test_a_key_in_the_query_counts_for_nothing(server: Server, tenant: Tenant, place: str) -> None:
    with server.client(None) as client:
        assert client.get(f"/v3/images{place}{tenant.key.key}").json() == MISSING


def test_the_scheme_is_read_whatever_its_case(server: Server, tenant: Tenant) -> None:
    with server.client(None) as client:
        assert client.get("/v3/images", headers={"Authorization": f"bearer {tenant.key.key}"}).status_code == 200


def attempts(client: httpx.Client, image_id: str) -> dict[str, httpx.Response]:
    """One request for each thing that can be done, the harmless ones first."""
    return {
        "list": client.get("/v3/images"),
        "folders": client.get("/v3/images/folders"),
        "get": client.get(f"/v3/images/{image_id}"),
        "upload": client.post("/v3/images", files={"file": ("a.png", picture("PNG"))}),
        "change": client.patch(f"/v3/images/{image_id}", json={"alt_text": "x"}),
        "delete": client.delete(f"/v3/images/{image_id}"),
    }


READS, WRITES = {"list", "folders", "get"}, {"upload", "change", "delete"}


@pytest.mark.parametrize(
    ("role", "scopes", "may"),
    [
        (Role.VIEWER, None, READS),
        (Role.EDITOR, None, READS | WRITES),
        (Role.ADMIN, None, READS | WRITES),
        (Role.EDITOR, ["images.read"], READS),
        (Role.EDITOR, ["images.write"], WRITES),
        (Role.ADMIN, ["images.read", "images.write"], READS | WRITES),
        (Role.EDITOR, ["files.read", "assets.read", "uploads.create"], set()),
    ],
)
def test_a_role_narrowed_by_scopes_may_do_just_that(
    server: Server, accounts: Accounts, tenant: Tenant, role: Role, scopes: list[str] | None, may: set[str]
) -> None:
    image = upload(tenant.client)
    key = accounts.create_key(tenant.name, role=role, scopes=scopes)
    with server.client(key.key) as client:
        for what, answer in attempts(client, image["id"]).items():
            if what in may:
                assert answer.status_code in {200, 201, 204}, what
            else:
                scope = "images.read" if what in READS else "images.write"
                assert (answer.status_code, answer.json()) == (403, {"detail": f"Missing required scope: {scope}"})
                assert answer.headers["cache-control"] == "no-store"
                assert "www-authenticate" not in answer.headers


def test_a_key_never_has_more_than_its_user(server: Server, accounts: Accounts, tenant: Tenant) -> None:
    accounts.create_key(tenant.name, user="low", role=Role.VIEWER)
    key = accounts.create_key(tenant.name, user="low", role=Role.ADMIN)
    with server.client(key.key) as client:
        assert client.get("/v3/images").status_code == 200
        assert client.post("/v3/images", files={"file": ("a.png", picture("PNG"))}).status_code == 403


def test_an_expired_key_is_refused(server: Server, accounts: Accounts, tenant: Tenant) -> None:
    now = datetime.now(UTC)
    assert status(server, accounts.create_key(tenant.name, expires_at=now + timedelta(hours=1)).key) == 200
    assert status(server, accounts.create_key(tenant.name, expires_at=now - timedelta(seconds=1)).key) == 401
    for seconds in (2, 8, 30):  # the first that is long enough to be good when it is tried
        short = accounts.create_key(tenant.name, expires_at=datetime.now(UTC) + timedelta(seconds=seconds)).key
        if status(server, short) == 200:
            break
    else:
        raise AssertionError("a key that is not yet expired is refused")
    wait_for(lambda: status(server, short) == 401, "a key that was good to expire", 60)


@pytest.mark.parametrize("whose", ["tenant", "user"])
def test_a_disabled_tenant_or_user_is_refused_at_once(
    server: Server, database: Database, tenant: Tenant, whose: str
) -> None:
    assert status(server, tenant.key.key) == 200
    _disable(database, tenant, whose)
    assert status(server, tenant.key.key) == 401


def _disable(database: Database, of: Tenant, whose: str) -> None:
    table, uuid = (tenant, of.key.tenant_id) if whose == "tenant" else (user, of.key.user_id)
    with database.write() as tx:
        tx.execute(update(table).where(table.c.uuid == uuid).values(disabled_at=datetime.now(UTC)))


def test_the_fixed_key_of_the_environment_is_an_admin_of_tenant_default(server: Server) -> None:
    with server.client(ADMIN_KEY) as client:
        image = upload(client)
        assert client.delete(f"/v3/images/{image['id']}").status_code == 204
    assert status(server, ADMIN_KEY + "x") == status(server, ADMIN_KEY[:-1]) == 401


def test_at_rest_a_key_is_only_a_hash_beside_its_first_characters(
    server: Server, database: Database, tenant: Tenant
) -> None:
    with database.read() as tx:
        row = tx.execute(api_key.select().where(api_key.c.uuid == tenant.key.key_id)).mappings().one()
    assert row["prefix"] == tenant.key.key[:12]
    assert tenant.key.key not in str(dict(row))
    for file in server.data_dir.glob("mediatheque.db*"):
        assert tenant.key.key.encode() not in file.read_bytes()


def test_no_secret_is_in_any_output(server: Server, tenant: Tenant) -> None:
    with server.client(tenant.key.key, address=own_address()) as client:
        outputs = [client.get(path).text for path in ("/openapi.json", "/metrics", "/health/ready", "/docs")]
        outputs += [client.get("/v3/images", params={"page": "x"}).text, client.get("/v3/images/x").text]
        wrong = tenant.key.key[:-1] + "!"
        outputs += [client.get("/v3/images", headers={"Authorization": f"Bearer {wrong}"}).text]
    outputs += [server.log.read_text()]
    for secret in (tenant.key.key, ADMIN_KEY, *SECRET.split()[-1:], SECRET):
        assert not [text for text in outputs if secret in text]


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("two") / "data", arguments=("--processes", "2", "--no-workers")).start()
    yield running
    assert running.stop() == 0


def test_a_revoked_key_is_refused_at_once_by_every_process(two_processes: Server) -> None:
    made: dict[str, Any] = json.loads(two_processes.command("keys", "create", "--tenant", "t", "--json").stdout)

    def ask() -> list[int]:
        """New connections, so that the kernel spreads them over the processes."""
        return [status(two_processes, made["key"]) for _ in range(24)]

    assert set(ask()) == {200}
    assert _web_processes(two_processes) == 2
    assert two_processes.command("keys", "revoke", made["key_id"]).returncode == 0
    assert set(ask()) == {401}


def test_a_deletion_shows_at_once_on_every_process(two_processes: Server) -> None:
    with two_processes.client() as client:
        image = upload(client)
        assert {_fresh(image["url"]) for _ in range(24)} == {200}
        assert client.delete(f"/v3/images/{image['id']}").status_code == 204
        assert {_fresh(image["url"]) for _ in range(24)} == {410}


def test_without_workers_a_thumbnail_is_the_original_and_is_not_kept(two_processes: Server) -> None:
    with two_processes.client() as client:
        data = picture("PNG", 400, 300)
        image = upload(client, data)
        answer = quick(lambda: client.get(image["thumbnail_url"]), 6)
        assert (answer.content, answer.headers["cache-control"]) == (data, "no-store")
        assert answer.elapsed.total_seconds() > 1.5
        again = client.get(image["thumbnail_url"], headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 200


def _fresh(url: str) -> int:
    return httpx.get(url, trust_env=False, timeout=30, headers={"Connection": "close"}).status_code


def _web_processes(server: Server) -> int:
    return sum("web" in arguments(process) for process in process_tree(server))

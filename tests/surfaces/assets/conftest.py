"""A tenant with an administrator, people who log in, and the super admin."""

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.support import Server, own_address

PASSWORD = "a password of the tests"


@dataclass
class Office:
    """A tenant of this test alone, a client with an admin's key of it, and those who work there."""

    server: Server
    name: str
    admin: httpx.Client
    opened: ExitStack

    def hire(self, name: str = "", **body: Any) -> dict[str, Any]:
        """A new user, as the API answers."""
        name = name or f"user-{uuid.uuid4().hex[:8]}"
        answer = self.admin.post("/api/v1/users", json={"username": name, "password": PASSWORD, "role": "user"} | body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["data"]
        return made

    def stranger(self) -> httpx.Client:
        """A client without a credential, from an address that nobody else uses."""
        return self.opened.enter_context(self.server.client(None, address=own_address()))

    def try_login(self, name: str, password: str = PASSWORD, client: httpx.Client | None = None) -> httpx.Response:
        body = {"username": f"{self.name}/{name}", "password": password}
        return (client or self.stranger()).post("/api/v1/auth/login", json=body)

    def login(self, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """The `data` of a login that goes well."""
        found: dict[str, Any] = data(self.try_login(name, password))
        return found

    def acting(self, token: str) -> httpx.Client:
        """A client with that credential."""
        return self.opened.enter_context(self.server.client(token, address=own_address()))

    def at_work(self, **body: Any) -> tuple[dict[str, Any], httpx.Client]:
        """A new user, and a client with an access token of theirs."""
        user = self.hire(**body)
        return user, self.acting(self.login(user["username"])["accessToken"])


@pytest.fixture
def office(server: Server, accounts: Accounts) -> Iterator[Office]:
    yield from _office(server, accounts)


@pytest.fixture
def other_office(server: Server, accounts: Accounts) -> Iterator[Office]:
    yield from _office(server, accounts)


@pytest.fixture
def super_admin(server: Server) -> Iterator[httpx.Client]:
    """A client of the super admin, logged in with the password that the first start printed."""
    printed = re.search(r"Login: (\S+)  password: (\S+)", server.log.read_text())
    assert printed is not None
    with server.client(None, address=own_address()) as client:
        body = {"username": printed[1], "password": printed[2]}
        client.headers["Authorization"] = f"Bearer {data(client.post('/api/v1/auth/login', json=body))['accessToken']}"
        yield client


def data(answer: httpx.Response, status: int = 200) -> Any:
    """What the envelope holds."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"data"}
    return answer.json()["data"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error in this dialect's shape."""
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) == {"code", "message", "traceId", "status"}
    assert body["error"]["status"] == answer.status_code
    return answer.status_code, body["error"]["code"]


def _office(server: Server, accounts: Accounts) -> Iterator[Office]:
    name = f"office-{uuid.uuid4().hex[:12]}"
    key = accounts.create_key(name, role=Role.ADMIN)
    with ExitStack() as opened:
        yield Office(server, name, opened.enter_context(server.client(key.key)), opened)

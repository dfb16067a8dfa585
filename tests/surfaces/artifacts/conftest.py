"""Rooms and artifacts for the tests, made over HTTP, and what every answer has to look like."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests.conftest import Tenant

ROOMS = "/v1/rooms"


@dataclass(frozen=True)
class Place:
    """A room of a tenant, and its creator's client."""

    tenant: Tenant
    accounts: Accounts
    room_id: str

    @property
    def client(self) -> httpx.Client:
        return self.tenant.client

    @property
    def path(self) -> str:
        return f"{ROOMS}/{self.room_id}/artifacts"

    def create(self, content: str = "# Plan\n", title: str = "Plan", **fields: Any) -> str:
        """The id of a new artifact."""
        body = {"title": title, "content": content} | fields
        answer = self.client.post(f"{ROOMS}/{self.room_id}/tools/create_artifact", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["artifact_id"])

    def put(self, artifact_id: str, **body: Any) -> dict[str, Any]:
        return data(self.client.put(f"{self.path}/{artifact_id}", json=body))

    def read(self, artifact_id: str, version: int | None = None) -> dict[str, Any]:
        suffix = "" if version is None else f"/versions/{version}"
        return data(self.client.get(f"{self.path}/{artifact_id}{suffix}"))

    @contextmanager
    def somebody(
        self, power: int | None = None, *, role: Role = Role.EDITOR, scopes: list[str] | None = None
    ) -> Iterator[httpx.Client]:
        """A client of another user of the tenant; a member of the room if it has a power."""
        key = self.accounts.create_key(self.tenant.name, role=role, scopes=scopes)
        if power is not None:
            body = {"power_level": power}
            assert self.client.put(f"{ROOMS}/{self.room_id}/members/{key.user_id}", json=body).status_code == 200
        with self.tenant.server.client(key.key) as client:
            yield client


@pytest.fixture
def place(tenant: Tenant, accounts: Accounts) -> Place:
    return Place(tenant, accounts, new_room(tenant.client))


def new_room(client: httpx.Client, name: str = "Harbour") -> str:
    return str(data(client.post(ROOMS, json={"name": name}), 201)["id"])


def data(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What a successful answer holds."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"data"}
    found: dict[str, Any] = answer.json()["data"]
    return found


def listed(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"data", "meta"}
    assert answer.json()["meta"]["total"] >= len(answer.json()["data"])
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The refusal in this dialect's shape, held against status and code."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    return error

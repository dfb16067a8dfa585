"""The Python client in both of its shapes: every test runs with the one that waits and with the one that is awaited."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from mediatheque.client import AsyncClient, Client
from tests.conftest import Tenant


class Awaiting:
    """An asynchronous client, or a part of it, whose methods are called as if they waited."""

    def __init__(self, portal: BlockingPortal, it: Any) -> None:
        self._portal = portal
        self._it = it

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._it, name)
        if not callable(found):
            return Awaiting(self._portal, found)

        def call(*args: Any, **named: Any) -> Any:
            made = found(*args, **named)
            return self._portal.call(_all if hasattr(made, "__aiter__") else _result, made)

        return call


@pytest.fixture(params=["waits", "awaited"])
def connect(request: pytest.FixtureRequest, tenant: Tenant) -> Iterator[Callable[..., Any]]:
    """Makes clients of a tenant of this test alone; options are the clients' own."""
    with start_blocking_portal() as portal:
        opened: list[Any] = []

        def make(**options: Any) -> Any:
            kind = Client if request.param == "waits" else AsyncClient
            client = kind(tenant.server.url, **{"api_key": tenant.key.key} | options)
            opened.append(client if request.param == "waits" else Awaiting(portal, client))
            return opened[-1]

        yield make
        for client in opened:
            client.close()


@pytest.fixture
def library(connect: Callable[..., Any]) -> Any:
    return connect()


async def _result(made: Any) -> Any:
    return await made


async def _all(made: Any) -> Iterator[Any]:
    return iter([item async for item in made])

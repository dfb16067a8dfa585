"""The official client, driven from tests that are not asynchronous."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support import Server

Result = TypeVar("Result")


@asynccontextmanager
async def connected(server: Server, key: str) -> AsyncIterator[Client]:
    """The SDK's client with a key as its Bearer credential."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
    async with http, Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client:
        yield client


def with_client(server: Server, key: str, act: Callable[[Client], Awaitable[Result]]) -> Result:
    """What comes of acting as a client."""

    async def run() -> Result:
        async with connected(server, key) as client:
            return await act(client)

    return asyncio.run(run())


def call(server: Server, key: str, tool: str, **arguments: Any) -> Any:
    """The answer of a tool that must succeed."""
    result = with_client(server, key, lambda client: client.call_tool(tool, arguments))
    assert not result.is_error, result.content
    return result.structured_content if result.structured_content is not None else result.content


def failed(server: Server, key: str, tool: str, **arguments: Any) -> str:
    """The words with which a tool refuses."""
    result = with_client(server, key, lambda client: client.call_tool(tool, arguments))
    assert result.is_error, result.content
    return str(result.content[0].text)  # type: ignore[union-attr]


def shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

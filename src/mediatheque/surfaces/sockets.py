"""What every websocket does alike: who comes in, when it is over, and the code that it is closed with."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import WebSocket

from mediatheque.core.access import require
from mediatheque.core.library import Library
from mediatheque.errors import Forbidden, LibraryError, RateLimited, Unauthorized
from mediatheque.model import Actor
from mediatheque.surfaces.http import in_thread

MAX_SOCKETS, MAX_MESSAGE_CHARS = 256, 4096
"""Of one kind in one process; of what a client says at once."""
PING_SECONDS, RECHECK_SECONDS = 25.0, 30.0
"""How often a client hears that we are there, and its credential is looked at again."""
BAD_CREDENTIAL, FORBIDDEN, TOO_MANY, CROWDED = 4401, 4403, 4429, 1013
"""Close codes: the last digits are the HTTP status of the same refusal."""


async def entered(library: Library, socket: WebSocket, scope: str) -> Actor:
    """The actor behind `?token=` or the header; raises `Unauthorized`, `Forbidden`, `RateLimited`."""
    token = socket.query_params.get("token")
    headers = [f"Bearer {token}"] if token else socket.headers.getlist("authorization")
    address = socket.client.host if socket.client else ""
    actor, _ = await in_thread(library.access.enter, headers, address)
    require(actor, scope)
    return actor


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Until one of them has ended; the others are ended, and what it raised is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def close_code(error: LibraryError) -> int:
    if isinstance(error, Unauthorized):
        return BAD_CREDENTIAL
    if isinstance(error, Forbidden):
        return FORBIDDEN
    return TOO_MANY if isinstance(error, RateLimited) else CROWDED

"""`/i/{id}`: the bytes of a public image, open to everybody (contract, 1.3)."""

import asyncio
import time
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from mediatheque.core.library import Library
from mediatheque.core.media import ORIGINAL, VARIANTS
from mediatheque.errors import BadRequest, LibraryError, MethodNotAllowed
from mediatheque.surfaces.delivery import Delivery, Entry, refuse
from mediatheque.surfaces.http import AsgiApp, Receive, Send
from mediatheque.surfaces.images.shapes import render_error, to_uuid

IMMUTABLE = b"public, max-age=31536000, immutable"
VARIANT_WAIT_SECONDS = 2.0
VARIANT_LOOK_SECONDS = 0.05


def proxy(library: Library) -> AsgiApp:
    """`/i/{id}`: the bytes of a public image, open to everybody."""
    delivery = Delivery(library.media, library.generations, IMMUTABLE)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001
        key = scope["path"], scope["query_string"]
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            entry = delivery.hot(key) or await _look(library, delivery, key)
            await delivery.answer(entry, scope, send)
        except LibraryError as error:
            await refuse(error, render_error, scope["method"], send)

    return serve


async def _look(library: Library, delivery: Delivery, key: tuple[str, bytes]) -> Entry:
    """Find the object; wait up to two seconds for a variant that is still being made (decisions 7)."""
    path, query = key
    uuid = to_uuid(path.removeprefix("/i/"))
    find = partial(library.media.public, uuid, _variant(query))
    deadline = time.monotonic() + VARIANT_WAIT_SECONDS
    while True:
        entry = await delivery.look(key, uuid, find)
        if entry.served.is_final or time.monotonic() > deadline:
            return entry
        await asyncio.sleep(VARIANT_LOOK_SECONDS)


def _variant(query: bytes) -> str:
    names = [value for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if name == "variant"]
    if not names:
        return ORIGINAL
    if len(names) > 1 or names[0] not in VARIANTS:
        raise BadRequest("Unknown variant")
    return names[0]

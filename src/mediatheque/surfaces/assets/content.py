"""`/content/{storageKey}`: the bytes of public assets and their derivatives, open to everybody (contract, 2.4)."""

from functools import partial
from typing import Any

from starlette.responses import Response

from mediatheque.core.library import Library
from mediatheque.core.media import Served
from mediatheque.errors import LibraryError, MethodNotAllowed
from mediatheque.surfaces.assets.objects import CONTENT
from mediatheque.surfaces.assets.shapes import render_error
from mediatheque.surfaces.delivery import Delivery, refuse
from mediatheque.surfaces.headers import PRIVATE_MEDIA
from mediatheque.surfaces.http import AsgiApp, Receive, Send, in_thread

REVALIDATE = b"public, no-cache"
"""Visibility can change at any time, so every use asks again; most get a 304."""
PRIVATE = b"private, no-cache"


def content(library: Library) -> AsgiApp:
    delivery = Delivery(library.media, library.generations, REVALIDATE)

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG001
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            key = scope["path"]
            entry = delivery.hot(key)
            if entry is None:
                find = partial(library.media.by_key, key.removeprefix(CONTENT))
                owner = (await in_thread(find)).asset_uuid  # whose generation must stand still from the next look on
                entry = await delivery.look(key, owner, find)
            await delivery.answer(entry, scope, send)
        except LibraryError as error:
            await refuse(error, render_error, scope["method"], send)

    return serve


class Streamed(Response):
    """A private asset's bytes as the answer of a route: with validators and ranges, never cached by others."""

    def __init__(self, library: Library, served: Served) -> None:
        super().__init__()
        self._delivery = Delivery(library.media, library.generations, PRIVATE, PRIVATE_MEDIA)
        self._served = served

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002
        served = self._served
        entry = await self._delivery.look(served.key, served.asset_uuid, lambda: served)
        allowance = [header for header in self.raw_headers if header[0].startswith(b"x-ratelimit-")]
        await self._delivery.answer(entry, scope, send, *allowance)

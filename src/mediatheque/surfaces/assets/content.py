"""`/content/{storageKey}`: the bytes of public assets and their derivatives, open to everybody (contract, 2.4)."""

from functools import partial
from typing import Any

from mediatheque.core.library import Library
from mediatheque.errors import LibraryError, MethodNotAllowed
from mediatheque.surfaces.assets.objects import CONTENT
from mediatheque.surfaces.assets.shapes import render_error
from mediatheque.surfaces.delivery import Delivery, refuse
from mediatheque.surfaces.http import AsgiApp, Receive, Send, in_thread

REVALIDATE = b"public, no-cache"
"""Visibility can change at any time, so every use asks again; most get a 304."""


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

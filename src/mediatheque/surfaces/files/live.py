"""`/api/v2/ws`: what happens to the batches that a client subscribes to, as it happens (contract, 3.G and 10).

Events are told from the rows, so that they are the same whichever process did the work; a subscriber's process looks
when there is news, twice a second at most. An ended session's last event comes again to whoever subscribes late.
"""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from mediatheque.core.batches import Item, Session
from mediatheque.core.library import Library
from mediatheque.errors import LibraryError, NotFound, Unavailable
from mediatheque.model import Actor
from mediatheque.surfaces.files.batches import channel_of
from mediatheque.surfaces.files.session_shapes import completion_of, status_of
from mediatheque.surfaces.http import in_thread
from mediatheque.surfaces.sockets import (
    CROWDED,
    MAX_MESSAGE_CHARS,
    MAX_SOCKETS,
    PING_SECONDS,
    RECHECK_SECONDS,
    close_code,
    entered,
    first_of,
)

PATH = "/api/v2/ws"
SCOPE = "files.read"
LOOK_SECONDS = 0.5
"""Between two looks, however much happens."""
QUIET_SECONDS = 10.0
"""How long without news until a look all the same: one may have been lost."""
MAX_CHANNELS = 50


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    sockets: set[WebSocket] = set()

    @router.websocket(PATH)
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(sockets) >= MAX_SOCKETS:
            await websocket.close(CROWDED)
            return
        sockets.add(websocket)
        try:
            await _Conversation(library, websocket).hold()
        finally:
            sockets.discard(websocket)

    return router


@dataclass(slots=True)
class _Watched:
    """A session as its subscriber knows it: the states of its items, and whether it was told of the end."""

    uuid: UUID
    states: dict[int, str] = field(default_factory=dict)
    is_over: bool = False


class _Conversation:
    """One connection: what it asks for, and what it is told."""

    def __init__(self, library: Library, socket: WebSocket) -> None:
        self._library = library
        self._socket = socket
        self._watched: dict[str, _Watched] = {}
        self._sending = asyncio.Lock()
        self._stirred = asyncio.Event()

    async def hold(self) -> None:
        """Until the client goes, or its credential does not count any more."""
        try:
            actor = await entered(self._library, self._socket, SCOPE)
            await first_of(self._tell(actor), self._listen(actor))
        except (WebSocketDisconnect, RuntimeError):  # it is gone; starlette says the latter of a late message
            return
        except LibraryError as error:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(close_code(error))

    async def _listen(self, actor: Actor) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None or len(text) > MAX_MESSAGE_CHARS:
                await self._refuse("BAD_REQUEST", "Messages are JSON texts of at most 4096 characters")
                continue
            try:
                asked = json.loads(text)
            except (ValueError, RecursionError):
                asked = None
            await self._answer(actor, asked if isinstance(asked, dict) else {})

    async def _answer(self, actor: Actor, asked: dict[str, Any]) -> None:
        action, channel = asked.get("action"), asked.get("channel")
        if action == "ping":
            await self._send({"type": "pong"})
        elif action == "subscribe" and isinstance(channel, str):
            await self._subscribe(actor, channel)
        elif action == "unsubscribe" and isinstance(channel, str):
            self._watched.pop(channel, None)
            await self._send({"type": "unsubscribed", "channel": channel})
        else:
            await self._refuse("BAD_REQUEST", "Expected an action (subscribe, unsubscribe, ping) and a channel")

    async def _subscribe(self, actor: Actor, channel: str) -> None:
        if len(self._watched) >= MAX_CHANNELS and channel not in self._watched:
            await self._refuse("BAD_REQUEST", f"At most {MAX_CHANNELS} channels", channel)
            return
        try:
            session = await in_thread(self._library.batches.get, actor, _session_id(channel))
        except NotFound:
            await self._refuse("RESOURCE_NOT_FOUND", "No such channel", channel)
            return
        except Unavailable as error:
            await self._refuse("SERVICE_UNAVAILABLE", error.message, channel)
            return
        await self._send({"type": "subscribed", "channel": channel})
        self._watched[channel] = watched = _Watched(session.uuid, _ended_states(session), session.is_ended)
        await self._send(_about(session, "session.completed" if watched.is_over else "session.progress"))
        self._stirred.set()  # what happened since the session was read

    async def _tell(self, actor: Actor) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._stirred.set)

        with self._library.news.heard(wake):
            await self._tell_news(actor)

    async def _tell_news(self, actor: Actor) -> None:
        pinged = checked = time.monotonic()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), QUIET_SECONDS)
            self._stirred.clear()
            for channel, watched in list(self._watched.items()):
                if not watched.is_over:
                    await self._look(actor, channel, watched)
            if time.monotonic() - pinged > PING_SECONDS:
                pinged = time.monotonic()
                await self._send({"type": "ping"})
            if time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                with suppress(Unavailable):
                    await entered(self._library, self._socket, SCOPE)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, actor: Actor, channel: str, watched: _Watched) -> None:
        try:
            session = await in_thread(self._library.batches.get, actor, watched.uuid)
        except Unavailable:
            return  # the next look tells
        except NotFound:
            self._watched.pop(channel, None)
            return
        known, watched.states = watched.states, _ended_states(session)
        watched.is_over = session.is_ended
        news = [it for it in session.items if it.index in watched.states and it.index not in known]
        for it in news:
            await self._send(_about_file(channel, it))
        if watched.is_over:
            await self._send(_about(session, "session.completed"))
        elif news:
            await self._send(_about(session, "session.progress"))

    async def _refuse(self, code: str, message: str, channel: str | None = None) -> None:
        await self._send({"type": "error", "channel": channel, "error": {"code": code, "message": message}})

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(json.dumps(message))


def _session_id(channel: str) -> UUID:
    try:
        found = UUID(channel.removeprefix("batch."))
    except ValueError:
        raise NotFound from None
    if channel != channel_of(found):
        raise NotFound
    return found


def _ended_states(session: Session) -> dict[int, str]:
    return {it.index: it.state for it in session.items if it.state != "processing"}


def _about(session: Session, kind: str) -> dict[str, Any]:
    return {"type": kind, "channel": channel_of(session.uuid), "data": status_of(session).model_dump(mode="json")}


def _about_file(channel: str, it: Item) -> dict[str, Any]:
    kind = "file.failed" if it.state == "failed" else "file.completed"
    return {"type": kind, "channel": channel, "data": {"index": it.index, **completion_of(it).model_dump(mode="json")}}

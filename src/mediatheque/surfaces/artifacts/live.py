"""`/v1/stream`: what happens to artifacts in the rooms of whoever listens, and who looks at which (contract, 4.4).

One listener for each process, woken by signals, and only while somebody is connected.
"""

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from mediatheque.core.library import Library
from mediatheque.core.stream import Listener, News
from mediatheque.errors import LibraryError, Unavailable
from mediatheque.model import Actor
from mediatheque.surfaces.artifacts.bodies import ROOM_PREFIX, room_uuid, uuid_in
from mediatheque.surfaces.artifacts.errors import code_of
from mediatheque.surfaces.artifacts.shapes import moment
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

PATH = "/v1/stream"
SCOPE = "artifacts.read"
LOOK_SECONDS = 15.0
"""How often a listener looks by itself, should a signal have been lost."""
WAIT_SECONDS = 1.0
"""How long one wait takes: a server that stops waits for it."""
MAX_UNSENT = 1000

log = structlog.get_logger()


def routes(library: Library) -> APIRouter:
    router = APIRouter()
    audience = _Audience(library)

    @router.websocket(PATH)
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(audience.seats) >= MAX_SOCKETS:
            await websocket.close(CROWDED)
            return
        await _Conversation(library, websocket, audience).hold()

    return router


class _Audience:
    """Everybody who is connected to this process, and what tells them."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.seats: set[_Conversation] = set()
        self._telling: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def join(self, seat: "_Conversation") -> None:
        """From the return on it is told of everything."""
        self.seats.add(seat)
        async with self._starting:
            if self._telling is None or self._telling.done():
                listener = await asyncio.to_thread(self._library.authoring.stream.listener)
                self._telling = asyncio.create_task(self._tell(listener))

    async def _tell(self, listener: Listener) -> None:
        """Until nobody is connected any more. The wait holds a thread of its own, not one of the requests'."""
        try:
            looked = time.monotonic()
            while self.seats:
                is_told = await asyncio.to_thread(listener.wait, WAIT_SECONDS)
                if not is_told and time.monotonic() - looked < LOOK_SECONDS:
                    continue
                with suppress(Unavailable):  # the next look tells
                    for news in await in_thread(listener.news):
                        self._hand_out(news)
                    looked = time.monotonic()
        except Exception:
            log.exception("live events ended")
            for seat in self.seats:
                seat.end()
        finally:
            listener.close()

    def _hand_out(self, news: News) -> None:
        message = _message(news)
        for seat in self.seats:
            if seat.actor is not None and seat.actor.user_id in news.readers:
                seat.tell(message)


class _Conversation:
    """One connection: what it is told, and what it says that it looks at."""

    def __init__(self, library: Library, socket: WebSocket, audience: _Audience) -> None:
        self._library = library
        self._socket = socket
        self._audience = audience
        self._session = uuid4()
        self._viewed: tuple[UUID | None, UUID | None] | None = None
        self._unsent: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(MAX_UNSENT)
        self.actor: Actor | None = None

    async def hold(self) -> None:
        """Until the client goes, its credential does not count any more, or it cannot follow."""
        try:
            self.actor = await entered(self._library, self._socket, SCOPE)
            await self._audience.join(self)
            await self._socket.send_text(json.dumps(self._hello(self.actor)))
            await first_of(self._send(), self._listen(self.actor), self._keep(self.actor))
        except (WebSocketDisconnect, RuntimeError):  # it is gone; starlette says the latter of a late message
            return
        except LibraryError as error:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(close_code(error))
        finally:
            self._audience.seats.discard(self)
            if self._viewed is not None:
                with suppress(LibraryError):
                    await in_thread(self._library.authoring.stream.leave, self._session)

    def tell(self, message: dict[str, Any]) -> None:
        """Send when its turn comes; who is too slow for too long is cut off, and can come again."""
        try:
            self._unsent.put_nowait(message)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        while not self._unsent.empty():
            self._unsent.get_nowait()
        self._unsent.put_nowait(None)

    def _hello(self, actor: Actor) -> dict[str, Any]:
        return {"type": "hello", "session_id": str(self._session), "server_name": self._library.base_url,
                "tenant_id": str(actor.tenant_uuid), "ts": moment(datetime.now(UTC))}  # fmt: skip

    async def _send(self) -> None:
        while (message := await self._unsent.get()) is not None:
            await self._socket.send_text(json.dumps(message))
        raise Unavailable

    async def _listen(self, actor: Actor) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or ""
            try:
                asked = json.loads(text) if len(text) <= MAX_MESSAGE_CHARS else None
            except (ValueError, RecursionError):
                asked = None
            await self._answer(actor, asked if isinstance(asked, dict) else {})

    async def _answer(self, actor: Actor, asked: dict[str, Any]) -> None:
        action, room, artifact = asked.get("action"), asked.get("room_id"), asked.get("artifact_id")
        if action == "ping":
            self.tell({"type": "pong"})
        elif action == "view" and isinstance(room, str) and isinstance(artifact, str):
            await self._view(actor, room_uuid(room), uuid_in(artifact))
        elif action == "leave":
            self._viewed = None
            await in_thread(self._library.authoring.stream.leave, self._session)
        else:
            self._refuse("SW_BAD_REQUEST", "Expected an action: view (room_id, artifact_id), leave, ping")

    async def _view(self, actor: Actor, room: UUID | None, artifact: UUID | None) -> None:
        try:
            await in_thread(self._library.authoring.stream.view, actor, self._session, room, artifact)
            self._viewed = (room, artifact)
        except LibraryError as error:
            self._viewed = None
            self._refuse(code_of(error), error.message)

    async def _keep(self, actor: Actor) -> None:
        """Say that we are there, and look whether they still may be."""
        checked = time.monotonic()
        while True:
            await asyncio.sleep(PING_SECONDS)
            self.tell({"type": "ping"})
            if self._viewed is not None:
                await self._view(actor, *self._viewed)
            if time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                with suppress(Unavailable):
                    await entered(self._library, self._socket, SCOPE)

    def _refuse(self, code: str, message: str) -> None:
        self.tell({"type": "error", "error": {"code": code, "message": message}})


def _message(news: News) -> dict[str, Any]:
    it = news.event
    return {
        "type": it.kind,
        "id": f"evt-{it.uuid}",
        "room_id": f"{ROOM_PREFIX}{it.room_uuid}",
        "tenant_id": str(it.tenant_uuid),
        "ts": moment(it.created_at),
        "content": json.loads(it.content),
    }

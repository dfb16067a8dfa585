"""`/api/v2/events`: what happens in the library, for those who cannot be called; a route of ours (docs/webhooks.md).

As server-sent events to whoever asks for `text/event-stream`, otherwise what is new as one page.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from mediatheque.core.access import require
from mediatheque.core.events import Following, News, Topic
from mediatheque.core.library import Library
from mediatheque.errors import Invalid, LibraryError, Unavailable
from mediatheque.surfaces.files.errors import ERRORS, ErrorResponse
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.http import Door, actor_of, address_of, in_thread, json_response, scope

STREAM = "text/event-stream"
MAX_STREAMS = 256
"""At the same time, of one process."""
LOOK_SECONDS, QUIET_SECONDS = 0.5, 10.0
"""Between two looks at least; without a hint at most."""
PING_SECONDS, RECHECK_SECONDS = 15.0, 30.0
RETRY_MS = 3000
MAX_CURSOR = (1 << 63) - 1
SCOPE = "files.read"


class EventObject(BaseModel):
    """The same as a webhook is told; `cursor`: where to go on after it."""

    id: str
    type: Topic
    timestamp: str
    data: dict[str, Any]
    cursor: str


class EventPage(BaseModel):
    events: list[EventObject]
    cursor: str


_ANSWERS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    200: {"model": EventPage, "content": {STREAM: {"schema": {"type": "string"}}}},
    410: {"model": ErrorResponse},
}


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["webhooks"], responses=_ANSWERS)
    open_streams: set[object] = set()

    @router.get("/api/v2/events", response_model=EventPage)
    @scope(SCOPE)
    async def follow_events(
        request: Request,
        after: Annotated[int | None, Query(ge=0, le=MAX_CURSOR)] = None,
        types: Annotated[str | None, Query(max_length=255)] = None,
        last_event_id: Annotated[str | None, Header(max_length=255)] = None,
    ) -> Response:
        """What has happened since the cursor `after` (or `Last-Event-ID`, which goes before), or from now on."""
        topics = _topics(types)
        start = _cursor(last_event_id) if last_event_id else after
        following = await in_thread(library.authoring.events.follow, actor_of(request), start)
        if STREAM not in request.headers.get("accept", ""):
            told = await in_thread(following.news)
            shown = [_shape(it) for it in told if it.topic in topics]
            return json_response(EventPage(events=shown, cursor=str(following.cursor)))
        if len(open_streams) >= MAX_STREAMS:
            raise Unavailable("Too many event streams")
        pieces = _told(library, request, following, topics, open_streams)
        return StreamingResponse(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
                                 media_type=STREAM)  # fmt: skip

    return router


async def _told(
    library: Library, request: Request, following: Following, topics: frozenset[Topic], open_streams: set[object]
) -> AsyncIterator[str]:
    """Frames, until the client goes or its credential does not count any more."""
    loop, stirred, seat = asyncio.get_running_loop(), asyncio.Event(), object()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(stirred.set)

    open_streams.add(seat)
    try:
        with library.news.heard(wake):
            yield f"retry: {RETRY_MS}\nid: {following.cursor}\n\n"
            pinged = checked = time.monotonic()
            while not library.news.is_over:
                stirred.clear()
                with suppress(Unavailable):  # the next look tells
                    while told := await in_thread(following.news):
                        for it in told:
                            if it.topic in topics:
                                yield _frame(it)
                                pinged = time.monotonic()
                if time.monotonic() - pinged > PING_SECONDS:
                    pinged = time.monotonic()
                    yield f"id: {following.cursor}\n: ping\n\n"
                if time.monotonic() - checked > RECHECK_SECONDS:
                    checked = time.monotonic()
                    if not await _may_stay(library, request):
                        return
                with suppress(TimeoutError):
                    await asyncio.wait_for(stirred.wait(), QUIET_SECONDS)
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        open_streams.discard(seat)


async def _may_stay(library: Library, request: Request) -> bool:
    try:
        headers = request.headers.getlist("authorization")
        actor, _ = await in_thread(library.access.enter, headers, address_of(request))
        require(actor, SCOPE)
    except Unavailable:
        return True
    except LibraryError:
        return False
    return True


def _topics(types: str | None) -> frozenset[Topic]:
    if not types:
        return frozenset(Topic)
    asked = {it.strip() for it in types.split(",")}
    if not asked <= set(Topic):
        raise Invalid(f"One or more of {', '.join(sorted(Topic))}", field=("query", "types"), kind="events")
    return frozenset(Topic(it) for it in asked)


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid("Not a cursor of ours", field=("header", "Last-Event-ID"), kind="cursor")
    return int(text)


def _shape(it: News) -> EventObject:
    return EventObject(
        id=f"evt-{it.uuid}", type=it.topic, timestamp=moment(it.created_at), data=dict(it.content),
        cursor=str(it.cursor),
    )  # fmt: skip


def _frame(it: News) -> str:
    body = _shape(it).model_dump(mode="json", exclude={"cursor"})
    return f"id: {it.cursor}\nevent: {it.topic}\ndata: {json.dumps(body)}\n\n"

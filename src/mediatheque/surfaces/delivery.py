"""Stored bytes over HTTP, outside the framework: validators, ranges, and a small cache of hot objects in memory.

An entry is good while the asset's generation stands still and for at most a second without a look at the row
(decisions 6): a deletion shows at once on this machine, and within that second on others.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mediatheque.core.generations import Generations
from mediatheque.core.media import WHOLE_BYTES, Media, Served
from mediatheque.errors import LibraryError, MethodNotAllowed, RangeNotSatisfiable
from mediatheque.surfaces.headers import MEDIA, request_id
from mediatheque.surfaces.http import RenderError, Send, in_thread

CACHE_BYTES = 64 << 20
FRESH_SECONDS = 0.75
GRACE_SECONDS = 0.25
"""While one request looks at the row again, others are answered from the entry for this much longer."""

MAX_DIGITS = 19
"""Of a number in a range: no object is longer than that."""

Header = tuple[bytes, bytes]
Range = tuple[int, int]


@dataclass(slots=True)
class Entry:
    """A served object with its prepared headers; `body` only of objects small enough to keep."""

    served: Served
    etag: bytes
    headers: list[Header]
    validators: list[Header]
    body: bytes | None
    slot: int
    generation: int
    fresh_until: float


class Delivery:
    def __init__(
        self, media: Media, generations: Generations, cache_control: bytes, common: tuple[Header, ...] = MEDIA
    ) -> None:
        self._media = media
        self._generations = generations
        self._counters = generations.counters
        self._cache_control = cache_control
        self._common = common
        self._entries: OrderedDict[object, Entry] = OrderedDict()
        self._held_bytes = 0

    def hot(self, key: object) -> Entry | None:
        """The entry under `key`, if it can be answered from without looking anything up."""
        entry = self._entries.get(key)
        if entry is None or self._counters[entry.slot] != entry.generation:
            return None
        now = time.monotonic()
        if entry.fresh_until < now:
            entry.fresh_until = now + GRACE_SECONDS
            return None
        return entry

    async def look(self, key: object, uuid: UUID, find: Callable[[], Served]) -> Entry:
        """Ask the library (in a thread) and remember the answer; raises what `find` raises, and forgets then."""
        try:
            entry = await in_thread(self._load, self._entries.get(key), uuid, find)
        except LibraryError:
            self._forget(key)
            raise
        if entry.served.is_final:
            self._remember(key, entry)
        return entry

    async def answer(self, entry: Entry, scope: dict[str, Any], send: Send, *more: Header) -> None:
        """Send the object, with `more` headers: 304, 206, or all of it; HEAD without a body.

        Raises `RangeNotSatisfiable`.
        """
        known, wanted, condition = _conditions(scope["headers"])
        final = entry.served.is_final
        if known is not None and final and (known == entry.etag or _matches(known, entry.etag)):
            await _send(send, 304, [*entry.validators, *more, (b"x-request-id", request_id())])
            return
        span = _range(wanted, entry.served.size_bytes) if wanted and condition in {None, entry.etag} else None
        status, headers = 200, entry.headers
        if span is not None:
            status, headers = 206, _partial(entry, span)
        headers = [*headers, *more, (b"x-request-id", request_id())]
        if scope["method"] == "HEAD":
            await _send(send, status, headers)
        elif entry.body is not None:
            await _send(send, status, headers, entry.body if span is None else entry.body[span[0] : span[1]])
        else:
            await self._stream(entry, status, headers, span, scope, send)

    async def _stream(
        self, entry: Entry, status: int, headers: list[Header], span: Range | None, scope: dict[str, Any], send: Send
    ) -> None:
        file = await in_thread(self._media.path, entry.served)
        if file is not None and span is None and "http.response.pathsend" in scope.get("extensions", ()):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.pathsend", "path": str(file)})
            return
        start, end = span or (0, entry.served.size_bytes)
        pieces = await in_thread(self._media.pieces, entry.served, start=start, end=end)
        first = await in_thread(next, pieces, b"")
        await send({"type": "http.response.start", "status": status, "headers": headers})
        piece = first
        while piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await in_thread(next, pieces, b"")
        await send({"type": "http.response.body", "body": b""})

    def _load(self, old: Entry | None, uuid: UUID, find: Callable[[], Served]) -> Entry:
        slot = self._generations.slot(uuid)
        generation = self._counters[slot]  # before the row is read: a change after that makes the entry stale
        served = find()
        body = None
        if old is not None and old.served.key == served.key:
            body = old.body
        if body is None and served.size_bytes <= WHOLE_BYTES:
            body = self._media.whole(served)
        return self._entry(served, body, slot, generation)

    def _entry(self, served: Served, body: bytes | None, slot: int, generation: int) -> Entry:
        etag = f'"{served.sha256}"'.encode()
        caching = self._cache_control if served.is_final else b"no-store"
        validators = [(b"etag", etag), (b"cache-control", caching), *self._common]
        headers = [
            (b"content-type", served.media_type.encode()),
            (b"content-length", str(served.size_bytes).encode()),
            (b"accept-ranges", b"bytes"),
            *validators,
        ]
        return Entry(served, etag, headers, validators, body, slot, generation, time.monotonic() + FRESH_SECONDS)

    def _remember(self, key: object, entry: Entry) -> None:
        self._forget(key)
        self._entries[key] = entry
        self._held_bytes += _held(entry)
        while self._held_bytes > CACHE_BYTES:
            _, gone = self._entries.popitem(last=False)
            self._held_bytes -= _held(gone)

    def _forget(self, key: object) -> None:
        old = self._entries.pop(key, None)
        self._held_bytes -= _held(old) if old else 0


async def refuse(error: LibraryError, render: RenderError, method: str, send: Send) -> None:
    """Answer with the error in the dialect's shape, never cacheable."""
    identity = request_id()
    body = bytes(render(error, identity.decode()).body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", identity),
        *MEDIA,
    ]
    if isinstance(error, RangeNotSatisfiable):
        headers.append((b"content-range", f"bytes */{error.size_bytes}".encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", b"GET, HEAD"))
    if error.retry_after_seconds:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    await _send(send, error.status, headers, b"" if method == "HEAD" else body)


ENTRY_BYTES = 2048
"""What an entry costs beside its body, roughly."""


def _held(entry: Entry) -> int:
    return ENTRY_BYTES + (len(entry.body) if entry.body else 0)


def _conditions(headers: Iterable[Header]) -> tuple[bytes | None, bytes | None, bytes | None]:
    """If-None-Match, Range and If-Range of a request."""
    known = wanted = condition = None
    for name, value in headers:
        if name == b"if-none-match":
            known = value
        elif name == b"range":
            wanted = value
        elif name == b"if-range":
            condition = value
    return known, wanted, condition


def _matches(known: bytes, etag: bytes) -> bool:
    """RFC 9110, 13.1.2: any of a list, weak ones compared as strong, or `*`."""
    tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
    return b"*" in tags or etag in tags


def _range(wanted: bytes, size: int) -> Range | None:
    """The one byte range that was asked for, None to send everything: other units, several ranges, bad syntax."""
    unit, _, ranges = wanted.partition(b"=")
    first, dash, last = ranges.strip().partition(b"-")
    if unit.strip().lower() != b"bytes" or not dash or b"," in ranges or not (first or last):
        return None
    if not (first + last).isdigit() or max(len(first), len(last)) > MAX_DIGITS:
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RangeNotSatisfiable(size)
    return start, end


def _partial(entry: Entry, span: Range) -> list[Header]:
    start, end = span
    kept = [header for header in entry.headers if header[0] != b"content-length"]
    content_range = f"bytes {start}-{end - 1}/{entry.served.size_bytes}".encode()
    return [*kept, (b"content-length", str(end - start).encode()), (b"content-range", content_range)]


async def _send(send: Send, status: int, headers: list[Header], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

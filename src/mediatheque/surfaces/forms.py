"""multipart/form-data, streamed: the file goes to a staged file in pieces of 1 MiB, never whole into memory."""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from fastapi import Request
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from mediatheque.core.staging import Staged
from mediatheque.errors import BadRequest, Invalid, LibraryError, TooLarge, Unavailable
from mediatheque.surfaces.http import IDEMPOTENCY_KEY, in_thread

PIECE_BYTES = 1 << 20
OVERHEAD_BYTES = 1 << 20
"""What a form may hold beside the file: fields, headers, boundaries."""
FIELD_BYTES = 64 << 10
MAX_PARTS = 64
MAX_BOUNDARY_CHARS = 200
HEADER_BYTES = 32 << 10
"""Of one header of a part: a file name of thousands of characters is cut, not refused."""
MAX_UPLOADS = 512
"""Received at the same time by one process."""
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "windows-1252"})
"""Of a text field; Python's other codecs are slow, or no charsets at all."""


@dataclass(slots=True)
class Form:
    """A received form: its text fields, and its one file with the client's name for it."""

    staged: Staged = field(init=False)
    filename: str = ""
    declared_type: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    has_file: bool = False


@asynccontextmanager
async def received(
    request: Request, stage: Callable[[], Staged], max_bytes: int, form: Form | None = None
) -> AsyncIterator[Form]:
    """The form of a request whose field `file` is a file; the staged file is removed when the block ends.

    `form` is filled as it comes, for who wants to know what came before a refusal. Raises `Invalid` (no file, or two),
    `TooLarge`, `BadRequest`, `Unavailable` (too many uploads at the same time), and what staging raises.
    """
    boundary = boundary_of(request, missing_file())
    declared = int(request.headers.get("content-length", "-1"))
    if declared > max_bytes + OVERHEAD_BYTES:
        raise TooLarge
    with uploads.place(), ExitStack() as stack:
        form = form or Form()
        try:
            await _Reader(form, boundary, lambda: stack.enter_context(stage())).read(request)
        except ParserLimitReached as error:
            raise TooLarge(str(error)) from error
        except (MultipartError, UnicodeDecodeError) as error:
            raise BadRequest("Malformed multipart body") from error
        if not form.has_file:
            raise missing_file()
        yield form


@asynccontextmanager
async def staged_body(request: Request, stage: Callable[[], Staged], max_bytes: int) -> AsyncIterator[Staged]:
    """A request's body as it is, staged; raises `TooLarge` and what staging raises."""
    if int(request.headers.get("content-length", "-1")) > max_bytes:
        raise TooLarge
    with uploads.place(), await in_thread(stage) as staged:
        async for piece in gathered(request.stream()):
            await in_thread(staged.write, piece)
        yield staged


async def gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of 1 MiB or a little more; what came before a failure comes before it here, too."""
    pieces: list[bytes] = []
    size, failure = 0, None
    try:
        async for chunk in chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size >= PIECE_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
    except (ClientDisconnect, LibraryError) as error:
        failure = error
    if size:
        yield b"".join(pieces)
    if failure is not None:
        raise failure


async def fields_of(request: Request) -> dict[str, str]:
    """The text fields of a form without files, multipart or urlencoded; raises `BadRequest`."""
    body = await request.body()
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    try:
        if kind != "multipart/form-data":
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_PARTS))
        return dict(_parts(boundary_of(request, BadRequest("Malformed form")), body))
    except (MultipartError, ValueError) as error:
        raise BadRequest("Malformed form") from error


def _parts(boundary: str, body: bytes) -> Iterator[tuple[str, str]]:
    name, text = "", bytearray()
    with PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                name = event.name
                text.clear()
            elif event is None:
                yield name, text.decode()
            else:
                text += event


def form_document(fields: dict[str, Any]) -> dict[str, Any]:
    """What the OpenAPI document says of a route that takes such a form: `file`, these text fields, and the header."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}
    body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"parameters": [IDEMPOTENCY_KEY], "requestBody": body}


def missing_file() -> Invalid:
    return Invalid("Field required", field=("body", "file"), kind="missing")


def filename_of(part: MultipartSegment) -> str | None:
    """The client's name for a part's file, None of a text; RFC 5987's spelling, as .NET's clients send it, first."""
    found = _EXTENDED.search(_QUOTED.sub("", part.header("Content-Disposition") or ""))
    return unquote(found[2], encoding=found[1], errors="replace") if found else part.filename


_QUOTED = re.compile(r'"[^"]*"')
_EXTENDED = re.compile(r";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^\s;\"]+)", re.IGNORECASE)


class _Crowd:
    """Counts the uploads that this process is receiving, on its one event loop."""

    def __init__(self) -> None:
        self._present = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises `Unavailable` at once when there is no room for one more: each holds up to a few MiB of memory."""
        if self._present >= MAX_UPLOADS:
            raise Unavailable(retry_after_seconds=1)
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1


uploads = _Crowd()


class _Reader:
    """Feeds the parser, in pieces of 1 MiB and in a thread, and keeps what it finds."""

    def __init__(self, form: Form, boundary: str, stage: Callable[[], Staged]) -> None:
        self._form = form
        self._stage = stage
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS, max_header_size=HEADER_BYTES)
        self._part: MultipartSegment | None = None
        self._filename: str | None = None
        self._text = bytearray()
        self._other_bytes = 0

    async def read(self, request: Request) -> None:
        chunks: list[bytes] = []
        pending_bytes, enough_bytes = 0, 1
        async for chunk in request.stream():
            chunks.append(chunk)
            pending_bytes += len(chunk)
            if pending_bytes >= enough_bytes:
                await in_thread(self._parse, chunks)
                chunks, pending_bytes, enough_bytes = [], 0, PIECE_BYTES
        if pending_bytes:
            await in_thread(self._parse, chunks)
        elif enough_bytes == 1:  # nothing came at all
            raise missing_file()
        self._parser.close()

    def _parse(self, chunks: Iterable[bytes]) -> None:
        for chunk in filter(None, chunks):  # the parser takes an empty one for the end
            self._other_bytes += len(chunk)
            for event in self._parser.parse(chunk):
                self._take(event)
            if self._other_bytes > OVERHEAD_BYTES:
                raise BadRequest("Too much beside the file in the form")

    def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._is_file:
            self._form.staged.write(event)
            self._other_bytes -= len(event)
        else:
            self._text += event
            if len(self._text) > FIELD_BYTES:
                name = self._part.name if self._part is not None else ""
                raise Invalid("The form field is too long", field=("body", name), kind="string_too_long")

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._filename = part, filename_of(part)
        self._text.clear()
        if self._is_file:
            if self._form.has_file:
                raise Invalid("Only one file is taken", field=("body", "file"), kind="too_many_files")
            self._form.staged = self._stage()
            self._form.has_file = True
            self._form.filename = self._filename or ""
            self._form.declared_type = part.header("Content-Type") or ""

    def _end(self) -> None:
        part = self._part
        if part is not None and self._filename is None:
            charset = (part.charset or "utf-8").lower()
            if charset not in CHARSETS:
                raise BadRequest("Unknown charset in the form")
            self._form.fields[part.name] = self._text.decode(charset)

    @property
    def _is_file(self) -> bool:
        part = self._part
        return part is not None and part.name == "file" and self._filename is not None


def boundary_of(request: Request, otherwise: LibraryError) -> str:
    """What parts the form; raises `otherwise` for a body that is no multipart form, `BadRequest`."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        raise otherwise
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= MAX_BOUNDARY_CHARS:
        raise BadRequest("Malformed multipart boundary")
    return boundary

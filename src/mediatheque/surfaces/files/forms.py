"""A form with many files, streamed: each goes to a staged file of its own, and one that is too large is let pass by."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import Request
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from mediatheque.core.batches import Incoming
from mediatheque.core.staging import Staged
from mediatheque.errors import BadRequest, Invalid, TooLarge
from mediatheque.surfaces.forms import (
    FIELD_BYTES,
    HEADER_BYTES,
    OVERHEAD_BYTES,
    PIECE_BYTES,
    boundary_of,
    filename_of,
    uploads,
)
from mediatheque.surfaces.http import in_thread

FIELD = "files"
OTHER_PARTS = 32


@dataclass(slots=True)
class Files:
    """A received form: its text fields, and its files in the order in which they came."""

    files: list[Incoming] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def received_files(
    request: Request, stage: Callable[[], Staged], max_files: int, max_bytes: int
) -> AsyncIterator[Files]:
    """The form of a request whose field `files` comes once or more; staged files are removed when the block ends.

    Raises `Invalid` (no file), `TooLarge` (too many), `BadRequest`, `Unavailable`, and what staging raises.
    """
    missing = Invalid("Field required", field=("body", FIELD), kind="missing")
    boundary = boundary_of(request, missing)
    if int(request.headers.get("content-length", "-1")) > max_files * max_bytes + OVERHEAD_BYTES:
        raise TooLarge
    reader = _Reader(boundary, stage, max_files)
    with uploads.place():
        try:
            await reader.read(request)
            if not reader.form.files:
                raise missing
            yield reader.form
        except ParserLimitReached as error:
            raise TooLarge(str(error)) from error
        except (MultipartError, UnicodeDecodeError) as error:
            if not reader.has_begun:
                raise missing from error
            raise BadRequest("Malformed multipart body") from error
        finally:
            await in_thread(_discard, reader.form)


class _Reader:
    """Feeds the parser and gathers what it yields; bytes of files wait until a thread can write them."""

    def __init__(self, boundary: str, stage: Callable[[], Staged], max_files: int) -> None:
        self.form = Files()
        self._stage = stage
        self._max_files = max_files
        self._parser = PushMultipartParser(
            boundary, max_segment_count=max_files + OTHER_PARTS, max_header_size=HEADER_BYTES
        )
        self.has_begun = False
        self._file: Incoming | None = None
        self._field = ""
        self._text = bytearray()
        self._pending: list[tuple[Incoming, bytes]] = []
        self._pending_bytes = 0
        self._other_bytes = 0

    async def read(self, request: Request) -> None:
        with self._parser:
            async for chunk in request.stream():
                self.has_begun = self.has_begun or bool(chunk)
                for event in self._parser.parse(chunk) if chunk else ():
                    self._take(event)
                if self._other_bytes > OVERHEAD_BYTES:
                    raise BadRequest("Too much beside the files in the form")
                if self._pending_bytes >= PIECE_BYTES:
                    await self._flush()
        await self._flush()

    def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            if self._field:
                self.form.fields[self._field] = self._text.decode()
        elif self._file is not None:
            self._pending.append((self._file, bytes(event)))
            self._pending_bytes += len(event)
        else:
            self._other_bytes += len(event)
            self._text += event
            if len(self._text) > FIELD_BYTES:
                raise TooLarge("A form field is too long")

    def _begin(self, part: MultipartSegment) -> None:
        self._other_bytes += 100
        filename = filename_of(part)
        if part.name == FIELD and filename is not None:
            if len(self.form.files) == self._max_files:
                raise TooLarge(f"At most {self._max_files} files are taken at once")
            self._file, self._field = Incoming(filename), ""
            self.form.files.append(self._file)
        else:
            self._file, self._field = None, part.name if filename is None else ""
            self._text.clear()

    async def _flush(self) -> None:
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        if pending:
            await in_thread(self._write, pending)

    def _write(self, pending: list[tuple[Incoming, bytes]]) -> None:
        for it, piece in pending:
            if it.error is not None:
                continue
            if it.staged is None:
                it.staged = self._stage()
            try:
                it.staged.write(piece)
            except TooLarge as error:
                it.error = error
                it.staged.discard()
                it.staged = None


def _discard(form: Files) -> None:
    for it in form.files:
        if it.staged is not None:
            it.staged.discard()

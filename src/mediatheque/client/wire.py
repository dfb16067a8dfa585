"""What an operation is made of: steps that it asks for, and the bytes that go either way. Nothing here sends anything.

An operation is a generator: it yields steps and is sent what they came to. So it is written once, and carried out by a
client that waits as well as by one that awaits.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import httpx

PIECE_BYTES = 1 << 20

Result = TypeVar("Result")
Item = TypeVar("Item")
Progress = Callable[[int, int | None], None]
"""Told how many bytes have gone, and of how many, if that is known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes to send, from any offset, any number of times."""

    name: str
    size_bytes: int
    _open: Callable[[], BinaryIO]
    _is_ours: bool = True

    @classmethod
    def of(cls, content: "Path | str | bytes | BinaryIO", name: str | None = None) -> "Source":
        """A file by its path, bytes, or an open file that can be read again from where it is now."""
        if isinstance(content, str | Path):
            path = Path(content)
            return cls(name or path.name, path.stat().st_size, lambda: path.open("rb"))
        if isinstance(content, bytes):
            return cls(name or "file", len(content), lambda: BytesIO(content))
        start = content.tell()
        size_bytes = content.seek(0, 2) - start

        def rewound() -> BinaryIO:
            content.seek(start)
            return content

        return cls(name or Path(str(getattr(content, "name", "file"))).name, size_bytes, rewound, _is_ours=False)

    def pieces(self, offset: int = 0) -> Iterator[bytes]:
        with self.opened() as file:
            file.seek(offset, 1)
            while piece := file.read(PIECE_BYTES):
                yield piece

    def head(self, size_bytes: int) -> bytes:
        with self.opened() as file:
            return file.read(size_bytes)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        file = self._open()
        try:
            yield file
        finally:
            if self._is_ours:
                file.close()


@dataclass(slots=True)
class Sink:
    """Where an answer's bytes go. A download that broke off goes on where it was, if the file is still the same."""

    file: BinaryIO
    progress: Progress | None = None
    written: int = 0
    total: int | None = None
    _etag: str | None = None

    def headers(self) -> dict[str, str]:
        return {"Range": f"bytes={self.written}-", "If-Range": self._etag} if self.written and self._etag else {}

    def begin(self, answer: httpx.Response) -> None:
        if answer.status_code != 206:
            self.file.seek(0)
            self.file.truncate()
            self.written = 0
        self._etag = answer.headers.get("etag")
        length = answer.headers.get("content-length", "")
        self.total = self.written + int(length) if length.isdigit() else None

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.written += len(piece)
        if self.progress:
            self.progress(self.written, self.total)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `is_repeatable`: sent twice it does no more than once."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    source: Source | None = None
    offset: int = 0
    progress: Progress | None = None
    sink: Sink | None = None
    key: str | None = None
    """An `Idempotency-Key`, with which the server makes a thing once."""
    repeats: bool = False

    @property
    def is_repeatable(self) -> bool:
        return self.repeats or self.key is not None or self.method in {"GET", "HEAD"}

    def arguments(self) -> dict[str, Any]:
        """What httpx is told, but for a body that streams."""
        headers = dict(self.headers)
        headers |= {"Idempotency-Key": self.key} if self.key else {}
        headers |= self.sink.headers() if self.sink else {}
        given: dict[str, Any] = {"params": _params(self.params), "headers": headers}
        if self.form is not None and self.source is not None:
            content = b"".join(self.source.pieces())
            return given | {"data": dict(self.form), "files": {"file": (self.source.name, content)}}
        if self.source is not None:
            headers["Content-Length"] = str(self.source.size_bytes - self.offset)
        return given if self.json is None else given | {"json": self.json}

    @property
    def streams(self) -> bool:
        return self.source is not None and self.form is None

    def pieces(self) -> Iterator[bytes]:
        """The body that streams, with progress told for what has gone."""
        assert self.source is not None
        gone = self.offset
        for piece in self.source.pieces(self.offset):
            yield piece
            gone += len(piece)
            if self.progress:
                self.progress(gone, self.source.size_bytes)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Steps that are tried again together, from the first one."""

    make: Callable[[], "Plan[Any]"]


@dataclass(frozen=True, slots=True)
class Work:
    """Something that takes the processor or the disk a while."""

    do: Callable[[], Any]


Step = Call | Attempts | Work
Plan = Generator[Step, Any, Result]


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    items: Sequence[Item]
    total: int
    has_more: bool


Fetch = Callable[[int], Plan[Page[Item]]]
"""A page of a list, by the offset at which it begins."""


def one(call: Call, shape: Callable[[Any], Result], *, within: str | None = None) -> Plan[Result]:
    """A request whose JSON has that shape; `within`: the key below which it lies."""
    answer = yield call
    body = answer.json()
    return shape(body[within] if within else body)


def given(**values: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in params.items() if value not in (None, (), [])}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | frozenset | set) else value

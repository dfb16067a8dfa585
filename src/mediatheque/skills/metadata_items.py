"""Metadata items of HEIC and AVIF: EXIF and XMP that lie among the pixels' items, found by the file's own index.

Runs in a decoder child.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mediatheque.errors import Malformed
from mediatheque.privacy import MetadataPolicy
from mediatheque.skills.metadata_bytes import FileBytes

EMPTY_TIFF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 8 << 20
Span = tuple[int, int]


def item_edits(
    data: FileBytes,
    start: int,
    end: int,
    policy: MetadataPolicy,
    located: Callable[[bytes], bool],
    slim: Callable[[bytes, int, MetadataPolicy], bytes | None],
) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, bytes) of what becomes of the items in a `meta` box, each as long as before."""
    names = dict(_inner(data, start + 4, end))
    sorts = _sorts(data, names)
    for item, spans in _places(data, names):
        sort = sorts.get(item)
        if sort is None:
            continue
        length = sum(last - first for first, last in spans)
        if length > MAX_ITEM_BYTES:
            raise Malformed("The picture's metadata are too large")
        content = b"".join(data[first:last] for first, last in spans)
        new = _renewed(sort, content, policy, located, slim)
        if new is not None and new != content:
            position = 0
            for first, last in spans:
                yield first, last, new[position : position + last - first]
                position += last - first


def _renewed(sort: bytes, content: bytes, policy: MetadataPolicy, located: Any, slim: Any) -> bytes | None:
    """What the item says now, in as many bytes; None: what it says may stay."""
    if sort == b"Exif":
        offset = 4 + int.from_bytes(content[:4], "big")
        tiff = content[offset:]
        kept = slim(tiff, 1, policy)
        if kept is tiff:
            return None
        new = b"\0\0\0\0" + (kept or EMPTY_TIFF)
        new = new if len(new) <= len(content) else b"\0\0\0\0" + EMPTY_TIFF
        return new.ljust(len(content), b"\0")[: len(content)]
    if sort == b"xmp" and policy is MetadataPolicy.STRIP_LOCATION and not located(content):
        return None
    return b" " * len(content)


def _inner(data: FileBytes, start: int, end: int) -> Iterator[tuple[bytes, Span]]:
    """Name and body of the boxes below `meta`, of each name one."""
    from mediatheque.skills.metadata_boxes import boxes

    return ((it.name, (it.body, it.end)) for it in boxes(data, start, end))


def _sorts(data: FileBytes, names: dict[bytes, Span]) -> dict[int, bytes]:
    """Items that are metadata: `Exif`, `xmp`, or `other`, which nobody can look into."""
    if b"iinf" not in names:
        raise Malformed("The picture's index is damaged")
    start, end = names[b"iinf"]
    head = 6 if data.number(start, 1) == 0 else 8
    found: dict[int, bytes] = {}
    for name, (body, last) in _inner(data, start + head, end):
        version = data.number(body, 1) if name == b"infe" else 0
        if version < 2:
            continue
        wide = 2 if version == 2 else 4
        item = data.number(body + 4, wide)
        sort = data[body + 6 + wide : body + 10 + wide]
        if sort == b"Exif":
            found[item] = sort
        elif sort in (b"mime", b"uri "):
            is_xmp = b"application/rdf+xml" in data[body + 10 + wide : last]
            found[item] = b"xmp" if is_xmp else b"other"
        if len(found) > MAX_ITEMS:
            raise Malformed("The picture has too many items")
    return found


def _places(data: FileBytes, names: dict[bytes, Span]) -> Iterator[tuple[int, list[Span]]]:
    """Where each item's bytes lie in the file (ISO/IEC 14496-12, 8.11.3)."""
    if b"iloc" not in names:
        raise Malformed("The picture's index is damaged")
    position, end = names[b"iloc"]
    inner = names.get(b"idat", (0, 0))
    version = data.number(position, 1)
    sizes = data.number(position + 4, 2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version in (1, 2) else 0
    reader = _Reader(data, position + 6, end)
    for _ in range(min(reader.number(2 if version < 2 else 4), MAX_ITEMS)):
        item = reader.number(2 if version < 2 else 4)
        method = reader.number(2) & 15 if version in (1, 2) else 0
        reader.number(2)
        base = reader.number(base_bytes)
        spans: list[Span] = []
        for _ in range(reader.number(2)):
            reader.number(index_bytes)
            first = base + reader.number(offset_bytes)
            length = reader.number(length_bytes)
            first += inner[0] if method == 1 else 0
            if method > 1 or first + length > len(data):
                spans = []
                break
            spans.append((first, first + length))
        yield item, spans


class _Reader:
    """Numbers one after another, which may not reach beyond their box."""

    def __init__(self, data: FileBytes, position: int, end: int) -> None:
        self._data, self._position, self._end = data, position, end

    def number(self, length: int) -> int:
        if self._position + length > self._end:
            raise Malformed("The picture's index is damaged")
        self._position += length
        return self._data.number(self._position - length, length)

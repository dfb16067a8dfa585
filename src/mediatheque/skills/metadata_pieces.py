"""Where metadata lie in pictures' containers: JPEG, PNG, WebP and GIF, walked over mapped bytes, nothing inflated.

Runs in a decoder child. A walker yields what can be taken out without touching a pixel; all else is the picture.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from mmap import mmap

from mediatheque.errors import Malformed

MAX_PIECES = 20_000
KEPT_PNG_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI",
     b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip
PNG_TEXTS = frozenset({b"tEXt", b"iTXt", b"zTXt", b"tIME"})
KEPT_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
EXIF_FLAG, XMP_FLAG = 0x08, 0x04
KEPT_GIF_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
MAX_SEGMENT_BYTES = 65533
MARKER = re.compile(rb"\xff[^\x00\xff]")
"""The next marker, past fill bytes and past stray bytes, which decoders skip as well."""
SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Behind the entropy-coded bytes of a scan: a marker that is neither stuffing nor a restart."""


class Sort(StrEnum):
    """What a piece is. OPAQUE: nobody can tell what it says without more work than it is worth."""

    EXIF = "exif"
    TEXT = "text"
    C2PA = "c2pa"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `end` of the file; what it says lies from `content` on, in EXIF a TIFF structure."""

    start: int
    end: int
    sort: Sort
    content: int


def jpeg(data: mmap) -> Iterator[Piece]:
    """APPn and comments but JFIF, colour profile and Adobe's transform; and what follows the end of the image."""
    position = 2
    while True:
        position = _found(MARKER, data, position)
        marker = data[position + 1]
        if marker == END_OF_IMAGE:
            if position + 2 < len(data):
                yield Piece(position + 2, len(data), Sort.OPAQUE, position + 2)
            return
        end = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
        if marker == 0xFE or 0xE0 <= marker <= 0xEF:
            sort = _segment_sort(marker, data[position + 4 : min(end, position + 40)])
            if sort is not None:
                yield Piece(position, end, sort, position + 4 + (len(EXIF_HEAD) if sort is Sort.EXIF else 0))
        if marker == START_OF_SCAN:
            end = _found(SCAN_END, data, end)
        position = end


def png(data: mmap) -> Iterator[Piece]:
    """Chunks that no decoder needs, and what follows the last one."""
    position = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name == b"IEND":
            if end < len(data):
                yield Piece(end, len(data), Sort.OPAQUE, end)
            return
        if name not in KEPT_PNG_CHUNKS:
            yield Piece(
                position, end, _chunk_sort(name, data[position + 8 : position + 8 + min(length, 200)]), position + 8
            )
        position = end


def webp(data: mmap) -> Iterator[Piece]:
    """Chunks that no decoder needs, and what lies behind the RIFF."""
    end = min(8 + struct.unpack_from("<I", data, 4)[0], len(data))
    position = 12
    sorts = {b"EXIF": Sort.EXIF, b"XMP ": Sort.TEXT, b"C2PA": Sort.C2PA}
    while position + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, position)
        following = min(position + 8 + length + length % 2, end)
        if name not in KEPT_WEBP_CHUNKS:
            content = position + 8
            if name == b"EXIF" and data[content : content + 6] == EXIF_HEAD:
                content += len(EXIF_HEAD)
            yield Piece(position, following, sorts.get(name, Sort.OPAQUE), content)
        position = following
    if end < len(data):
        yield Piece(end, len(data), Sort.OPAQUE, end)


def gif(data: mmap) -> Iterator[Piece]:
    """Comments and other applications' data; not frames, their controls and the loop count."""
    position = 13 + _table_bytes(data[10])
    while data[position : position + 1] not in (b";", b""):
        start = position
        if data[position] == 0x21:
            position = _after_blocks(data, position + 2)
            label, application = data[start + 1], data[start + 3 : start + 14]
            if label == 0xFE or (label == 0xFF and application not in KEPT_GIF_APPLICATIONS):
                is_c2pa = application.startswith(b"C2PA_GIF")
                yield Piece(start, position, Sort.C2PA if is_c2pa else Sort.TEXT, start + 3)
        elif data[position] == 0x2C:
            position = _after_blocks(data, position + 11 + _table_bytes(data[position + 9]))
        else:
            position += 1  # a stray block terminator
    if position + 1 < len(data):
        yield Piece(position + 1, len(data), Sort.OPAQUE, position + 1)


WALKERS: dict[str, Callable[[mmap], Iterator[Piece]]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/webp": webp,
    "image/gif": gif,
}


def exif_piece(media_type: str, tiff: bytes) -> bytes | None:
    """The piece of that container that holds this EXIF; None: it does not fit into one."""
    if media_type == "image/jpeg":
        body = EXIF_HEAD + tiff
        return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body if len(body) <= MAX_SEGMENT_BYTES else None
    if media_type == "image/png":
        named = b"eXIf" + tiff
        return struct.pack(">I", len(tiff)) + named + struct.pack(">I", zlib.crc32(named))
    return b"EXIF" + struct.pack("<I", len(tiff)) + tiff + b"\0" * (len(tiff) % 2)


def _segment_sort(marker: int, start: bytes) -> Sort | None:
    """None: the segment belongs to the picture."""
    kept = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
    if marker in kept and start.startswith(kept[marker]):
        return None
    if marker == 0xE1 and start.startswith(EXIF_HEAD):
        return Sort.EXIF
    if marker == 0xEB and start[:2] == b"JP" and b"jumb" in start:
        return Sort.C2PA
    is_text = marker == 0xFE or (marker == 0xE1 and start.startswith(XMP_HEAD))
    return Sort.TEXT if is_text or (marker == 0xED and start.startswith(b"Photoshop")) else Sort.OPAQUE


def _chunk_sort(name: bytes, start: bytes) -> Sort:
    if name == b"eXIf":
        return Sort.EXIF
    if name == b"caBX":
        return Sort.C2PA
    is_compressed = name == b"zTXt" or (name == b"iTXt" and start.partition(b"\0")[2][:1] != b"\0")
    is_wrapped = start.startswith(b"Raw profile type")
    return Sort.TEXT if name in PNG_TEXTS and not is_compressed and not is_wrapped else Sort.OPAQUE


def _found(pattern: re.Pattern[bytes], data: mmap, position: int) -> int:
    found = pattern.search(data, position)
    if found is None:
        raise Malformed("The image is cut short")
    return found.start()


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: mmap, position: int) -> int:
    while length := data[position]:
        position += 1 + length
    return position + 1

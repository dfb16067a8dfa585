"""What the containers of our image types must look like: whole, with sane sizes, before any pixel is decoded.

Every check walks blocks over mapped bytes and inflates nothing. Each takes the bytes of the file and returns its
`Outline`, or raises `errors.Malformed`. Bytes after the end of an image are left alone.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import mmap

from mediatheque import errors

MAX_CHUNKS = 200_000
MAX_GIF_BLOCKS = 2_000_000
WALKED_JPEG_BYTES = 1 << 20

JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""All but stuffed and fill bytes and the restart markers, which have no length and belong to a scan."""
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
BETWEEN_SCANS = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})


@dataclass(frozen=True, slots=True)
class Outline:
    """Size of the canvas where the container states it (0: ask the decoder), and the number of frames."""

    width: int = 0
    height: int = 0
    frames: int = 1


def jpeg(data: mmap) -> Outline:
    """Segments, at least one scan, and an end-of-image marker behind it: one inside a thumbnail does not count.

    In small files no marker may interrupt the scans that has no business there; in large ones looking at every byte
    would take longer than all other checks together.
    """
    position, has_scan = 2, False
    while found := JPEG_MARKER.search(data, position):
        marker = data[found.end() - 1]
        if marker == END_OF_IMAGE and has_scan:
            return Outline()
        length = int.from_bytes(_piece(data, found.end(), 2), "big")
        if length < 2 or (has_scan and marker not in BETWEEN_SCANS):
            raise errors.Malformed("The JPEG's segments are damaged")
        position = found.end() + length
        has_scan = has_scan or marker == START_OF_SCAN
        if has_scan and len(data) > WALKED_JPEG_BYTES:
            if data.rfind(b"\xff\xd9", position) < 0:
                break
            return Outline()
    raise errors.Malformed("The JPEG is cut short")


def png(data: mmap) -> Outline:
    """Chunks with good checksums from IHDR, over some IDAT, to IEND (PNG specification, 5.3 and 5.6)."""
    size, has_pixels = (0, 0), False
    for name, body in _png_chunks(data):
        if name == b"IHDR":
            size = struct.unpack_from(">II", body)
        elif name == b"IDAT":
            has_pixels = True
    if not has_pixels:
        raise errors.Malformed("The PNG holds no pixels")
    return Outline(*size)


def gif(data: mmap) -> Outline:
    """Whole blocks up to the trailer, or to the end of the file where a writer forgot it; the screen and the frames."""
    width, height, flags = struct.unpack("<HHB", _piece(data, 6, 5))
    position, frames = 13 + _colour_table_bytes(flags), 0
    for _ in range(MAX_GIF_BLOCKS):
        introducer = data[position : position + 1]
        if introducer in (b";", b""):
            if not frames:
                raise errors.Malformed("The GIF holds no frame")
            return Outline(width, height, frames)
        if introducer == b"\0":
            position += 1  # a stray block terminator
            continue
        if introducer == b"!":
            position += 2
        elif introducer == b",":
            frames += 1
            position += 11 + _colour_table_bytes(_piece(data, position + 9, 1)[0])
        else:
            raise errors.Malformed("The GIF's blocks are damaged")
        position = _after_sub_blocks(data, position)
    raise errors.Malformed("The GIF has too many blocks")


def webp(data: mmap) -> Outline:
    """RIFF chunks that fill the stated size, which the file must hold; the size is the largest that one of them states.

    The decoder makes room for its first picture before it is asked for any pixel.
    """
    end = 8 + int.from_bytes(_piece(data, 4, 4), "little")
    if end > len(data):
        raise errors.Malformed("The WebP is cut short")
    names: list[bytes] = []
    position, width, height = 12, 0, 0
    while position + 8 <= end and len(names) < MAX_CHUNKS:
        name, length = struct.unpack("<4sI", data[position : position + 8])
        names.append(name)
        if name in _WEBP_SIZES:
            needed, measure = _WEBP_SIZES[name]
            stated = measure(_piece(data, position + 8, needed))
            width, height = max(width, stated[0]), max(height, stated[1])
        position += 8 + length + length % 2
        # An odd last chunk without its padding byte is common.
        if position > end + 1:
            raise errors.Malformed("The WebP's chunks are damaged")
    if not {b"VP8 ", b"VP8L", b"ANMF"} & set(names):
        raise errors.Malformed("The WebP holds no pixels")
    return Outline(width, height, max(names.count(b"ANMF"), 1))


def container(data: mmap) -> Outline:
    """Top-level boxes of an ISO base media file (HEIC, AVIF), each inside the file, `meta` among them."""
    names: set[bytes] = set()
    position, boxes = 0, 0
    while position < len(data) and boxes < MAX_CHUNKS:
        length, name = struct.unpack(">I4s", _piece(data, position, 8))
        if length == 1:
            length = int.from_bytes(_piece(data, position + 8, 8), "big")
        elif length == 0:
            length = len(data) - position
        if length < 8 or position + length > len(data):
            if {b"meta", b"mdat"} <= names:
                break  # something after the image that is no box
            raise errors.Malformed("The image's boxes are damaged or cut short")
        names.add(name)
        position, boxes = position + length, boxes + 1
    if b"meta" not in names:
        raise errors.Malformed("The file holds no image")
    return Outline()


OUTLINES: dict[str, Callable[[mmap], Outline]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/gif": gif,
    "image/webp": webp,
    "image/heic": container,
    "image/avif": container,
}


def _canvas(piece: bytes) -> tuple[int, int]:
    return int.from_bytes(piece[4:7], "little") + 1, int.from_bytes(piece[7:10], "little") + 1


def _animated(piece: bytes) -> tuple[int, int]:
    return int.from_bytes(piece[6:9], "little") + 1, int.from_bytes(piece[9:12], "little") + 1


def _lossy(piece: bytes) -> tuple[int, int]:
    return int.from_bytes(piece[6:8], "little") & 0x3FFF, int.from_bytes(piece[8:10], "little") & 0x3FFF


def _lossless(piece: bytes) -> tuple[int, int]:
    packed = int.from_bytes(piece[1:5], "little")
    return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1


_WEBP_SIZES = {b"VP8X": (10, _canvas), b"ANMF": (12, _animated), b"VP8 ": (10, _lossy), b"VP8L": (5, _lossless)}
"""How each chunk's first so many bytes state a width and a height (RFC 9649)."""


def _png_chunks(data: mmap) -> Iterator[tuple[bytes, memoryview]]:
    position = 8
    with memoryview(data) as view:
        for number in range(MAX_CHUNKS):
            length, name = struct.unpack(">I4s", _piece(data, position, 8))
            end = position + 8 + length
            checksum = int.from_bytes(_piece(data, end, 4), "big")
            with view[position + 4 : end] as checked, view[position + 8 : end] as body:
                if (
                    zlib.crc32(checked) != checksum
                    or (number == 0) != (name == b"IHDR")
                    or (number == 0 and length != 13)
                ):
                    raise errors.Malformed("The PNG's chunks are damaged")
                if name == b"IEND":
                    return
                yield name, body
            position = end + 4
    raise errors.Malformed("The PNG has too many chunks")


def _after_sub_blocks(data: mmap, position: int) -> int:
    try:
        while length := data[position]:
            position += 1 + length
    except IndexError:
        raise errors.Malformed("The file is cut short") from None
    return position + 1


def _colour_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _piece(data: mmap, position: int, length: int) -> bytes:
    piece = data[position : position + length]
    if len(piece) < length:
        raise errors.Malformed("The file is cut short")
    return piece

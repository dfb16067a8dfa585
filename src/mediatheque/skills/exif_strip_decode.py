"""Runs in a decoder child: takes the metadata out of a picture's container and leaves its pixels alone.

Colour profiles stay, since without them the picture would look different.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mediatheque import raster
from mediatheque.errors import Malformed, Unsupported
from mediatheque.skills import whole_decode as whole

KEPT_PNG_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI",
     b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip
KEPT_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
EXIF_AND_XMP_FLAGS = 0x0C
KEPT_GIF_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
MARKER = re.compile(rb"\xff[^\x00\xff]")
"""The next marker, past fill bytes and past stray bytes, which decoders skip as well."""
SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Behind the entropy-coded bytes of a scan: a marker that is neither stuffing nor a restart."""


def strip(path: str, media_type: str, orientation: int, output: str) -> dict[str, Any] | None:
    """Write the picture without metadata; facts of what was written when it had to be turned, else None."""
    if media_type in raster.OWN:
        Path(output).write_bytes(Path(path).read_bytes())  # written by us, without metadata
        return None
    if media_type not in STRIPPERS:
        raise Unsupported(f"Metadata cannot be taken out of {media_type}")
    if orientation != 1:
        with raster.decoding():
            return whole.write(whole.read(path, media_type), media_type, output)
    try:
        with (
            Path(path).open("rb") as original,
            mmap.mmap(original.fileno(), 0, access=mmap.ACCESS_READ) as data,
            Path(output).open("wb") as file,
        ):
            for piece in STRIPPERS[media_type](data):
                file.write(piece)
    except (IndexError, ValueError, struct.error):  # an empty file cannot be mapped
        raise Malformed("The image is damaged or cut short") from None
    return None


def jpeg(data: mmap.mmap) -> Iterator[bytes]:
    """Everything up to the end of the image but APPn and comments; JFIF, colour profile and Adobe's transform stay."""
    yield data[:2]
    position = 2
    while True:
        position = _found(MARKER, data, position)
        marker = data[position + 1]
        if marker == END_OF_IMAGE:
            yield data[position : position + 2]
            return
        end = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
        if _stays(marker, data[position + 4 : position + 18]):
            yield data[position:end]
        if marker == START_OF_SCAN:
            begin = end
            end = _found(SCAN_END, data, begin)
            yield data[begin:end]
        position = end


def png(data: mmap.mmap) -> Iterator[bytes]:
    yield data[:8]
    position = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name in KEPT_PNG_CHUNKS:
            yield data[position:end]
        if name == b"IEND":
            return
        position = end


def webp(data: mmap.mmap) -> Iterator[bytes]:
    end = min(8 + struct.unpack_from("<I", data, 4)[0], len(data))
    pieces, position = [], 12
    while position + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + length]
        if name == b"VP8X":
            body = bytes([body[0] & ~EXIF_AND_XMP_FLAGS]) + body[1:]
        if name in KEPT_WEBP_CHUNKS:
            pieces.append(struct.pack("<4sI", name, length) + body + b"\0" * (length % 2))
        position += 8 + length + length % 2
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, pieces))) + b"WEBP"
    yield from pieces


def gif(data: mmap.mmap) -> Iterator[bytes]:
    """Frames, their controls and the loop count; no comments and no other application's data."""
    position = 13 + _table_bytes(data[10])
    yield data[:position]
    while data[position : position + 1] not in (b";", b""):
        start = position
        if data[position] == 0x21:
            position = _after_blocks(data, position + 2)
            label, application = data[start + 1], data[start + 3 : start + 14]
            if label != 0xFE and (label != 0xFF or application in KEPT_GIF_APPLICATIONS):
                yield data[start:position]
        elif data[position] == 0x2C:
            position = _after_blocks(data, position + 11 + _table_bytes(data[position + 9]))
            yield data[start:position]
        else:
            position += 1  # a stray block terminator
    yield b";"


STRIPPERS: dict[str, Callable[[mmap.mmap], Iterator[bytes]]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/webp": webp,
    "image/gif": gif,
}


def _stays(marker: int, start: bytes) -> bool:
    if marker == 0xFE or 0xE0 <= marker <= 0xEF:
        kept = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
        return marker in kept and start.startswith(kept[marker])
    return True


def _found(pattern: re.Pattern[bytes], data: mmap.mmap, position: int) -> int:
    found = pattern.search(data, position)
    if found is None:
        raise Malformed("The image is cut short")
    return found.start()


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: mmap.mmap, position: int) -> int:
    while length := data[position]:
        position += 1 + length
    return position + 1

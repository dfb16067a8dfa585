"""Pictures that promise more than anybody should decode, made here byte by byte (safety, B1 to B6)."""

import struct
import zlib
from collections.abc import Iterator

from tests.pictures import picture

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *, bits: int = 8, colour: int = 2, whole: bool = False) -> bytes:
    """A header of that size; `whole`: with all its black pixels, too."""
    pixels = zlib.compressobj()
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = bytes(1 + (width * bits * channels + 7) // 8) if whole else b"\0" * 10
    data = b"".join(pixels.compress(row) for _ in range(height if whole else 1)) + pixels.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_with(chunks: Iterator[bytes]) -> bytes:
    """A small good PNG with further chunks behind its header."""
    good = picture("PNG")
    start = good.index(b"IDAT") - 4
    return good[:start] + b"".join(chunks) + good[start:]


def inflating(mebibytes: int) -> bytes:
    """That many zeros, compressed."""
    stream = zlib.compressobj(9)
    return b"".join(stream.compress(bytes(1 << 20)) for _ in range(mebibytes)) + stream.flush()


def webp(width: int, height: int) -> bytes:
    """A whole lossless WebP of one colour: its pixels take no bits at all."""
    bits = _Bits()
    for value, count in ((0x2F, 8), (width - 1, 14), (height - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)):
        bits.add(value, count)
    for _ in range(5):  # five prefix codes, each of one symbol
        bits.add(0b0001, 4)
    body = bits.bytes()
    data = b"WEBPVP8L" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(data)) + data


def webp_canvas(width: int, height: int, inner: bytes = b"") -> bytes:
    """An extended header of that size before another WebP's pixels, or a few."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    data = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + (inner or webp(4, 4))[12:]
    return b"RIFF" + struct.pack("<I", len(data)) + data


def gif(width: int, height: int, frames: int = 1) -> bytes:
    """Frames of one pixel on a canvas of that size."""
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(3) + b"\xff" * 3
    frame = b"\x21\xf9\x04\0\x01\0\0\0" + b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def jpeg(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A small good JPEG whose frame header says another size."""
    data = bytearray(picture("JPEG", progressive=progressive))
    start = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


class _Bits:
    """A stream of bits, the lowest first."""

    def __init__(self) -> None:
        self._value, self._count = 0, 0

    def add(self, value: int, count: int) -> None:
        self._value |= value << self._count
        self._count += count

    def bytes(self) -> bytes:
        return self._value.to_bytes((self._count + 7) // 8, "little")

"""A file's bytes by position, like mapped ones: a decoder child has no room to map a large video."""

import struct
from typing import Any, BinaryIO


class FileBytes:
    """Takes whole positions and slices with both ends, none of them negative."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = file.seek(0, 2)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, where: slice) -> bytes:
        start, end = where.start, min(where.stop, self._length)
        if start >= end:
            return b""
        self._file.seek(start)
        return self._file.read(end - start)

    def number(self, start: int, length: int) -> int:
        """Big-endian; raises ValueError beyond the end."""
        found = self[start : start + length]
        if len(found) < length:
            raise ValueError("beyond the end")
        return int.from_bytes(found, "big")

    def values(self, form: str, start: int) -> tuple[Any, ...]:
        """As `struct.unpack_from`; raises `struct.error` beyond the end."""
        return struct.unpack(form, self[start : start + struct.calcsize(form)])

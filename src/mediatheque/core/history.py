"""How versions are kept: each told by an earlier one, so that a long history of a large document stays small.

Version n is compressed with the content of another as its dictionary. Which one follows from the number (decision
0016): counted from 0, the number without its lowest bit. So at most as many have to be unpacked for any version as
its number has bits, and only one whole copy is kept, beside the newest content.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

from mediatheque.authoring import Artifact
from mediatheque.errors import NotFound
from mediatheque.records import versions
from mediatheque.records.engine import Tx
from mediatheque.records.versions import Packed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
WORTH = 0.5
"""A version that takes more than this share of its whole beside another is kept whole."""
_SHORTEST_DICTIONARY = 8
"""Bytes: the compressor takes none that is shorter."""
_SMALLEST_WINDOW, _LARGEST_WINDOW = 10, 27
"""Binary logarithms of bytes: as far back as the compressor looks."""


def whole(content: bytes) -> bytes:
    """The content compressed by itself."""
    return zstd.compress(content, level=LEVEL)


def pack(tx: Tx, artifact_id: int, number: int, content: bytes, alone: bytes) -> Packed:
    """Version `number` as it is to be kept; all versions before it are there. `alone`: the content compressed."""
    base = base_of(number)
    before = b"" if base is None else _before(tx, artifact_id, number, base)
    if len(before) < _SHORTEST_DICTIONARY:
        return Packed(None, alone)
    beside = _compressed(content, before)
    return Packed(base, beside) if len(beside) < len(alone) * WORTH else Packed(None, alone)


def unpack(tx: Tx, artifact_id: int, number: int) -> bytes:
    """The content of a version."""
    return _unpacked(versions.packed(tx, artifact_id, _way_to(number)), number)


def newest(tx: Tx, it: Artifact) -> bytes:
    return zstd.decompress(versions.newest(tx, it.id))


def newest_of(tx: Tx, artifact_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(artifact, newest content) of these, one after another, by one query for a usual page."""
    for artifact_id, packed in versions.newest_of(tx, artifact_ids):
        yield artifact_id, zstd.decompress(packed)


def content_of(tx: Tx, it: Artifact, number: int) -> bytes:
    """Raises `NotFound` for a version that the artifact does not have."""
    if not 0 < number <= it.version:
        raise NotFound(f"Version {number} not found").about("version")
    return newest(tx, it) if number == it.version else unpack(tx, it.id, number)


def base_of(number: int) -> int | None:
    """The version by which this one is told; None for the first."""
    place = number - 1
    return None if place == 0 else (place & (place - 1)) + 1


def _way_to(number: int) -> list[int]:
    """The version and all that it may rest on."""
    way = [number]
    while (base := base_of(way[-1])) is not None:
        way.append(base)
    return way


def _unpacked(kept: Mapping[int, Packed], number: int) -> bytes:
    it = kept[number]
    if it.base is None:
        return zstd.decompress(it.data)
    before = zstd.ZstdDict(_unpacked(kept, it.base), is_raw=True).as_prefix
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW}
    return zstd.decompress(it.data, zstd_dict=before, options=options)


def _before(tx: Tx, artifact_id: int, number: int, base: int) -> bytes:
    is_newest = base == number - 1
    return zstd.decompress(versions.newest(tx, artifact_id)) if is_newest else unpack(tx, artifact_id, base)


def _compressed(content: bytes, before: bytes) -> bytes:
    wide = (len(before) + len(content)).bit_length()
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.window_log: max(_SMALLEST_WINDOW, min(_LARGEST_WINDOW, wide)),
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.compress(content, options=options, zstd_dict=zstd.ZstdDict(before, is_raw=True).as_prefix)

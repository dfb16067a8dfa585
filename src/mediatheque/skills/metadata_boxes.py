"""Metadata in ISO base media files: HEIC, AVIF, MP4, QuickTime. What goes is blanked where it lies, so nothing moves.

Runs in a decoder child. Boxes that nobody knows are blanked as well: cameras keep positions in boxes of their own.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mediatheque.errors import Malformed, Unsupported
from mediatheque.privacy import MetadataPolicy
from mediatheque.skills.metadata_bytes import FileBytes
from mediatheque.skills.metadata_items import item_edits

MEDIA_TYPES = frozenset({"image/heic", "image/avif", "video/mp4", "video/quicktime", "video/x-m4v"})
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
SPHERICAL_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
KNOWN = {
    b"": frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"pdin", b"prft", b"meta",
                    b"wide", b"uuid", b"free", b"skip"}),
    b"moov": frozenset({b"mvhd", b"trak", b"mvex", b"iods", b"udta", b"meta", b"uuid", b"free", b"skip", b"pssh"}),
    b"trak": frozenset({b"tkhd", b"edts", b"mdia", b"tref", b"udta", b"meta", b"uuid", b"tapt", b"load", b"clip",
                        b"matt", b"imap", b"trgr", b"free", b"skip"}),
    b"udta": frozenset({b"\xa9nam", b"\xa9cpy", b"\xa9day", b"\xa9mak", b"\xa9mod", b"\xa9swr", b"\xa9too", b"\xa9ART",
                        b"titl", b"auth", b"cprt", b"dscp", b"name", b"meta", b"WLOC", b"AllF", b"SelO"}),
}  # fmt: skip
"""What may stay below each box, unless it says where."""
SHOWN = frozenset({b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp", b"tmcd", b"auxv", b"pict", b"hint"})
"""Handlers of tracks that are seen or heard; others hold what a camera measured, its place among it."""
WORDS = frozenset({b"text", b"sbtl", b"subt", b"clcp"})
"""Handlers of subtitles; drones write where they are into them, line by line."""
TIMED = {b"mvhd", b"tkhd", b"mdhd"}
"""Boxes that begin with when they were made and changed."""
MAX_BOXES = 200_000
MAX_EDITS = 100_000
MAX_LOOKED_BYTES = 64 << 20
MAX_SAMPLES = 2_000_000

Edit = TypeVar("Edit")
Make = Callable[..., Edit]
Located = Callable[[bytes], bool]
Slim = Callable[[bytes, int, MetadataPolicy], bytes | None]


@dataclass(frozen=True, slots=True)
class Box:
    """`body` to `end` is what it holds."""

    name: bytes
    start: int
    body: int
    end: int


def boxes(data: FileBytes, start: int, end: int) -> Iterator[Box]:
    """One after another; a last one that is none ends the walk."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        length, name = data.values(">I4s", start)
        body = start + 8
        if length == 1:
            length, body = data.number(start + 8, 8), start + 16
        elif length == 0:
            length = end - start
        if length < body - start or start + length > end:
            return
        yield Box(name, start, body, start + length)
        start += length
    raise Malformed("The file has too many boxes")


def claims(data: FileBytes) -> list[Box]:
    """The boxes that hold C2PA manifests."""
    found = boxes(data, 0, len(data))
    return [it for it in found if it.name == b"uuid" and data[it.body : it.body + 16] == C2PA_UUID]


def plan(data: FileBytes, policy: MetadataPolicy, make: Make[Edit], located: Located, slim: Slim) -> list[Edit]:
    """Edits that leave every box where it is, in the order of the file."""
    sweep = _Sweep(data, policy, located)
    sweep.walk(b"", 0, len(data))
    if sweep.is_measured and sweep.is_fragmented:
        raise Unsupported("Measurements cannot be taken out of a fragmented video, which they have to be here")
    blanks = dict(sweep.blanks)
    edits = [(start, end, text) for start, end, text in sweep.texts]
    for meta in sweep.metas:
        edits += item_edits(data, meta.body, meta.end, policy, located, slim)
    has_changes = bool(edits or blanks)
    for claim in claims(data):
        if has_changes or policy is MetadataPolicy.STRIP_ALL or located(data[claim.body : claim.end]):
            blanks[claim.start] = claim
    whole = [(it.start, it.end, _free(it), it.end - it.body) for it in blanks.values()]
    whole += [(start, end, text, end - start - len(text)) for start, end, text in edits]
    if len(whole) > MAX_EDITS:
        raise Malformed("The file has too many pieces of metadata")
    made, position = [], 0
    for start, end, text, zeros in sorted(whole):
        if start < position or end > len(data):
            raise Malformed("The file's boxes lie across each other")
        made.append(make(start, end, text, zeros))
        position = end
    return made


class _Sweep:
    """What a walk through the boxes of a file has found that is to go."""

    def __init__(self, data: FileBytes, policy: MetadataPolicy, located: Located) -> None:
        self._data = data
        self._policy = policy
        self._located = located
        self.blanks: dict[int, Box] = {}
        self.texts: list[tuple[int, int, bytes]] = []
        self.metas: list[Box] = []
        self.is_measured = self.is_fragmented = False

    def walk(self, parent: bytes, start: int, end: int) -> None:
        position = start
        for box in boxes(self._data, start, end):
            position = box.end
            self._look(parent, box)
        if parent == b"" and position < end:  # something behind the boxes that is none
            self.texts.append((position, end, b""))

    def _look(self, parent: bytes, box: Box) -> None:
        if box.name not in KNOWN[parent] or box.name in (b"free", b"skip"):
            if box.name not in (b"free", b"skip") or self._is_filled(box):
                self._blank(box)
        elif box.name == b"uuid":
            self._look_at_uuid(parent, box)
        elif box.name == b"meta":
            self._look_at_meta(parent, box)
        elif box.name == b"udta" and self._policy is MetadataPolicy.STRIP_ALL:
            self._blank(box)
        elif box.name == b"trak":
            self._look_at_track(box)
        elif box.name in KNOWN:
            self.walk(box.name, box.body, box.end)
        elif box.name == b"moof":
            self.is_fragmented = True
        elif parent == b"udta" and self._says_where(box):
            self._blank(box)
        self._untime(box)

    def _look_at_uuid(self, parent: bytes, box: Box) -> None:
        kind = self._data[box.body : box.body + 16]
        if kind == C2PA_UUID and parent == b"":
            return
        is_harmless = kind == SPHERICAL_UUID or (kind == XMP_UUID and self._policy is MetadataPolicy.STRIP_LOCATION)
        if not is_harmless or self._says_where(box):
            self._blank(box)

    def _look_at_meta(self, parent: bytes, box: Box) -> None:
        """Of a picture it says what the picture consists of; of a video it holds words."""
        names = {it.name for it in boxes(self._data, box.body + 4, box.end)}
        if parent == b"" and b"iloc" in names:
            self.metas.append(box)
        elif self._policy is MetadataPolicy.STRIP_ALL or self._says_where(box):
            self._blank(box)

    def _look_at_track(self, box: Box) -> None:
        media = next((it for it in boxes(self._data, box.body, box.end) if it.name == b"mdia"), None)
        inner = {it.name: it for it in boxes(self._data, media.body, media.end)} if media else {}
        handler = inner.get(b"hdlr")
        if media is None or handler is None:
            raise Malformed("The video's tracks are damaged")
        kind = self._data[handler.body + 8 : handler.body + 12]
        if kind not in SHOWN or (kind in WORDS and self._tells(inner)):
            self.is_measured = True
            self.texts += [(start, end, b"") for start, end in _samples(self._data, inner)]
            self._blank(box)
            return
        for found in inner.values():
            self._untime(found)
        self.walk(b"trak", box.body, box.end)

    def _tells(self, media: dict[bytes, Box]) -> bool:
        """Whether what is written in a track may say where."""
        looked = 0
        for start, end in _samples(self._data, media):
            looked += end - start
            if looked > MAX_LOOKED_BYTES or self._located(self._data[start:end]):
                return True
        return False

    def _untime(self, box: Box) -> None:
        if self._policy is MetadataPolicy.STRIP_ALL and box.name in TIMED and box.end - box.body >= 20:
            start = box.body + 4
            length = 16 if self._data.number(box.body, 1) == 1 else 8
            if any(self._data[start : start + length]):
                self.texts.append((start, start + length, b""))

    def _is_filled(self, box: Box) -> bool:
        return box.end - box.body > MAX_LOOKED_BYTES or bool(self._data[box.body : box.end].strip(b"\0"))

    def _says_where(self, box: Box) -> bool:
        if box.end - box.body > MAX_LOOKED_BYTES:
            return True
        return self._located(self._data[box.start + 4 : box.end])

    def _blank(self, box: Box) -> None:
        self.blanks[box.start] = box


def _free(box: Box) -> bytes:
    """The head of a box of that length that everybody passes over."""
    length = box.end - box.start
    if box.body - box.start == 16:
        return struct.pack(">I4sQ", 1, b"free", length)
    return struct.pack(">I4s", length, b"free")


def _samples(data: FileBytes, media: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """Where the samples of a track lie, joined where they touch."""
    table = _below(data, _below(data, media, b"minf"), b"stbl")
    inner = {it.name: it for it in boxes(data, table.body, table.end)} if table else {}
    start = end = -1
    for first, length in _chunks(data, inner):
        if first == end:
            end += length
            continue
        if end > start:
            yield start, end
        start, end = first, first + length
    if end > start:
        yield start, end


def _below(data: FileBytes, parent: "dict[bytes, Box] | Box | None", name: bytes) -> Box | None:
    if isinstance(parent, Box):
        parent = {it.name: it for it in boxes(data, parent.body, parent.end)}
    return parent.get(name) if parent else None


def _chunks(data: FileBytes, inner: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """(start, length) of each chunk of samples."""
    places, sizes, runs = inner.get(b"stco") or inner.get(b"co64"), inner.get(b"stsz"), inner.get(b"stsc")
    if places is None or sizes is None or runs is None:
        if places is not None and data.number(places.body + 4, 4):
            raise Unsupported("The video's measurements cannot be found, and have to be taken out here")
        return
    count, steps = data.number(places.body + 4, 4), data.number(runs.body + 4, 4)
    same, total = data.values(">II", sizes.body + 4)
    if count > MAX_EDITS or steps > MAX_EDITS or total > MAX_SAMPLES:
        raise Malformed("The video's tracks are damaged")
    offsets = data.values(f">{count}{'Q' if places.name == b'co64' else 'I'}", places.body + 8)
    turns = data.values(">" + "II4x" * steps, runs.body + 8)
    lengths = () if same else data.values(f">{total}I", sizes.body + 12)
    sample = turn = 0
    for number, start in enumerate(offsets, 1):
        while turn + 1 < steps and turns[2 * turn + 2] <= number:
            turn += 1
        held = min(turns[2 * turn + 1] if steps else 0, total - sample)
        yield start, same * held if same else sum(lengths[sample : sample + held])
        sample += held

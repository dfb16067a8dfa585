"""Runs in a decoder child: which bytes of a picture or video go, or become others, so that its metadata are gone.

Nothing is written here: the answer is a list of edits, `[start, end, bytes in base64, zero bytes behind these]`, in the
order of the file, which the caller carries out without a look at the bytes. Pixels, colour profiles and the orientation
stay as they are.
"""

import base64
import mmap
import re
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediatheque.errors import Malformed, Unsupported
from mediatheque.privacy import MetadataPolicy
from mediatheque.skills import metadata_boxes as boxes
from mediatheque.skills import metadata_pieces as pieces
from mediatheque.skills.metadata_bytes import FileBytes
from mediatheque.skills.metadata_pieces import MAX_PIECES, Piece, Sort

LOCATED = re.compile(
    rb"gps|latitude|longitude|altitude|geotag|geolocation|locat|iso6709|city|country|province|sublocation|"
    rb"\x1c\x02[\x1a\x1b\x5a\x5c\x5f\x64\x65]|8BIM\x04[\x22-\x24]",
    re.IGNORECASE,
)
"""Names under which XMP, IPTC, comments and atoms say where; IPTC's data sets 2:26 to 2:101; and what Photoshop
wraps."""
GPS, EXIF_IFD, INTEROP, MAKER_NOTE, ORIENTATION = 0x8825, 0x8769, 0xA005, 0x927C, 0x0112
XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, SUB_IFDS = 0x02BC, 0x83BB, 0x8649, 0x014A
HIDDEN = (GPS, XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG, SUB_IFDS)
"""Tags of the first directory that go when the place is to go; a camera's own notes may hold it as well."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` become `text` and `zeros` zero bytes."""

    start: int
    end: int
    text: bytes = b""
    zeros: int = 0


def edits(path: str, media_type: str, orientation: int, policy: str) -> list[list[Any]]:
    """What to change in the file; nothing where there is nothing to take out.

    `orientation` as in EXIF. Raises `Unsupported` for types that nothing can be taken out of, `Malformed`.
    """
    try:
        with Path(path).open("rb") as file:
            if media_type in boxes.MEDIA_TYPES:
                found = boxes.plan(FileBytes(file), MetadataPolicy(policy), Edit, located, slimmed)
            else:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    found = plan(data, media_type, orientation, MetadataPolicy(policy))
    except (ValueError, struct.error):  # an empty file cannot be mapped
        raise Malformed("The file is damaged or cut short") from None
    return [[it.start, it.end, base64.b64encode(it.text).decode("ascii"), it.zeros] for it in found]


def plan(data: mmap.mmap, media_type: str, orientation: int, policy: MetadataPolicy) -> list[Edit]:
    """The same over the mapped bytes of a picture whose pieces can be cut out."""
    if media_type not in pieces.WALKERS:
        raise Unsupported(f"Metadata cannot be taken out of {media_type}, which they have to be here")
    try:
        found = _bounded(pieces.WALKERS[media_type](data))
        made = [it for piece in found if (it := _edit(data, media_type, orientation, policy, piece)) is not None]
    except (IndexError, ValueError, struct.error, RecursionError):
        raise Malformed("The file is damaged or cut short") from None
    claims = [it for it in found if it.sort is Sort.C2PA]
    if policy is MetadataPolicy.STRIP_LOCATION and (made or any(located(data[it.content : it.end]) for it in claims)):
        made = sorted([*made, *(Edit(it.start, it.end) for it in claims)], key=lambda it: it.start)
    return _framed(data, made) if media_type == "image/webp" and made else made


def located(content: bytes) -> bool:
    """Whether it may say where; UTF-16 is read as well."""
    return LOCATED.search(content.replace(b"\0", b"")) is not None


def slimmed(tiff: bytes, orientation: int, policy: MetadataPolicy) -> bytes | None:
    """EXIF without what the policy takes out; None: nothing is left.

    What Pillow cannot read has nothing to say but the orientation.
    """
    from PIL import Image

    exif = Image.Exif()
    if policy is MetadataPolicy.STRIP_LOCATION:
        try:
            with warnings.catch_warnings(action="ignore"):
                exif.load(tiff)
                inner = exif.get_ifd(EXIF_IFD)
                if not any(tag in exif for tag in HIDDEN) and MAKER_NOTE not in inner and not located(tiff):
                    return tiff
                for tag in HIDDEN:
                    exif.pop(tag, None)
                for directory in (exif, inner):
                    for tag in [tag for tag, value in directory.items() if tag == MAKER_NOTE or _says_where(value)]:
                        del directory[tag]
                return exif.tobytes().removeprefix(pieces.EXIF_HEAD)
        except Exception:  # whatever a hostile structure brings about
            exif = Image.Exif()
    if orientation == 1:
        return None
    exif[ORIENTATION] = orientation
    return exif.tobytes().removeprefix(pieces.EXIF_HEAD)


def _edit(data: mmap.mmap, media_type: str, orientation: int, policy: MetadataPolicy, piece: Piece) -> Edit | None:
    """None: it may stay as it is, or (a C2PA manifest) goes with the others."""
    if piece.sort is Sort.C2PA:
        return Edit(piece.start, piece.end) if policy is MetadataPolicy.STRIP_ALL else None
    if piece.sort is Sort.EXIF:
        tiff = data[piece.content : piece.end]
        slim = slimmed(tiff, orientation, policy)
        if slim is tiff:
            return None
        wrapped = None if slim is None else pieces.exif_piece(media_type, slim)
        return Edit(piece.start, piece.end, wrapped or b"")
    is_harmless = piece.sort is Sort.TEXT and not located(data[piece.content : piece.end])
    return None if is_harmless and policy is MetadataPolicy.STRIP_LOCATION else Edit(piece.start, piece.end)


def _framed(data: mmap.mmap, made: list[Edit]) -> list[Edit]:
    """A RIFF says how long it is, and a WebP in front what is in it."""
    stated = struct.unpack_from("<I", data, 4)[0]
    end = min(8 + stated, len(data))
    growth = sum(len(it.text) + it.zeros - (it.end - it.start) for it in made if it.start < end)
    first = [Edit(4, 8, struct.pack("<I", end - 8 + growth))]
    if data[12:16] == b"VP8X":
        gone = 0
        for it in made:
            name = data[it.start : it.start + 4]
            gone |= pieces.EXIF_FLAG if name == b"EXIF" and not it.text else 0
            gone |= pieces.XMP_FLAG if name == b"XMP " else 0
        first.append(Edit(20, 21, bytes([data[20] & ~gone])))
    return first + made


def _bounded(found: Iterable[Piece]) -> list[Piece]:
    held: list[Piece] = []
    for piece in found:
        held.append(piece)
        if len(held) > MAX_PIECES:
            raise Malformed("The file has too many pieces of metadata")
    return held


def _says_where(value: Any) -> bool:
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    return isinstance(value, bytes) and located(value)

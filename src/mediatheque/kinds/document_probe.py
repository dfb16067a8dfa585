"""Runs in a decoder child: decides from the bytes which document a file is, and whether it is sound.

Nothing is unpacked here: an archive is judged by its directory, a text by what characters it holds. Which of the
text types a text is cannot be seen in it; its name says so.
"""

import codecs
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from mediatheque import errors
from mediatheque.kinds.document import EXTENSIONS

HEAD_BYTES = 1024
PIECE_BYTES = 1 << 20
MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 500 << 20
MAX_RATIO, RATIO_FREE_BYTES = 50, 10 << 20
"""How far an archive above ten MiB may grow."""

OFFICE_PARTS = {"word/document.xml": ".docx", "ppt/presentation.xml": ".pptx", "xl/workbook.xml": ".xlsx"}
COUNTED = {".pptx": "ppt/slides/slide*.xml", ".xlsx": "xl/worksheets/sheet*.xml"}
SPELLINGS = {".markdown": ".md", ".htm": ".html", ".text": ".txt", ".jsonl": ".txt"}
_MEDIA_TYPES = {extension: media_type for media_type, extension in EXTENSIONS.items()}
_NOT_IN_TEXT = bytes(set(range(32)) - set(b"\t\n\f\r\x1b\x08"))
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def probe(path: str, name: str = "") -> dict[str, Any]:
    """`name` is the client's name of the file. Raises `Unsupported`, `Malformed`."""
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    if b"%PDF-" in head:
        return _pdf(path)
    if head.startswith(b"PK\x03\x04"):
        return _office(path)
    return _text(path, PurePosixPath(name.lower()).suffix)


def _answer(extension: str, page_count: int | None, *, is_encrypted: bool = False) -> dict[str, Any]:
    details = {
        "document_type": extension.removeprefix("."),
        "page_count": page_count,
        "is_encrypted": is_encrypted,
    }
    return {"media_type": _MEDIA_TYPES[extension], "details": details}


def _pdf(path: str) -> dict[str, Any]:
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            if len(document) < 1:
                raise errors.Malformed("The document has no pages")
            return _answer(".pdf", len(document))
    except pypdfium2.PdfiumError as problem:
        if problem.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            return _answer(".pdf", None, is_encrypted=True)
        raise errors.Malformed("The PDF is damaged") from problem


def _office(path: str) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            main = next((part for part in OFFICE_PARTS if part in names), None)
            if main is None or "[Content_Types].xml" not in names:
                raise errors.Unsupported
            _check_archive(entries)
            with archive.open(main) as part:
                _check_markup(part.read(HEAD_BYTES))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as problem:
        raise errors.Malformed("The archive is damaged") from problem
    extension = OFFICE_PARTS[main]
    pattern = COUNTED.get(extension)
    count = sum(PurePosixPath(it).match(pattern) for it in names) if pattern else None
    return _answer(extension, count)


def _check_markup(head: bytes) -> None:
    """Office files declare no entities; one that does wants to be expanded, or to read what is not its own."""
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise errors.Malformed("The document declares entities")


def _check_archive(entries: list[zipfile.ZipInfo]) -> None:
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
        raise errors.Malformed("The archive holds too much")
    if unpacked > RATIO_FREE_BYTES and unpacked > packed * MAX_RATIO:
        raise errors.Malformed("The archive holds too much")
    for entry in entries:
        if entry.filename.startswith("/") or ".." in PurePosixPath(entry.filename).parts:
            raise errors.Malformed("The archive names files outside itself")


def _text(path: str, suffix: str) -> dict[str, Any]:
    extension = SPELLINGS.get(suffix, suffix)
    if not _MEDIA_TYPES.get(extension, "").startswith("text/"):
        raise errors.Unsupported
    with Path(path).open("rb") as file:
        mark = next((it for it in _MARKS if file.read(4).startswith(it) or file.seek(0)), b"")
        file.seek(0)
        decoder = codecs.getincrementaldecoder(_MARKS.get(mark, "utf-8"))("strict")
        while piece := file.read(PIECE_BYTES):
            if not mark and piece.translate(None, _NOT_IN_TEXT) != piece:
                raise errors.Unsupported
            _decoded(decoder, piece, is_marked=bool(mark))
    return _answer(extension, None)


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, *, is_marked: bool) -> None:
    """Text without a mark may be of an old eight-bit charset: then any byte is a character."""
    try:
        decoder.decode(piece)
    except UnicodeDecodeError as problem:
        if is_marked:
            raise errors.Malformed("The text is damaged") from problem

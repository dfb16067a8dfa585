"""Runs in a decoder child: the text of a document and the passages that it consists of."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kreuzberg
import pypdfium2

from mediatheque import errors
from mediatheque.skills import language_decode

MAX_CHARS = 2_000_000
MAX_PAGES = 2000
CHUNK_CHARS, OVERLAP_CHARS = 1800, 150
"""About 300 words."""
MIN_PAGE_CHARS = 20
"""A page with fewer may be a picture of more."""
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)
_SURROGATES = re.compile(r"[\x00\ud800-\udfff]")


def extract(path: str, media_type: str, scanned: dict[str, str] | None = None) -> dict[str, Any]:
    """`text`, `language`, `page_starts` (where in it each page begins), `is_cut` (there are over two million characters
    or 2,000 pages), `chunks`, `sparse_pages` (of a PDF those with hardly any text, from 0).

    `scanned` is what was read on some of these. Raises `Malformed`.
    """
    is_pdf = media_type == "application/pdf"
    pages, is_cut = pdf_pages(path) if is_pdf else _pages(path, media_type)
    sparse = [number for number, page in enumerate(pages) if is_pdf and len(page) < MIN_PAGE_CHARS]
    for number, said in (scanned or {}).items():
        pages[int(number)] = _joined(pages[int(number)], _clean(said))
    text = "\n\n".join(pages)
    is_paged = is_pdf or len(pages) > 1
    starts = [0]
    for page in pages:
        starts.append(starts[-1] + len(page.encode()) + 2)
    text = text[:MAX_CHARS]
    return {
        "text": text,
        "language": language_decode.of(text),
        "page_starts": _places(pages) if is_paged else [],
        "is_cut": is_cut,
        "sparse_pages": sparse,
        "chunks": _chunks(text, starts if len(pages) > 1 else []),
    }


def _joined(page: str, scanned: str) -> str:
    """What stands on a page both as letters and as a picture stands in its text once."""
    return scanned if page in scanned else f"{page}\n{scanned}"


def _places(pages: list[str]) -> list[int]:
    places = [0]
    for page in pages[:-1]:
        places.append(places[-1] + len(page) + 2)
    return [place for place in places if place < MAX_CHARS]


def pdf_pages(path: str) -> tuple[list[str], bool]:
    """pdfium alone: its page trees end where they end, and a page costs what it holds."""
    pages: list[str] = []
    chars = 0
    try:
        with pypdfium2.PdfDocument(path) as document:
            count = len(document)
            for number in range(min(count, MAX_PAGES)):
                pages.append(_clean(_page_text(document, number)))
                chars += len(pages[-1])
                if chars > MAX_CHARS:
                    break
    except pypdfium2.PdfiumError as problem:
        raise errors.Malformed("The PDF is damaged") from problem
    return pages, len(pages) < count


def _page_text(document: Any, number: int) -> str:
    """A page that cannot be loaded says nothing."""
    try:
        return str(document[number].get_textpage().get_text_bounded())
    except pypdfium2.PdfiumError:
        return ""


def _pages(path: str, media_type: str) -> tuple[list[str], bool]:
    config = kreuzberg.ExtractionConfig(pages=kreuzberg.PageConfig(extract_pages=True), use_cache=False)
    try:
        if media_type.startswith("text/"):
            found = [_plain(Path(path).read_bytes(), media_type)]
        else:
            result = kreuzberg.extract_file_sync(path, mime_type=media_type, config=config)
            found = _divided(result.content, result.metadata.get("pages") or {})
    except kreuzberg.KreuzbergError as problem:
        raise errors.Malformed("The document cannot be read") from problem
    pages = [_clean(page) for page in found]
    return pages, sum(map(len, pages)) > MAX_CHARS


def _plain(data: bytes, media_type: str) -> str:
    text = _decoded(data)
    if media_type != "text/html":
        return text
    config = kreuzberg.ExtractionConfig(use_cache=False)
    return kreuzberg.extract_bytes_sync(text.encode(), media_type, config=config).content


def _divided(text: str, pages: Any) -> list[str]:
    """Slides and pages, where the format has them."""
    data = text.encode()
    bounds = [(it["byte_start"], it["byte_end"]) for it in pages.get("boundaries") or ()]
    return [data[start:end].decode(errors="ignore") for start, end in bounds] or [text]


def _decoded(data: bytes) -> str:
    for charset in ("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "windows-1252"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _clean(text: str) -> str:
    return _SURROGATES.sub("", text).replace("\r\n", "\n").strip()


def _chunks(text: str, starts: list[int]) -> list[dict[str, Any]]:
    """`starts`: byte offsets at which the pages begin; empty for what has no pages."""
    if not text.strip():
        return []
    chunking = kreuzberg.ChunkingConfig(max_chars=CHUNK_CHARS, max_overlap=OVERLAP_CHARS)
    config = kreuzberg.ExtractionConfig(chunking=chunking, use_cache=False)
    result = kreuzberg.extract_bytes_sync(text.encode(), "text/plain", config=config)
    chunks = result.chunks or ()
    firsts = [int(chunk.metadata["byte_start"]) for chunk in chunks]
    paths = _paths(text, firsts)
    return [_chunk(chunk, first, starts, path) for chunk, first, path in zip(chunks, firsts, paths, strict=True)]


def _chunk(chunk: Any, first: int, starts: list[int], path: list[str]) -> dict[str, Any]:
    last = max(first, chunk.metadata["byte_end"] - 1)
    pages = range(bisect_right(starts, first), bisect_right(starts, last) + 1) if starts else ()
    return {"content": chunk.content, "page_numbers": list(pages), "heading_hierarchy": path}


def _paths(text: str, places: list[int]) -> list[list[str]]:
    """For each of these byte offsets, which ascend, the headings above it, the outermost first."""
    paths: list[list[str]] = []
    path: list[tuple[int, str]] = []
    headings = _headings(text)
    at, level, title = next(headings, _NO_HEADING)
    for place in places:
        while at <= place:
            path = [it for it in path if it[0] < level] + [(level, title)]
            at, level, title = next(headings, _NO_HEADING)
        paths.append([title for _, title in path])
    return paths


def _headings(text: str) -> Iterator[tuple[int, int, str]]:
    """(byte offset, level, title)"""
    seen_chars = seen_bytes = 0
    for found in _HEADING.finditer(text):
        seen_bytes += len(text[seen_chars : found.start()].encode())
        seen_chars = found.start()
        yield seen_bytes, len(found[1]), found[2]


_NO_HEADING = (1 << 62, 0, "")

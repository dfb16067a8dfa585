"""Runs in a decoder child: the text of a document and the passages that it consists of."""

import re
from bisect import bisect_right
from pathlib import Path
from typing import Any

import kreuzberg
import pypdfium2

from mediatheque import errors

MAX_CHARS = 2_000_000
MAX_PAGES = 2000
CHUNK_CHARS, OVERLAP_CHARS = 1800, 150
"""About 300 words."""
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$", re.MULTILINE)
_SURROGATES = re.compile(r"[\x00\ud800-\udfff]")


def extract(path: str, media_type: str) -> dict[str, Any]:
    """`text`, `page_starts` (where in it each page begins), `is_cut` (there are over two million characters or 2,000
    pages), `chunks`. Raises `Malformed`."""
    pages, is_cut = _pdf_pages(path) if media_type == "application/pdf" else _pages(path, media_type)
    text = "\n\n".join(pages)
    is_paged = media_type == "application/pdf" or len(pages) > 1
    starts = [0]
    for page in pages:
        starts.append(starts[-1] + len(page.encode()) + 2)
    return {
        "text": text[:MAX_CHARS],
        "page_starts": _places(pages) if is_paged else [],
        "is_cut": is_cut,
        "chunks": _chunks(text, starts if len(pages) > 1 else []),
    }


def _places(pages: list[str]) -> list[int]:
    places = [0]
    for page in pages[:-1]:
        places.append(places[-1] + len(page) + 2)
    return [place for place in places if place < MAX_CHARS]


def _pdf_pages(path: str) -> tuple[list[str], bool]:
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
    data = text[:MAX_CHARS].encode()
    result = kreuzberg.extract_bytes_sync(data, "text/plain", config=config)
    headings = [(len(text[: it.start()].encode()), len(it[1]), it[2]) for it in _HEADING.finditer(text)]
    return [_chunk(chunk, starts, headings) for chunk in result.chunks or ()]


def _chunk(chunk: Any, starts: list[int], headings: list[tuple[int, int, str]]) -> dict[str, Any]:
    first, last = chunk.metadata["byte_start"], max(chunk.metadata["byte_start"], chunk.metadata["byte_end"] - 1)
    pages = range(bisect_right(starts, first), bisect_right(starts, last) + 1) if starts else ()
    return {"content": chunk.content, "page_numbers": list(pages), "heading_hierarchy": _path(headings, first)}


def _path(headings: list[tuple[int, int, str]], offset: int) -> list[str]:
    """The headings above a place, the outermost first."""
    path: list[tuple[int, str]] = []
    for at, level, title in headings:
        if at > offset:
            break
        path = [it for it in path if it[0] < level] + [(level, title)]
    return [title for _, title in path]

"""Runs in a decoder child: what a page from the web says, how it can be read, and its pictures made harmless."""

from pathlib import Path
from typing import Any

import webencodings

from mediatheque import errors, raster
from mediatheque.skills import page_html, page_text
from mediatheque.skills.document_text_decode import pdf_pages
from mediatheque.skills.page_html import empty_page

SIDE, ICON_SIDE = 1024, 64
MAX_TEXT_CHARS = 1_000_000
SNIFFED_BYTES = 1024
_NOT_IN_TEXT = bytes(set(range(32)) - set(b"\t\n\f\r\x1b\x08"))
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<script", b"<meta", b"<div", b"<!--", b"<p>")


def read(
    path: str, folder: str, url: str, media_type: str, charset: str | None, language: str | None
) -> dict[str, Any]:
    """What the page says of itself, its `text`, `pictures` and `icons` (addresses, the best first).

    `page.html` (safe to show) and `page.txt` lie in the folder then. Raises `Unsupported`, `Malformed`.
    """
    data = Path(path).read_bytes()
    kind = _kind(data, media_type)
    if kind == "pdf":
        said, html = _pdf(path, url), None
    elif kind == "html":
        html, charset = decoded(data, charset, has_meta=True)
        said = page_html.read(html, url)
    else:
        text, charset = decoded(data, charset, has_meta=False)
        said, html = empty_page(url) | {"text": text}, None
    title = said["og"]["title"] or said["page_title"]
    text, page = page_text.readable(html, said.get("text", ""), url, title)
    said |= {"text": text[:MAX_TEXT_CHARS], "charset": charset, "kind": kind}
    said["og"]["language"] = said["og"]["language"] or page_text.clean(language or "", 35) or None
    (Path(folder) / "page.html").write_text(page, encoding="utf-8")
    (Path(folder) / "page.txt").write_text(said["text"], encoding="utf-8")
    return said


def picture(path: str, media_type: str, target: str) -> tuple[int, int]:
    """Write a picture anew, at most 1,024 pixels a side, as WebP without metadata; its new size."""
    with raster.decoding():
        image = raster.reduced(path, media_type, SIDE)
        Path(target).write_bytes(image.webpsave_buffer(Q=80, effort=2, keep="none"))
    return image.width, image.height


def icon(path: str, target: str) -> tuple[int, int]:
    """Write a favicon anew as PNG, at most 64 pixels a side; its size."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["ICO", "PNG", "GIF", "JPEG", "WEBP"]) as found:
            if max(found.size) > SIDE:
                raise errors.Malformed("That is no icon")
            shown = found.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as problem:
        raise errors.Malformed("The icon is damaged") from problem
    shown.thumbnail((ICON_SIDE, ICON_SIDE))
    shown.save(target, format="PNG")
    return shown.size


def decoded(data: bytes, charset: str | None, *, has_meta: bool) -> tuple[str, str]:
    """The text and the charset it was in, found as browsers do: a mark, the header, a `meta`, a guess."""
    declared = webencodings.lookup(charset) if charset else None
    if declared is None and has_meta:
        declared = page_html.declared_charset(data)
    if declared is None:
        declared = webencodings.UTF8 if _is_utf8(data) else webencodings.lookup("windows-1252")
    text, encoding = webencodings.decode(data, declared, errors="replace")
    return text, str(encoding.name)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.reason == "unexpected end of data"
    return True


def _kind(data: bytes, media_type: str) -> str:
    """What the bytes are, as far as the declared type lets them be it."""
    head = data[:SNIFFED_BYTES].lstrip()
    if head.startswith(b"%PDF-"):
        return "pdf"
    is_marked = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    has_markup = any(sign in head.lower() for sign in _MARKUP)
    is_binary = not is_marked and not has_markup and head.translate(None, _NOT_IN_TEXT) != head
    if is_binary or not data.strip():
        raise errors.Unsupported("What is there is no page that can be read")
    if media_type in {"text/html", "application/xhtml+xml"}:
        return "html"
    if media_type == "application/pdf":
        raise errors.Malformed("The PDF is damaged")
    return "html" if has_markup and media_type in {"", "application/octet-stream"} else "text"


def _pdf(path: str, url: str) -> dict[str, Any]:
    import pypdfium2

    said = empty_page(url)
    pages, _ = pdf_pages(path)
    with pypdfium2.PdfDocument(path) as document:
        said["page_title"] = page_text.clean(str(document.get_metadata_dict().get("Title", "")), 500) or None
    return said | {"text": "\n\n".join(pages)}

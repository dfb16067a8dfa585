"""Runs in a decoder child: pages of a PDF that are pictures, found and drawn."""

from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from mediatheque import errors

MAX_SCALE = 4.0
LOOKED_AT = 200
"""Objects of a page: a scan is one picture, or a few strips."""


def find(path: str, pages: list[int], most: int) -> list[int]:
    """Those of the pages (from 0), `most` at most, that show something else than letters. Raises `Malformed`."""
    found: list[int] = []
    try:
        with pypdfium2.PdfDocument(path) as document:
            for number in pages:
                if _shows_something(document, number):
                    found.append(number)
                if len(found) == most:
                    break
    except pypdfium2.PdfiumError as problem:
        raise errors.Malformed("The PDF is damaged") from problem
    return found


def draw(path: str, page: int, target: str, side: int) -> dict[str, int]:
    """Write the page, at most `side` pixels wide and high, to `target` as rows of RGB. Raises `Malformed`."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            shown = document[page]
            scale = min(MAX_SCALE, side / max(1.0, *shown.get_size()))
            picture = shown.render(scale=scale).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ValueError) as problem:
        raise errors.Malformed("The page cannot be drawn") from problem
    picture = picture.crop((0, 0, min(side, picture.width), min(side, picture.height)))
    Path(target).write_bytes(picture.tobytes())
    return {"width": picture.width, "height": picture.height}


def _shows_something(document: Any, number: int) -> bool:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:  # a page that cannot be loaded shows nothing
        return False
    count = min(pdfium.FPDFPage_CountObjects(page.raw), LOOKED_AT)
    kinds = {pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page.raw, index)) for index in range(count)}
    page.close()
    return bool(kinds - {pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_UNKNOWN})

"""The kind `document`: PDF, the three office formats, and four kinds of text."""

from dataclasses import dataclass
from typing import Any

from mediatheque.model import Facts

_OFFICE = "application/vnd.openxmlformats-officedocument"
EXTENSIONS = {
    "application/pdf": ".pdf",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/html": ".html",
    "text/csv": ".csv",
}


@dataclass(frozen=True, slots=True)
class DocumentKind:
    name: str = "document"
    media_types: frozenset[str] = frozenset(EXTENSIONS)
    probe: str = "mediatheque.kinds.document_probe:probe"

    def facts(self, probed: dict[str, Any]) -> Facts:
        """`details`: `document_type` (`pdf`, `docx` …), `page_count` (of slides, of sheets; None: it has no such
        number), `is_encrypted`."""
        media_type = probed["media_type"]
        return Facts(media_type, EXTENSIONS[media_type], self.name, details=dict(probed["details"]))


KIND = DocumentKind()

"""The skill `document-text`: what a document says, whole and in passages of a size that models read well."""

from typing import Any

from mediatheque.errors import Malformed
from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import ocr, scans

TEXT, CHUNKS, FACTS = "document_text", "chunks", "text_facts"


def extract(work: Work) -> None:
    """Findings `document_text` (`text`, `page_starts`, `is_cut`), `chunks` (a list of `content`, `page_numbers`,
    `heading_hierarchy`), and for lists, which read neither, `text_facts`: `chunk_count`, and of a document with scanned
    pages `pages_read_by_ocr` (each `page` and `confidence`), `blank_pages`, `unread_pages`, `unread_because` and
    `failed_tries` by page. What is left for later is read by another run.

    Raises `errors.Malformed` for a document that is encrypted or cannot be read.
    """
    if work.facts.details.get("is_encrypted"):
        raise Malformed("The document is encrypted")
    found = _extracted(work, {})
    scanned = scans.read(work, found["sparse_pages"])
    if scanned and scanned.texts:
        found = _extracted(work, scanned.texts)
    value = {name: found[name] for name in ("text", "page_starts", "is_cut")}
    value["is_cut"] |= bool(scanned and scanned.is_cut)
    model, confidence = (ocr.ENGINE, scanned.confidence) if scanned and scanned.texts else (None, None)
    work.add_finding(TEXT, value, model=model, confidence=confidence, language=found["language"])
    work.add_finding(CHUNKS, found["chunks"], model=model, confidence=confidence)
    facts = {"chunk_count": len(found["chunks"])} | (scanned.facts if scanned else {})
    work.add_finding(FACTS, facts)
    if scanned and scanned.begun and scans.has_rest(facts):
        work.leave_rest()


def _extracted(work: Work, scanned: dict[int, str]) -> dict[str, Any]:
    found: dict[str, Any] = work.decode(
        "mediatheque.skills.document_text_decode:extract",
        path=str(work.source), media_type=work.facts.media_type,
        scanned={str(page): text for page, text in scanned.items()},
    )  # fmt: skip
    return found


SKILL = Skill(
    name="document-text",
    description="The text of a document, scanned pages included, and the passages that it consists of",
    version=4,
    kinds=frozenset({"document"}),
    queue=Queue.ENRICH,
    steps=(Step("extract_text", extract),),
    listed=False,
    reads=True,
)

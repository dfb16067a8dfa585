"""The skill `document-text`: what a document says, whole and in passages of a size that models read well."""

from mediatheque.errors import Malformed
from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work

TEXT, CHUNKS, FACTS = "document_text", "chunks", "text_facts"


def extract(work: Work) -> None:
    """Findings `document_text` (`text`, `page_starts`, `is_cut`), `chunks` (a list of `content`, `page_numbers`,
    `heading_hierarchy`), and for lists, which read neither, `text_facts` (`chunk_count`).

    Raises `errors.Malformed` for a document that is encrypted or cannot be read.
    """
    if work.facts.details.get("is_encrypted"):
        raise Malformed("The document is encrypted")
    found = work.decode(
        "mediatheque.skills.document_text_decode:extract", path=str(work.source), media_type=work.facts.media_type
    )
    value = {name: found[name] for name in ("text", "page_starts", "is_cut")}
    work.add_finding(TEXT, value, language=found["language"])
    work.add_finding(CHUNKS, found["chunks"])
    work.add_finding(FACTS, {"chunk_count": len(found["chunks"])})


SKILL = Skill(
    name="document-text",
    description="The text of a document, and the passages that it consists of",
    version=2,
    kinds=frozenset({"document"}),
    queue=Queue.ENRICH,
    steps=(Step("extract_text", extract),),
    listed=False,
    reads=True,
)

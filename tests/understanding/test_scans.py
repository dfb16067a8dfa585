"""Documents whose pages are pictures of text: read page by page, told as what they are, found by what they say."""

import io
from typing import Any

import httpx
import pypdfium2

from tests.conftest import Tenant
from tests.documents import pdf, scan
from tests.support import wait_for
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed
from tests.understanding.conftest import findings, needs

PIER = "The bolts of pier seven\nare corroded and loose"
NETS = "A sailor mends the nets\nbefore the next storm"


def read(client: httpx.Client, data: bytes, name: str = "scan.pdf") -> dict[str, Any]:
    """What the document says, when it has been read; `id` is the file's."""
    file_id = streamed(client, data, name, auto_describe="false")["image_id"]
    path = f"/api/v2/documents/{file_id}/text"
    wait_for(lambda: client.get(path).json()["text_extraction_status"] in {"completed", "failed"}, "the text", 90)
    return dict(client.get(path).json()) | {"id": file_id}


def joined(*documents: bytes) -> bytes:
    """The pages of several PDFs as one."""
    whole = pypdfium2.PdfDocument.new()
    for data in documents:
        whole.import_pages(pypdfium2.PdfDocument(data))
    file = io.BytesIO()
    whole.save(file)
    return file.getvalue()


@needs("ocr")
def test_scanned_pages_are_read_told_and_found(client: httpx.Client) -> None:
    found = read(client, scan(PIER, NETS))
    assert (found["text_extraction_status"], found["is_truncated"], found["page_count"]) == ("completed", False, 2)
    assert found["text"] == f"{PIER}\n\n{NETS}"
    file_id = found["id"]
    assert client.get(f"/api/v2/documents/{file_id}/text", params={"page": 2}).json()["text"] == NETS
    (chunk,) = client.get(f"/api/v2/documents/{file_id}/chunks").json()["chunks"]
    assert chunk["page_numbers"] == [1, 2]
    facts = findings(client, file_id)["text_facts"]["value"]
    assert (facts["chunk_count"], facts["unread_pages"], facts["unread_because"]) == (1, [], None)
    assert [it["page"] for it in facts["pages_read_by_ocr"]] == [1, 2]
    assert all(0.85 < it["confidence"] <= 1 for it in facts["pages_read_by_ocr"])
    assert client.get(f"{FILES}/{file_id}").json()["chunk_count"] == 1
    hits = client.get(FILES, params={"search": "mends the nets"}).json()["files"]
    assert file_id in [it["id"] for it in hits]


@needs("ocr")
def test_only_pages_without_letters_are_read_by_ocr(client: httpx.Client) -> None:
    letter = "The harbour master wants them replaced"
    found = read(client, joined(pdf(letter), scan(PIER), pdf("")))
    assert found["text"].split("\n\n")[:2] == [letter, PIER]
    facts = findings(client, found["id"])["text_facts"]["value"]
    assert [it["page"] for it in facts["pages_read_by_ocr"]] == [2]
    assert facts["unread_pages"] == []


def test_a_document_of_letters_says_nothing_of_scans(client: httpx.Client) -> None:
    found = read(client, pdf("A whole line of letters", "7"))
    assert findings(client, found["id"])["text_facts"]["value"] == {"chunk_count": 1}


def test_without_models_the_pages_stay_unread_and_that_is_told(tenant: Tenant) -> None:
    found = read(tenant.client, scan(PIER))
    assert (found["text_extraction_status"], found["text"], found["is_truncated"]) == ("completed", "", False)
    facts = findings(tenant.client, found["id"])["text_facts"]["value"]
    assert (facts["pages_read_by_ocr"], facts["unread_pages"]) == ([], [1])
    assert "MEDIATHEQUE_MODELS" in facts["unread_because"]

"""Which documents are taken, and what is known of them before they are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mediatheque import errors
from mediatheque.decoder import Decoders
from mediatheque.kinds.document import KIND
from mediatheque.model import Facts
from tests.corpus import FOLDER
from tests.documents import archive, docx, pdf
from tests.pools import pool

Probe = Callable[[bytes, str], Facts]
WORD = "word/document.xml"
CORPUS = {
    "documents/pdf/lorem-ipsum.pdf": ("pdf", 2, False),
    "documents/pdf/encryption_notextaccess.pdf": ("pdf", 1, False),
    "documents/pdf/encryption_openpassword.pdf": ("pdf", None, True),
    "documents/office/harbour.pptx": ("pptx", 3, False),
    "documents/office/quotes.xlsx": ("xlsx", 2, False),
    "documents/office/fully-featured.docx": ("docx", None, False),
    "documents/text/lorem-ipsum.txt": ("txt", None, False),
    "html/latin1_no_header.html": ("html", None, False),
}
REFUSED = {
    "hostile/docx_bomb_200MB.docx": errors.Malformed,
    "hostile/docx_billion_laughs.docx": errors.Malformed,
    "hostile/docx_xxe.docx": errors.Malformed,
    "hostile/docx_zipslip.docx": errors.Malformed,
    "hostile/zip_20000_entries.docx": errors.Malformed,
    "hostile/plain_zip_as.docx": errors.Unsupported,
    "documents/office/simple.odt": errors.Unsupported,
    "documents/office/legacy.xls": errors.Unsupported,
    "documents/text/lorem-ipsum.rtf": errors.Unsupported,
    "hostile/xss.svg": errors.Unsupported,
    "hostile/mvg_imagetragick.jpg": errors.Unsupported,
}


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


@pytest.fixture
def probed(decoders: Decoders, tmp_path: Path) -> Probe:
    def probed(data: bytes, name: str) -> Facts:
        file = tmp_path / "upload"
        file.write_bytes(data)
        return KIND.facts(decoders.run(KIND.probe, path=str(file), name=name))

    return probed


@pytest.mark.parametrize("name", CORPUS)
def test_documents_that_people_have_are_known_with_their_pages(probed: Probe, name: str) -> None:
    if not (FOLDER / name).exists():
        pytest.skip("no corpus here")
    facts = probed((FOLDER / name).read_bytes(), name)
    assert (facts.details["document_type"], facts.details["page_count"], facts.details["is_encrypted"]) == CORPUS[name]


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_and_foreign_files_are_refused(probed: Probe, name: str) -> None:
    if not (FOLDER / name).exists():
        pytest.skip("no corpus here")
    with pytest.raises(REFUSED[name]):
        probed((FOLDER / name).read_bytes(), name)


def test_the_bytes_decide_whatever_the_name(probed: Probe) -> None:
    assert probed(pdf("One"), "a.docx").media_type == "application/pdf"
    assert probed(docx("One"), "a.txt").extension == ".docx"


def test_which_text_a_text_is_its_name_says(probed: Probe) -> None:
    found = {name: probed(b"a,b\n", name).media_type for name in ("a.txt", "a.MD", "b.markdown", "a.htm", "a.csv")}
    assert list(found.values()) == ["text/plain", "text/markdown", "text/markdown", "text/html", "text/csv"]
    for name in ("a.svg", "a.exe", "a", "a.pdf"):
        with pytest.raises(errors.Unsupported):
            probed(b"a,b\n", name)


@pytest.mark.parametrize("data", [b"a\0b", b"\x7fELF\x02\x01", b"a\x01b"])
def test_a_text_holds_no_control_characters(probed: Probe, data: bytes) -> None:
    with pytest.raises(errors.Unsupported):
        probed(data, "a.txt")


@pytest.mark.parametrize("data", ["naïve".encode(), "naïve".encode("latin-1"), "naïve".encode("utf-16")])
def test_a_text_may_be_of_an_old_charset(probed: Probe, data: bytes) -> None:
    assert probed(data, "a.txt").media_type == "text/plain"


def test_a_marked_text_has_to_be_whole(probed: Probe) -> None:
    with pytest.raises(errors.Malformed):
        probed(b"\xff\xfe" + b"\x00\xd8" * 3, "a.txt")


def test_an_archive_may_not_grow_without_bound(probed: Probe) -> None:
    with pytest.raises(errors.Malformed, match="too much"):
        probed(archive({WORD: "<w/>", "word/media/a.xml": "a" * (60 << 20)}), "a.docx")


def test_an_archive_names_nothing_outside_itself(probed: Probe) -> None:
    for name in ("../a", "/etc/a"):
        with pytest.raises(errors.Malformed, match="outside"):
            probed(archive({WORD: "<w/>", name: "a"}), "a.docx")


def test_a_pdf_of_a_million_claimed_pages_costs_nothing(probed: Probe) -> None:
    bomb = FOLDER / "hostile/pdf_page_tree_bomb_1e6.pdf"
    if not bomb.exists():
        pytest.skip("no corpus here")
    assert probed(bomb.read_bytes(), bomb.name).details["page_count"] == 1_000_000

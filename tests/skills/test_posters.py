"""What stands for a file that is no picture, and what a document says."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from tests.corpus import FOLDER
from tests.documents import docx, pdf
from tests.pools import pool
from tests.videos import video

POSTER = "mediatheque.skills.poster_decode:take"
TEXT = "mediatheque.skills.document_text_decode:extract"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


def poster(decoders: Decoders, folder: Path, data: bytes, media_type: str) -> Image.Image:
    (folder / "source").write_bytes(data)
    decoders.run(POSTER, path=str(folder / "source"), media_type=media_type, target=str(folder / "poster.png"))
    return Image.open(io.BytesIO((folder / "poster.png").read_bytes()))


def said(decoders: Decoders, folder: Path, data: bytes, media_type: str) -> dict[str, object]:
    (folder / "source").write_bytes(data)
    found = decoders.run(TEXT, path=str(folder / "source"), media_type=media_type)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("form", "media_type"), [("mp4", "video/mp4"), ("webm", "video/webm"), ("avi", "video/x-msvideo")]
)
def test_a_poster_shows_more_than_black(decoders: Decoders, tmp_path: Path, form: str, media_type: str) -> None:
    picture = poster(decoders, tmp_path, video(form, seconds=2), media_type)
    assert picture.size == (64, 48)
    brightest = picture.convert("L").getextrema()[1]
    assert isinstance(brightest, int)
    assert brightest > 60


def test_the_poster_of_a_turned_video_is_upright(decoders: Decoders, tmp_path: Path) -> None:
    file = FOLDER / "video" / "with-gps.mov"
    if not file.exists():
        pytest.skip("no corpus here")
    picture = poster(decoders, tmp_path, file.read_bytes(), "video/quicktime").convert("RGB")
    assert picture.size == (320, 568)
    pixel = picture.getpixel((200, 90))
    assert isinstance(pixel, tuple)
    red, _, blue = pixel  # the case's blue band is at the top
    assert blue > red + 50


def test_the_poster_of_a_pdf_is_its_first_page(decoders: Decoders, tmp_path: Path) -> None:
    picture = poster(decoders, tmp_path, pdf("One", "Two"), PDF)
    assert picture.size == (1024, 683)
    assert picture.convert("L").getextrema() == (0, 255)


@pytest.mark.parametrize("name", ["pdf_huge_mediabox", "pdf_page_tree_bomb_1e6", "pdf_stream_bomb_300MB"])
def test_hostile_documents_end_in_bounds(decoders: Decoders, tmp_path: Path, name: str) -> None:
    file = FOLDER / "hostile" / f"{name}.pdf"
    if not file.exists():
        pytest.skip("no corpus here")
    for function, arguments in ((POSTER, {"target": str(tmp_path / "poster.png")}), (TEXT, {})):
        try:
            decoders.run(function, timeout_seconds=20, path=str(file), media_type=PDF, **arguments)
        except (DecoderFailed, errors.Malformed) as refused:
            assert "timed out" not in str(refused)


def test_the_text_of_a_pdf_knows_its_pages(decoders: Decoders, tmp_path: Path) -> None:
    lines = [f"Page {number} of the survey of the harbour" for number in range(1, 101)]
    found = said(decoders, tmp_path, pdf(*lines), PDF)
    assert found["text"] == "\n\n".join(lines)
    chunks = found["chunks"]
    assert isinstance(chunks, list) and len(chunks) >= 2
    assert chunks[0]["page_numbers"][0] == 1 and chunks[-1]["page_numbers"][-1] == 100
    assert all(len(chunk["content"]) <= 1800 for chunk in chunks)


def test_passages_know_the_headings_above_them(decoders: Decoders, tmp_path: Path) -> None:
    text = "# Harbour\n\n## Pier\n\n" + "bolt " * 600 + "\n\n## Boats\n\n" + "mast " * 600
    chunks = said(decoders, tmp_path, text.encode(), "text/markdown")["chunks"]
    assert isinstance(chunks, list)
    assert chunks[-1]["heading_hierarchy"] == ["Harbour", "Boats"]


@pytest.mark.parametrize(
    ("data", "media_type", "text"),
    [
        (docx("One", "Two"), DOCX, "One\n\nTwo"),
        ("naïve".encode("latin-1"), "text/plain", "naïve"),
        ("naïve".encode("utf-16"), "text/plain", "naïve"),
        ("\ufeffnaïve\r\n".encode(), "text/csv", "naïve"),
        ("<p>naïve</p><script>alert(1)</script>".encode("latin-1"), "text/html", "naïve"),
    ],
)
def test_texts_are_read_as_they_were_meant(
    decoders: Decoders, tmp_path: Path, data: bytes, media_type: str, text: str
) -> None:
    assert said(decoders, tmp_path, data, media_type)["text"] == text

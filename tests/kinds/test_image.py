import io
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mediatheque import errors
from mediatheque.decoder import Decoders
from mediatheque.kinds.image import EXTENSIONS, KIND
from mediatheque.model import Facts
from mediatheque.ports import Kind
from tests.corpus import Case, cases
from tests.pools import MISBEHAVIOUR, pool

Probed = Callable[[bytes], Facts]
MEDIA_TYPES = {"jpeg": "image/jpeg", "heif": "image/heic"}
DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL, EXIF_IFD = 0x9003, 0x9011, 0x8769
PICTURE = Image.radial_gradient("L").convert("RGB").resize((120, 80))


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000, preload=("mediatheque.kinds.image_probe",)) as decoders:
        yield decoders


@pytest.fixture
def probed(decoders: Decoders, tmp_path: Path) -> Probed:
    def probed(data: bytes) -> Facts:
        return probe(decoders, written(tmp_path / "file", data))

    return probed


def probe(decoders: Decoders, path: Path) -> Facts:
    return KIND.facts(decoders.run(KIND.probe, path=str(path)))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def encoded(form: str, picture: Image.Image = PICTURE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def dated(moment: str | None, offset: str | None = None) -> bytes:
    exif = Image.Exif()
    tags = {DATE_TIME_ORIGINAL: moment, OFFSET_TIME_ORIGINAL: offset}
    exif.get_ifd(EXIF_IFD).update({tag: value for tag, value in tags.items() if value})
    return encoded("jpeg", exif=exif)


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded("jpeg", exif=exif)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width: int, height: int) -> bytes:
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 10)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + pixels


def animation(frames: int, size: tuple[int, int] = (8, 8)) -> bytes:
    pictures = [Image.new("RGB", size, (number % 250, 255 * (number % 2), 0)) for number in range(frames)]
    return encoded("gif", pictures[0], save_all=True, append_images=pictures[1:])


def test_it_is_a_kind() -> None:
    assert isinstance(KIND, Kind)
    assert frozenset(EXTENSIONS) == KIND.media_types


@pytest.mark.parametrize("case", cases("image", "accept"), ids=lambda case: case.name)
def test_a_good_image_of_the_corpus_has_its_facts(decoders: Decoders, case: Case) -> None:
    facts = probe(decoders, case.path)
    form = case.facts["format"]
    assert facts.media_type == MEDIA_TYPES.get(form, f"image/{form}")
    assert [facts.width, facts.height] == case.facts["display_size"]
    assert facts.frames == case.facts["frames"]
    if facts.frames == 1:
        assert facts.details["has_alpha"] == case.facts.get("has_alpha", False)
    if "camera" in case.facts:
        assert facts.details["camera"][:40].split()[0] == case.facts["camera"][:40].split()[0]
    assert len(str(facts.details)) < 300
    assert "gps" not in str(facts.details).lower()


@pytest.mark.parametrize("case", cases("image", "reject"), ids=lambda case: case.name)
def test_a_bad_image_of_the_corpus_is_refused(decoders: Decoders, case: Case) -> None:
    with pytest.raises((errors.Unsupported, errors.Malformed)):
        probe(decoders, case.path)


@pytest.mark.parametrize("case", cases("image", "survive"), ids=lambda case: case.name)
def test_an_odd_image_of_the_corpus_is_taken_or_refused(decoders: Decoders, case: Case) -> None:
    try:
        assert probe(decoders, case.path).kind == "image"
    except (errors.Unsupported, errors.Malformed) as refusal:
        assert refusal.message


@pytest.mark.parametrize("kind", ["docx", "pdf", "video"])
def test_no_other_file_of_the_corpus_is_an_image(decoders: Decoders, kind: str) -> None:
    for case in cases(kind, "accept", "reject", "survive"):
        with pytest.raises(errors.Unsupported):
            probe(decoders, case.path)


def test_probing_hostile_images_needs_little_memory() -> None:
    with pool(files_per_child=10_000, preload=("mediatheque.kinds.image_probe",)) as decoders:
        before = decoders.run(MISBEHAVIOUR + "peak_bytes")
        for case in cases("image", "reject", "survive"):
            try:
                probe(decoders, case.path)
            except (errors.Unsupported, errors.Malformed):
                continue
        assert decoders.run(MISBEHAVIOUR + "peak_bytes") - before < 100 << 20


@pytest.mark.parametrize(
    ("form", "media_type", "extension"),
    [
        ("jpeg", "image/jpeg", ".jpg"),
        ("png", "image/png", ".png"),
        ("gif", "image/gif", ".gif"),
        ("webp", "image/webp", ".webp"),
        ("avif", "image/avif", ".avif"),
    ],
)
def test_the_type_comes_from_the_bytes(
    decoders: Decoders, tmp_path: Path, form: str, media_type: str, extension: str
) -> None:
    facts = probe(decoders, written(tmp_path / "a.exe[n=-1]", encoded(form)))
    assert (facts.media_type, facts.extension) == (media_type, extension)
    assert (facts.kind, facts.width, facts.height, facts.frames) == ("image", 120, 80, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>",
        b"\xef\xbb\xbf" + b"<!--" + b" " * 5000 + b"--><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><img src=x onerror=alert(1)>",
        b"push graphic-context\nviewbox 0 0 1 1\nfill 'url(https://x/)'\npop graphic-context",
        b"%!PS-Adobe-3.0\n%%EOF",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + b"\0" * 40,
        b"MZ" + b"\0" * 100,
        b"BM" + b"\0" * 100,
        b"II*\0" + b"\0" * 100,
    ],
)
def test_other_types_are_unsupported(probed: Probed, data: bytes) -> None:
    with pytest.raises(errors.Unsupported):
        probed(data)


def test_an_empty_file_is_malformed(probed: Probed) -> None:
    with pytest.raises(errors.Malformed, match="empty"):
        probed(b"")


@pytest.mark.parametrize("form", ["jpeg", "png", "gif", "webp", "avif"])
def test_an_image_cut_anywhere_is_refused(probed: Probed, form: str) -> None:
    whole = encoded(form)
    for length in range(1, len(whole) - 1, max(1, len(whole) // 40)):
        with pytest.raises((errors.Malformed, errors.Unsupported)):
            probed(whole[:length])


@pytest.mark.parametrize("form", ["jpeg", "png", "gif"])
def test_bytes_after_the_image_are_left_alone(probed: Probed, form: str) -> None:
    assert probed(encoded(form) + b"PK\x03\x04 appended").width == 120


def test_an_end_marker_in_a_thumbnail_does_not_complete_a_jpeg(probed: Probed) -> None:
    large = Image.effect_noise((2000, 1500), 90)
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9"
    whole = encoded("jpeg", large, quality=90, exif=exif.tobytes() + b"\xff\xd8\xff\xd9")
    assert probed(whole).width == 2000
    with pytest.raises(errors.Malformed):
        probed(whole[: len(whole) // 2])


def test_a_png_with_one_wrong_bit_is_refused(probed: Probed) -> None:
    data = bytearray(encoded("png", Image.effect_noise((1200, 1000), 90)))
    assert probed(bytes(data)).width == 1200
    data[len(data) // 2] ^= 1
    with pytest.raises(errors.Malformed):
        probed(bytes(data))


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (30_001, 1), (1, 30_001), (12_000, 10_001)])
def test_sizes_beyond_the_limits_are_refused_from_the_header(probed: Probed, width: int, height: int) -> None:
    with pytest.raises(errors.Malformed):
        probed(png_header(width, height))


def test_the_largest_size_is_taken(probed: Probed) -> None:
    facts = probed(png_header(12_000, 10_000))
    assert (facts.width, facts.height) == (12_000, 10_000)


def test_an_animation_has_at_most_500_frames(probed: Probed) -> None:
    assert probed(animation(500)).frames == 500
    with pytest.raises(errors.Malformed, match="frames"):
        probed(animation(501))


def test_an_animation_has_at_most_250_megabytes_over_all_frames(probed: Probed) -> None:
    with pytest.raises(errors.Malformed, match="frames"):
        probed(animation(17, (2000, 2000)))


def test_an_animated_webp_counts_its_frames(probed: Probed) -> None:
    pictures = [Image.new("RGB", (16, 16), (number * 60, 0, 0)) for number in range(4)]
    assert probed(encoded("webp", pictures[0], save_all=True, append_images=pictures[1:])).frames == 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_a_viewer_sees(probed: Probed, orientation: int) -> None:
    facts = probed(oriented(orientation))
    assert (facts.width, facts.height) == ((120, 80) if orientation < 5 else (80, 120))
    assert facts.details["orientation"] == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_unknown_orientation_counts_as_1(probed: Probed, orientation: int) -> None:
    facts = probed(oriented(orientation))
    assert (facts.width, facts.height, facts.details["orientation"]) == (120, 80, 1)


def test_a_capture_time_with_its_offset_is_exact(probed: Probed) -> None:
    facts = probed(dated("2024:05:06 07:08:09", "+02:00"))
    assert facts.captured_at == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert facts.details["captured_at_offset"] == "+02:00"


def test_a_capture_time_without_an_offset_counts_as_utc(probed: Probed) -> None:
    facts = probed(dated("2024:05:06 07:08:09"))
    assert facts.captured_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert facts.details["captured_at_offset"] is None


@pytest.mark.parametrize(
    "moment", [None, "0000:00:00 00:00:00", "2024:13:45 99:99:99", "yesterday", "    :  :     :  :  "]
)
def test_a_capture_time_that_is_none_is_absent(probed: Probed, moment: str | None) -> None:
    facts = probed(dated(moment, "+02:00"))
    assert facts.captured_at is None
    assert "captured_at_offset" not in facts.details


@pytest.mark.parametrize(
    ("mode", "form", "color_space", "has_alpha"),
    [
        ("L", "png", "gray", False),
        ("LA", "png", "gray", True),
        ("RGBA", "png", "rgb", True),
        ("CMYK", "jpeg", "cmyk", False),
    ],
)
def test_details_tell_colours_and_alpha(
    probed: Probed, mode: str, form: str, color_space: str, has_alpha: bool
) -> None:
    details = probed(encoded(form, PICTURE.convert(mode))).details
    assert (details["color_space"], details["has_alpha"]) == (color_space, has_alpha)


SEEDS = [encoded(form, PICTURE.resize((24, 16))) for form in ("jpeg", "png", "gif", "webp")] + [animation(3)]


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 4000),
)
def test_mutated_images_give_facts_or_a_refusal(
    decoders: Decoders,
    tmp_path_factory: pytest.TempPathFactory,
    seed: bytes,
    changes: list[tuple[int, int]],
    cut: int | None,
) -> None:
    data = bytearray(seed)
    for position, value in changes:
        data[position % len(data)] = value
    path = written(tmp_path_factory.getbasetemp() / "mutated", bytes(data[:cut]))
    try:
        assert probe(decoders, path).kind == "image"
    except (errors.Unsupported, errors.Malformed) as refusal:
        assert len(refusal.message) < 100

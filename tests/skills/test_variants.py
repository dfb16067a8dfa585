import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.kinds.image import KIND
from mediatheque.model import Facts, Queue
from mediatheque.ports import Work
from mediatheque.skills.variants import SIZES, SKILL
from tests.corpus import Case, cases
from tests.pools import MISBEHAVIOUR, pool

COLOUR_MANAGED = {"images/heic/iphone.heic": 10, "images/jpeg/cmyk_194x71.jpg": 9}
"""The corpus' means ignore colour profiles; ours do not."""
PATTERN_TOLERANCE = 7
"""WebP halves the resolution of colour, which shows in patterns of 32 pixels."""
METADATA: tuple[bytes, ...] = (
    b"Exif\0",
    b"EXIF",
    b"eXIf",
    b"adobe.com",
    b"xmpmeta",
    b"XMP ",
    b"Photoshop",
    b"ICC_PROFILE",
    b"ICCP",
    b"iCCP",
)
METADATA += (b"tEXt", b"iTXt", b"zTXt", b"<script", b"<?php")
THUMBNAIL_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "PNG"}


@dataclass
class Recorded:
    """A run's work whose results are kept for looking at."""

    decoders: Decoders
    facts: Facts
    source: Path
    folder: Path
    blob: Any = None
    variants: dict[str, tuple[bytes, str, int, int]] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    questions: int = 0

    def decode(self, function: str, **arguments: Any) -> Any:
        self.questions += 1
        return self.decoders.run(function, **arguments)

    def add_variant(self, name: str, file: Path, *, media_type: str, width: int, height: int) -> None:
        self.variants[name] = (file.read_bytes(), media_type, width, height)

    def add_finding(self, kind: str, value: Any, *, model: str | None = None, confidence: float | None = None) -> None:
        self.findings[kind] = value

    def picture(self, name: str) -> Image.Image:
        picture = Image.open(io.BytesIO(self.variants[name][0]))
        picture.load()
        return picture


Run = Callable[[Path], Recorded]
Made = Callable[..., Recorded]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000, preload=("mediatheque.skills.variants_decode",)) as decoders:
        yield decoders


@pytest.fixture
def run(decoders: Decoders, tmp_path: Path) -> Run:
    def run(source: Path) -> Recorded:
        facts = KIND.facts(decoders.run(KIND.probe, path=str(source)))
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        work = Recorded(decoders, facts, source, folder)
        for step in SKILL.steps:
            step.run(cast(Work, work))
        return work

    return run


@pytest.fixture
def made(run: Run, tmp_path: Path) -> Made:
    def made(form: str, picture: Image.Image, **options: Any) -> Recorded:
        path = tmp_path / "source"
        picture.save(path, form, **options)
        return run(path)

    return made


def quadrants(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture.convert("RGB"), dtype=float)
    middle_y, middle_x = (max(side // 2, 1) for side in pixels.shape[:2])
    rows = (pixels[:middle_y], pixels[-middle_y:])
    return np.array([part.reshape(-1, 3).mean(0) for row in rows for part in (row[:, :middle_x], row[:, -middle_x:])])


def on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA"))


def distance(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def photo(width: int, height: int) -> Image.Image:
    """Something with structure at every scale."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [np.sin(9 * x + 4 * y), np.cos(15 * x * y + 2), np.sin(7 * y) * np.cos(5 * x)]
    return Image.fromarray((127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8))


def test_it_makes_images_usable() -> None:
    assert (SKILL.name, SKILL.version, SKILL.kinds) == ("variants", 1, frozenset({"image"}))
    assert (SKILL.queue, SKILL.essential, SKILL.automatic) == (Queue.FAST, True, True)


def test_the_decoder_is_asked_once_since_another_picture_may_have_the_next_turn(made: Made) -> None:
    work = made("JPEG", photo(640, 480))
    assert (work.questions, set(work.findings)) == (1, {"blur_hash", "perceptual_hash"})


@pytest.mark.parametrize("case", cases("image", "accept"), ids=lambda case: case.name)
def test_variants_of_a_good_image_show_the_same_picture(run: Run, case: Case) -> None:
    work = run(case.path)
    assert set(work.variants) == {*SIZES, "thumbnail"}
    assert work.picture("large_1024").format == "WEBP"
    assert work.picture("thumbnail").format == THUMBNAIL_TYPES.get(work.facts.media_type, "WEBP")
    check_sizes(work)
    check_no_metadata(work)
    expected = expected_quadrants(case)
    if expected is not None:
        found = quadrants(
            on_white(work.picture("large_1024")) if case.facts.get("has_alpha") else work.picture("large_1024")
        )
        usual = PATTERN_TOLERANCE if max(case.facts["display_size"]) <= 100 else 4
        assert np.abs(found - expected).max() <= COLOUR_MANAGED.get(case.name, usual)


def check_sizes(work: Recorded) -> None:
    width, height = work.facts.width, work.facts.height
    assert width is not None
    assert height is not None
    for name, side in {**SIZES, "thumbnail": 256}.items():
        scale = min(1, side / max(width, height))
        assert abs(work.variants[name][2] - width * scale) <= 1
        assert abs(work.variants[name][3] - height * scale) <= 1
        assert work.picture(name).size == work.variants[name][2:]
        assert getattr(work.picture(name), "n_frames", 1) == 1


def check_no_metadata(work: Recorded) -> None:
    for name, (data, *_) in work.variants.items():
        picture = work.picture(name)
        assert not dict(picture.getexif())
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(picture.info)
        assert not [sign for sign in METADATA if sign in data]


def expected_quadrants(case: Case) -> Any:
    means = case.facts.get("mean_rgb_quadrants_tl_tr_bl_br")
    if means is None or case.facts["mode"] == "I;16":
        return None  # the corpus clips 16 bits where we scale them
    if case.facts.get("has_alpha"):
        return quadrants(on_white(Image.open(case.path))) if case.facts["format"] != "heif" else None
    return np.array(means)


@pytest.mark.parametrize("case", cases("image", "survive"), ids=lambda case: case.name)
def test_an_odd_image_of_the_corpus_succeeds_or_is_refused(run: Run, case: Case) -> None:
    try:
        assert run(case.path).variants
    except (errors.Malformed, errors.Unsupported) as refusal:
        assert refusal.message


@pytest.mark.parametrize("case", cases("image", "reject"), ids=lambda case: case.name)
def test_a_bad_image_that_came_past_the_probe_does_no_harm(decoders: Decoders, tmp_path: Path, case: Case) -> None:
    for media_type in ("image/jpeg", "image/heic"):
        try:
            arguments: dict[str, Any] = {"path": str(case.path), "media_type": media_type, "folder": str(tmp_path)}
            decoders.run("mediatheque.skills.variants_decode:make", **arguments)
        except errors.Malformed as refusal:
            assert refusal.message
        except DecoderFailed as failure:
            assert failure.reason == "out of memory"


@pytest.mark.parametrize(
    ("form", "thumbnail"),
    [("jpeg", "JPEG"), ("png", "PNG"), ("gif", "PNG"), ("webp", "WEBP"), ("avif", "WEBP")],
)
def test_the_thumbnail_keeps_the_type_where_it_can(made: Made, form: str, thumbnail: str) -> None:
    work = made(form, photo(400, 300))
    assert work.picture("thumbnail").format == thumbnail
    assert work.variants["thumbnail"][1:] == (f"image/{thumbnail.lower()}", 256, 192)


@pytest.mark.parametrize(
    "size", [(2000, 1000), (1000, 2000), (1025, 3), (30_000, 20), (700, 700), (5, 5), (1, 1), (1, 3000)]
)
def test_sizes_keep_the_aspect_ratio_and_never_grow(made: Made, size: tuple[int, int]) -> None:
    work = made("png", photo(*size))
    assert work.variants["large_1024"][2:] == work.picture("large_1024").size
    for name, side in SIZES.items():
        longest = max(work.variants[name][2:])
        assert longest == min(side, max(size))
    check_sizes_of_long_sides(work, size)


def check_sizes_of_long_sides(work: Recorded, size: tuple[int, int]) -> None:
    scale = min(1, 1024 / max(size))
    assert work.variants["large_1024"][2:] == tuple(max(1, round(side * scale)) for side in size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_baked_in(made: Made, orientation: int) -> None:
    picture = Image.new("RGB", (300, 200), (250, 0, 0))
    picture.paste((0, 0, 250), (0, 0, 150, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM}
    turned |= {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}
    turned |= {8: Image.Transpose.ROTATE_270}
    stored = picture.transpose(turned[orientation]) if orientation in turned else picture
    work = made("jpeg", stored, exif=exif, quality=95)
    assert work.picture("large_1024").size == (300, 200)
    assert np.abs(quadrants(work.picture("large_1024")) - quadrants(picture)).max() < 4


def test_metadata_is_gone_from_every_variant(made: Made) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x010E] = "Maker", "<script>alert(1)</script>"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.2)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    work = made("jpeg", photo(1200, 800), exif=exif, comment=b"<?php evil ?>", icc_profile=profile, xmp=b"<x:xmpmeta/>")
    check_no_metadata(work)


def test_text_chunks_of_a_png_are_gone(made: Made) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "<script>alert(1)</script>")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    check_no_metadata(made("png", photo(300, 200), pnginfo=text))


def test_alpha_is_kept_where_the_format_has_it(made: Made) -> None:
    picture = photo(300, 200)
    picture.putalpha(Image.linear_gradient("L").resize((300, 200)))
    work = made("png", picture)
    for name in work.variants:
        assert work.picture(name).mode == "RGBA"
        pixel = work.picture(name).getpixel((0, 0))
        assert isinstance(pixel, tuple)
        assert pixel[3] < 20


def test_deep_and_grey_and_cmyk_images_become_8_bit_srgb(made: Made, tmp_path: Path) -> None:
    grey16 = Image.fromarray(np.linspace(0, 65535, 300 * 200, dtype=np.uint16).reshape(200, 300))
    work = made("png", grey16)
    assert work.picture("large_1024").mode == "RGB"
    assert abs(np.asarray(work.picture("large_1024")).mean() - 127.5) < 3


def test_an_animation_shows_its_first_frame(made: Made) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    work = made("webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)
    assert work.facts.frames == 3
    pixel = work.picture("large_1024").getpixel((32, 32))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 240


def test_a_photo_cut_short_behind_its_header_is_malformed(decoders: Decoders, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    photo(2000, 1500).save(buffer, "jpeg", quality=95)
    path = tmp_path / "cut"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    arguments: dict[str, Any] = {"path": str(path), "media_type": "image/jpeg", "folder": str(tmp_path)}
    with pytest.raises(errors.Malformed):
        decoders.run("mediatheque.skills.variants_decode:make", **arguments)


def test_a_file_that_cannot_be_read_is_not_called_malformed(decoders: Decoders, tmp_path: Path) -> None:
    for media_type in ("image/jpeg", "image/heic"):
        arguments: dict[str, Any] = {
            "path": str(tmp_path / "absent"), "media_type": media_type, "folder": str(tmp_path)
        }  # fmt: skip
        with pytest.raises(DecoderFailed, match="FileNotFoundError"):
            decoders.run("mediatheque.skills.variants_decode:make", **arguments)


def test_hashes_are_short_and_stable(made: Made) -> None:
    work = made("png", photo(640, 480))
    assert len(work.findings["blur_hash"]) == 28
    assert len(work.findings["perceptual_hash"]) == 16


def test_the_perceptual_hash_survives_size_and_format_but_tells_pictures_apart(made: Made) -> None:
    first = made("png", photo(800, 600)).findings["perceptual_hash"]
    smaller = made("jpeg", photo(800, 600).resize((400, 300)), quality=40).findings["perceptual_hash"]
    other = made("png", photo(800, 600).rotate(90)).findings["perceptual_hash"]
    assert distance(first, smaller) <= 6
    assert distance(first, other) > 12


def test_a_flat_picture_has_no_perceptual_hash(made: Made) -> None:
    work = made("png", Image.new("RGB", (300, 200), "teal"))
    assert "perceptual_hash" not in work.findings
    assert work.findings["blur_hash"]


def test_twelve_megapixels_stay_within_the_memory_limit(decoders: Decoders, tmp_path: Path) -> None:
    picture = photo(4032, 3024)
    forms: dict[str, dict[str, Any]] = {
        "jpeg": {"progressive": True}, "png": {"compress_level": 1}, "webp": {"method": 0}
    }  # fmt: skip
    for form, options in forms.items():
        path = tmp_path / form
        picture.save(path, form, **options)
        arguments: dict[str, Any] = {"path": str(path), "media_type": f"image/{form}", "folder": str(tmp_path)}
        made = decoders.run("mediatheque.skills.variants_decode:make", **arguments)
        assert made["sizes"]["large_1024"] == [1024, 768]
    assert decoders.run(MISBEHAVIOUR + "peak_bytes") < 512 << 20

"""`exif-strip` and `format-convert` over the corpus: pixels stay, metadata goes, nothing odd does harm."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.kinds.image import KIND
from tests.corpus import Case, cases
from tests.pools import pool

STRIPPED = ("image/jpeg", "image/png", "image/webp", "image/gif")
STRIP = "mediatheque.skills.exif_strip_decode:strip"
CONVERT = "mediatheque.skills.format_convert_decode:convert"


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


@pytest.mark.parametrize("case", cases("image", "accept"), ids=lambda case: case.name)
def test_stripping_leaves_the_pixels(decoders: Decoders, tmp_path: Path, case: Case) -> None:
    facts = KIND.facts(decoders.run(KIND.probe, path=str(case.path)))
    output = tmp_path / "stripped"
    arguments: dict[str, Any] = {"path": str(case.path), "media_type": facts.media_type, "output": str(output)}
    orientation = facts.details["orientation"]
    if facts.media_type not in STRIPPED:
        with pytest.raises(errors.Unsupported):
            decoders.run(STRIP, **arguments, orientation=orientation)
        return
    decoders.run(STRIP, **arguments, orientation=orientation)
    after = KIND.facts(decoders.run(KIND.probe, path=str(output)))
    assert (after.media_type, after.width, after.height) == (facts.media_type, facts.width, facts.height)
    assert after.frames == facts.frames
    assert after.details["orientation"] == 1
    data = output.read_bytes()
    assert not [sign for sign in (b"Exif\0", b"eXIf", b"EXIF", b"xmpmeta", b"Photoshop") if sign in data]
    if orientation == 1:
        with Image.open(case.path) as before, Image.open(output) as stripped:
            assert stripped.mode == before.mode
            assert np.array_equal(np.asarray(stripped), np.asarray(before))


@pytest.mark.parametrize("case", cases("image", "survive"), ids=lambda case: case.name)
def test_odd_pictures_are_converted_or_refused(decoders: Decoders, tmp_path: Path, case: Case) -> None:
    try:
        facts = KIND.facts(decoders.run(KIND.probe, path=str(case.path)))
        output = tmp_path / "converted"
        made = decoders.run(
            CONVERT, path=str(case.path), media_type=facts.media_type, frames=facts.frames, target="image/webp",
            output=str(output),
        )  # fmt: skip
        with Image.open(output) as image:
            assert image.size == (made["width"], made["height"]) == (facts.width, facts.height)
    except (errors.Malformed, errors.Unsupported) as refusal:
        assert refusal.message


@pytest.mark.parametrize("case", cases("image", "reject"), ids=lambda case: case.name)
def test_bad_pictures_that_came_past_the_probe_do_no_harm(decoders: Decoders, tmp_path: Path, case: Case) -> None:
    for media_type in STRIPPED:
        for function, more in ((STRIP, {"orientation": 1}), (CONVERT, {"frames": 1, "target": "image/png"})):
            try:
                decoders.run(function, path=str(case.path), media_type=media_type, output=str(tmp_path / "x"), **more)
            except errors.Malformed as refusal:
                assert refusal.message
            except DecoderFailed as failure:
                assert failure.reason == "out of memory"

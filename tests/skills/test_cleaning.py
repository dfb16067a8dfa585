"""Metadata taken out by a tenant's policy: places go, or all, and no pixel and no sound changes."""

import base64
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.kinds import image as image_kind
from mediatheque.kinds import video as video_kind
from tests.corpus import Case, cases
from tests.pictures import picture
from tests.pools import pool

EDITS = "mediatheque.skills.metadata_decode:edits"
POLICIES = ("strip-location", "strip-all")
GPS, ORIENTATION, MODEL = 0x8825, 0x0112, 0x0110


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


def edited(data: bytes, edits: list[Any]) -> bytes:
    pieces, position = [], 0
    for start, end, text, zeros in edits:
        assert position <= start <= end
        pieces += [data[position:start], base64.b64decode(text), bytes(zeros)]
        position = end
    return b"".join([*pieces, data[position:]])


def cleaned(decoders: Decoders, file: Path, media_type: str, policy: str, orientation: int = 1) -> bytes:
    arguments: dict[str, Any] = {
        "path": str(file), "media_type": media_type, "orientation": orientation, "policy": policy
    }  # fmt: skip
    return edited(file.read_bytes(), decoders.run(EDITS, **arguments))


def located(data: bytes) -> bytes:
    """A JPEG with a place in EXIF, XMP, IPTC and a comment, an orientation, and something behind its end."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MODEL] = 6, "Camera"
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 8.0)})
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><exif:GPSLatitude>48,51.4N</exif:GPSLatitude></x:xmpmeta>"
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x5a\0\x05Paris"
    pieces = [(0xE1, exif.tobytes()), (0xE1, xmp), (0xED, iptc), (0xFE, b"GPS 48.85 2.35"), (0xFE, b"a good day")]
    segments = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in pieces)
    return data[:2] + segments + data[2:] + b"ftypmp42 a clip that says where"


def pixels(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as found:
        return np.asarray(found)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", cases("image", "accept"), ids=lambda case: case.name)
def test_no_pixel_changes_and_no_place_stays(decoders: Decoders, case: Case, policy: str, tmp_path: Path) -> None:
    facts = image_kind.KIND.facts(decoders.run(image_kind.KIND.probe, path=str(case.path)))
    after = cleaned(decoders, case.path, facts.media_type, policy, facts.details["orientation"])
    output = tmp_path / "cleaned"
    output.write_bytes(after)
    seen = image_kind.KIND.facts(decoders.run(image_kind.KIND.probe, path=str(output)))
    assert (seen.media_type, seen.width, seen.height, seen.frames) == (
        facts.media_type, facts.width, facts.height, facts.frames
    )  # fmt: skip
    assert seen.details["orientation"] == facts.details["orientation"]
    again = {"path": str(output), "media_type": facts.media_type, "orientation": facts.details["orientation"]}
    if policy == "strip-all":
        assert seen.captured_at is None
        assert "camera" not in seen.details
    if facts.media_type in {"image/heic", "image/avif"}:
        assert len(after) == case.path.stat().st_size
        assert decoders.run(EDITS, **again, policy=policy) == []
        return
    with Image.open(output) as found, Image.open(case.path) as before:
        assert found.mode == before.mode
        assert np.array_equal(np.asarray(found), np.asarray(before))
        assert not found.getexif().get_ifd(GPS)
        assert found.info.get("icc_profile") == before.info.get("icc_profile")


def test_every_way_to_say_where_is_found_in_a_jpeg(decoders: Decoders, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(located(picture("JPEG", 64, 48)))
    after = cleaned(decoders, file, "image/jpeg", "strip-location", 6)
    with Image.open(io.BytesIO(after)) as found:
        exif = found.getexif()
        assert (exif[ORIENTATION], exif[MODEL]) == (6, "Camera")
        assert GPS not in exif
    assert not [word for word in (b"GPS", b"Paris", b"xmpmeta", b"clip") if word in after]
    assert b"a good day" in after
    assert np.array_equal(pixels(after), pixels(file.read_bytes()))
    bare = cleaned(decoders, file, "image/jpeg", "strip-all", 6)
    assert not [word for word in (b"Camera", b"a good day", b"Paris") if word in bare]
    with Image.open(io.BytesIO(bare)) as found:
        assert dict(found.getexif()) == {ORIENTATION: 6}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", cases("video", "accept"), ids=lambda case: case.name)
def test_videos_keep_what_is_seen_and_heard(decoders: Decoders, case: Case, policy: str, tmp_path: Path) -> None:
    facts = video_kind.KIND.facts(decoders.run(video_kind.KIND.probe, path=str(case.path)))
    if facts.media_type not in {"video/mp4", "video/quicktime", "video/x-m4v"}:
        with pytest.raises(errors.Unsupported):
            cleaned(decoders, case.path, facts.media_type, policy)
        return
    output = tmp_path / case.path.name
    output.write_bytes(cleaned(decoders, case.path, facts.media_type, policy))
    assert output.stat().st_size == case.path.stat().st_size
    (words, before), (left, after) = told(case.path), told(output)
    assert after == before
    assert not [name for name in left if "location" in name.lower()]
    if policy == "strip-all":
        assert "creation_time" not in left
    assert video_kind.KIND.facts(decoders.run(video_kind.KIND.probe, path=str(output))).width == facts.width
    assert b"+48" not in output.read_bytes() or "location" not in str(words)


def measured(handler: bytes, text: bytes) -> bytes:
    """A video with a second track of that handler, in which the text lies."""
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as container:
        seen = container.add_stream("mpeg4", rate=10)
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        heard = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(text, np.int16)[None], format="s16", layout="mono")
        frame.rate = 8000
        container.mux(seen.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(heard.encode(frame))
        container.mux(seen.encode())
    return file.getvalue().replace(b"soun", handler)


@pytest.mark.parametrize(
    ("handler", "text", "stays"),
    [
        (b"meta", b"[latitude: 22.54] [longitude: 114.05]!", False),
        (b"sbtl", b"[latitude: 22.54] [longitude: 114.05]!", False),
        (b"sbtl", b"a word that a person wrote below it...", True),
        (b"meta", b"how fast it turned, and who knows what", False),
    ],
)
def test_tracks_that_say_where_are_blanked(
    decoders: Decoders, tmp_path: Path, handler: bytes, text: bytes, stays: bool
) -> None:
    file, output = tmp_path / "drone.mov", tmp_path / "cleaned.mov"
    file.write_bytes(measured(handler, text * 20))
    output.write_bytes(cleaned(decoders, file, "video/quicktime", "strip-location"))
    assert (text in output.read_bytes()) is stays
    assert output.stat().st_size == file.stat().st_size
    seen = [[it for it in told(each)[1] if it[0] == "video"] for each in (file, output)]
    assert seen[0] == seen[1] and seen[0]


def told(file: Path) -> tuple[dict[str, str], list[tuple[str, int, bytes]]]:
    """The container's words, and every packet that is seen or heard."""
    with av.open(str(file)) as container:
        streams = [it for it in container.streams if it.type in {"video", "audio"}]
        packets: list[tuple[str, int, bytes]] = [
            (it.stream.type, it.pts or 0, bytes(it)) for it in container.demux(streams) if it.size
        ]
        return dict(container.metadata), packets


@pytest.mark.parametrize("case", cases("image", "reject") + cases("image", "survive"), ids=lambda case: case.name)
def test_bad_files_that_came_past_the_probe_do_no_harm(decoders: Decoders, case: Case) -> None:
    data = case.path.read_bytes()
    for media_type in ("image/jpeg", "image/png", "image/webp", "image/gif", "image/heic", "video/mp4"):
        for policy in POLICIES:
            arguments: dict[str, Any] = {
                "path": str(case.path), "media_type": media_type, "orientation": 1, "policy": policy
            }  # fmt: skip
            try:
                edited(data, decoders.run(EDITS, **arguments))
            except (errors.Malformed, errors.Unsupported) as refusal:
                assert refusal.message
            except DecoderFailed as failure:
                assert failure.reason == "out of memory"

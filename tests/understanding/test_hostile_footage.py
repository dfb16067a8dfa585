"""Videos and sounds that lie, break off or never end: a reason or a part, in time, and nobody else is kept waiting."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mediatheque import errors
from mediatheque.decoder import DecoderFailed, Decoders
from tests.corpus import FOLDER
from tests.pools import pool
from tests.videos import recording, scenes, video

SCENES, SAMPLES = "mediatheque.skills.scenes_decode:find", "mediatheque.skills.transcript_decode:samples"
RED, BLUE = (200, 20, 20), (20, 20, 200)
IN_TIME_SECONDS = 60.0


def lying(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """The MP4 with other bytes in one of its boxes."""
    at = data.index(box) + 4 + offset
    return data[:at] + value + data[at + len(value) :]


def wav(*, channels: int = 1, rate: int = 16_000, bits: int = 16, claimed_bytes: int = 1 << 31) -> bytes:
    """Half a second of silence whose header says what it likes."""
    kind = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 & 0xFFFFFFFF, 2, bits)
    head = b"RIFF" + struct.pack("<I", 0xFFFFFFF0) + b"WAVEfmt " + struct.pack("<I", len(kind)) + kind
    return head + b"data" + struct.pack("<I", claimed_bytes) + bytes(16_000)


def corpus(name: str) -> bytes:
    path = FOLDER / name
    return path.read_bytes() if path.exists() else b""


VIDEOS: dict[str, Callable[[], bytes]] = {
    "half": lambda: scenes(RED, BLUE)[:-2000],
    "a head alone": lambda: video("webm")[:300],
    "broken in the middle": lambda: (lambda it: it[:2000] + bytes(4000) + it[6000:])(video("avi", seconds=3)),
    "huge sides": lambda: lying(video(), b"mp4v", 24, struct.pack(">HH", 65535, 65535)),
    "no time": lambda: lying(video(), b"mdhd", 12, bytes(4)),
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a list of files": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "zeros": lambda: bytes(10_000),
    "nothing": lambda: b"",
    "cut short": lambda: corpus("hostile/video_truncated.mp4"),
    "a type alone": lambda: corpus("hostile/ftyp_only.mp4"),
}
SOUNDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "half": ("audio/mpeg", lambda: recording("mp3", seconds=3)[:9000]),
    "noise": ("audio/mpeg", lambda: b"\xff\xfb\x90\x64" + bytes(range(256)) * 40),
    "broken in the middle": ("audio/ogg", lambda: (lambda it: it[:900] + bytes(500) + it[1400:])(recording("ogg"))),
    "no channels": ("audio/wav", lambda: wav(channels=0)),
    "many channels": ("audio/wav", lambda: wav(channels=65535)),
    "no rate": ("audio/wav", lambda: wav(rate=0)),
    "an endless rate": ("audio/wav", lambda: wav(rate=0xFFFFFFFF)),
    "strange bits": ("audio/wav", lambda: wav(bits=255)),
    "zeros": ("audio/flac", lambda: b"fLaC" + bytes(5000)),
    "nothing": ("audio/mp4", lambda: b""),
}


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


def tried(decoders: Decoders, place: Path, function: str, data: bytes, **arguments: Any) -> dict[str, Any] | None:
    """What came of it in time; None: a refusal, with another reason than time."""
    (place / "source").write_bytes(data)
    try:
        found = decoders.run(function, timeout_seconds=IN_TIME_SECONDS, path=str(place / "source"), **arguments)
    except (errors.Malformed, DecoderFailed) as refused:
        assert "timed out" not in str(refused)
        return None
    return dict(found)


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("media_type", ["video/mp4", "video/webm", "video/x-msvideo"])
def test_the_scenes_of_a_hostile_video_are_few_or_none(
    decoders: Decoders, tmp_path: Path, name: str, media_type: str
) -> None:
    arguments = {"media_type": media_type, "folder": str(tmp_path), "most": 100}
    found = tried(decoders, tmp_path, SCENES, VIDEOS[name](), **arguments)
    assert found is None or 0 < len(found["scenes"]) <= 3


@pytest.mark.parametrize("name", SOUNDS)
def test_the_samples_of_a_hostile_sound_are_few_or_none(decoders: Decoders, tmp_path: Path, name: str) -> None:
    media_type, data = SOUNDS[name]
    arguments = {"media_type": media_type, "target": str(tmp_path / "samples"), "most_seconds": 10.0}
    found = tried(decoders, tmp_path, SAMPLES, data(), **arguments)
    written = (tmp_path / "samples").stat().st_size if (tmp_path / "samples").exists() else 0
    assert written <= 10 * 32_000
    assert found is None or found["seconds"] <= 10


def test_a_video_that_claims_days_is_as_long_as_its_pictures(decoders: Decoders, tmp_path: Path) -> None:
    data = scenes(RED, BLUE)
    for box, offset in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        data = lying(data, box, offset, struct.pack(">I", 0x7FFFFFFF))
    found = tried(decoders, tmp_path, SCENES, data, media_type="video/mp4", folder=str(tmp_path), most=100)
    assert found is not None
    assert found["scenes"][-1]["end_seconds"] < 3 or not found["is_cut"]


def test_a_sound_that_goes_on_is_cut_where_the_limit_is_and_says_so(decoders: Decoders, tmp_path: Path) -> None:
    arguments = {"media_type": "audio/flac", "target": str(tmp_path / "samples"), "most_seconds": 5.0}
    found = tried(decoders, tmp_path, SAMPLES, recording("flac", seconds=60, rate=16_000), **arguments)
    assert found == {"seconds": 5.0, "is_cut": True}
    assert (tmp_path / "samples").stat().st_size == 5 * 32_000


def test_a_sound_that_breaks_off_says_so(decoders: Decoders, tmp_path: Path) -> None:
    data = recording("ogg")
    arguments = {"media_type": "audio/ogg", "target": str(tmp_path / "samples"), "most_seconds": 10.0}
    found = tried(decoders, tmp_path, SAMPLES, data[:900] + bytes(500) + data[1400:], **arguments)
    assert found is not None
    assert found["seconds"] < 1 and found["is_cut"]


def test_a_video_of_many_cuts_has_no_more_scenes_than_the_limit(decoders: Decoders, tmp_path: Path) -> None:
    data = scenes(*([RED, BLUE] * 8))
    found = tried(decoders, tmp_path, SCENES, data, media_type="video/mp4", folder=str(tmp_path), most=5)
    assert found is not None
    assert (len(found["scenes"]), found["is_cut"]) == (5, True)
    assert len(list(tmp_path.glob("scene-*.webp"))) == 5

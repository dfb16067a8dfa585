"""Which videos are taken, and what is known of them before they are."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from mediatheque import errors
from mediatheque.decoder import Decoders
from mediatheque.kinds.video import KIND
from mediatheque.model import Facts
from tests.corpus import FOLDER
from tests.pools import pool
from tests.videos import video

Probe = Callable[[bytes], Facts]
CORPUS = {
    "rabbit320.mp4": ("video/mp4", 320, 240, 7.8, "h264", "aac", 30.0),
    "rabbit320.webm": ("video/webm", 320, 240, 7.8, "vp8", "vorbis", 30.0),
    "frog.webm": ("video/webm", 720, 480, 8.27, "vp8", "vorbis", 30.0),
    "with-gps.mov": ("video/quicktime", 320, 568, 4.0, "h264", "aac", 29.988),
    "with-gps_0.17s.mp4": ("video/mp4", 1920, 1080, 0.17, "h264", "aac", 30.02),
}


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with pool(files_per_child=10_000) as decoders:
        yield decoders


@pytest.fixture
def probed(decoders: Decoders, tmp_path: Path) -> Probe:
    def probed(data: bytes) -> Facts:
        file = tmp_path / "upload"
        file.write_bytes(data)
        return KIND.facts(decoders.run(KIND.probe, path=str(file), name=""))

    return probed


@pytest.mark.parametrize("name", CORPUS)
def test_videos_that_people_have_are_known_as_a_viewer_sees_them(probed: Probe, name: str) -> None:
    file = FOLDER / "video" / name
    if not file.exists():
        pytest.skip("no corpus here")
    facts, details = probed(file.read_bytes()), probed(file.read_bytes()).details
    media_type, width, height, duration, codec, sound, rate = CORPUS[name]
    assert (facts.media_type, facts.width, facts.height) == (media_type, width, height)
    assert details["duration_seconds"] == pytest.approx(duration, abs=0.01)
    assert (details["video_codec"], details["audio_codec"]) == (codec, sound)
    assert details["frame_rate"] == pytest.approx(rate, abs=0.01)
    assert details["resolution"] == f"{width}x{height}"
    assert details["file_size_bytes"] == file.stat().st_size


def test_the_day_is_that_of_the_place(probed: Probe) -> None:
    file = FOLDER / "video" / "with-gps.mov"
    if not file.exists():
        pytest.skip("no corpus here")
    assert probed(file.read_bytes()).captured_at == datetime.fromisoformat("2019-07-24T11:25:40+03:00")


@pytest.mark.parametrize(
    "name",
    ["hostile/hls_ssrf.mp4", "hostile/concat_local.avi", "hostile/ftyp_only.mp4", "video/not_a_video_bear.mp3",
     "video/sample.3gp"],
)  # fmt: skip
def test_what_is_no_video_of_ours_is_refused(probed: Probe, name: str) -> None:
    if not (FOLDER / name).exists():
        pytest.skip("no corpus here")
    with pytest.raises((errors.Unsupported, errors.Malformed)):
        probed((FOLDER / name).read_bytes())


def test_a_playlist_is_never_opened(probed: Probe, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video())
    for data in (f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n", f"ffconcat version 1.0\nfile {secret}\n"):
        with pytest.raises(errors.Unsupported):
            probed(data.encode())


def test_a_silent_video_has_no_sound_codec(probed: Probe) -> None:
    details = probed(video("mov", seconds=2)).details
    assert (details["audio_codec"], details["format_name"], details["duration_seconds"]) == (None, "mov", 2.0)

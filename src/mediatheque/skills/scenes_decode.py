"""Runs in a decoder child: cuts of a video, from the difference of small pictures that follow one another."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from mediatheque import errors
from mediatheque.footage import container_format, first_frame, opened

SMALL = (64, 36)
CUT = 22.0
"""Mean difference of two small pictures, of 255, from which they are of two scenes."""
MIN_SCENE_SECONDS = 0.6
STEP_SECONDS = 0.2
LONG_SECONDS = 600.0
LARGE_PIXELS = 1920 * 1080
"""Of longer videos and of larger ones only key frames are looked at: encoders place one at most cuts."""
PATIENCE_SECONDS = 40.0
BROKEN_OFF_SECONDS = 60.0
"""A video whose pictures end so long before it says has broken off, or lies: key frames are not so far apart."""
SIDE = 480
QUALITY = 80


def find(path: str, media_type: str, folder: str, most: int) -> dict[str, Any]:
    """`scenes`, of each `index`, `start_seconds`, `end_seconds`, `file`, `width`, `height`; `is_cut`: time or room ran
    out before the end, or the video breaks off, or ends long before it says. Raises `Malformed`."""
    try:
        with opened(path, container_format(media_type)) as container:
            stream, first = first_frame(container)
            return _scenes(container, stream, first, Path(folder), most)
    except (av.FFmpegError, ValueError, OverflowError) as problem:
        raise errors.Malformed("The video cannot be read") from problem


def _scenes(
    container: InputContainer, stream: VideoStream, first: VideoFrame, folder: Path, most: int
) -> dict[str, Any]:
    duration = container.duration / av.time_base if container.duration else 0.0
    if duration > LONG_SECONDS or stream.width * stream.height > LARGE_PIXELS:
        stream.codec_context.skip_frame = "NONKEY"
    scenes = [_scene(0, 0.0, first, folder)]
    before, at, end, is_cut = _small(first), 0.0, 0.0, False
    until = time.monotonic() + PATIENCE_SECONDS
    for frame in _frames(container, stream):
        if frame is None:
            is_cut, duration = True, end
            break
        end = max(end, frame.time or 0.0)
        if end - at < STEP_SECONDS:
            continue
        small = _small(frame)
        if np.abs(small - before).mean() > CUT and end - scenes[-1]["start_seconds"] >= MIN_SCENE_SECONDS:
            if len(scenes) == most:
                is_cut = True
                break
            scenes.append(_scene(len(scenes), end, frame, folder))
        before, at = small, end
        if time.monotonic() > until:
            is_cut = True
            break
    is_short = not is_cut and duration - end > BROKEN_OFF_SECONDS
    ends = [scene["start_seconds"] for scene in scenes[1:]] + [round(end if is_short else max(duration, end), 3)]
    for scene, ending in zip(scenes, ends, strict=True):
        scene["end_seconds"] = ending
    return {"scenes": scenes, "is_cut": is_cut or is_short}


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | None]:
    """The rest of the pictures; None, and no more, where the video breaks off."""
    try:
        yield from container.decode(stream)
    except av.FFmpegError:
        yield None


def _small(frame: VideoFrame) -> Any:
    return frame.reformat(*SMALL, format="rgb24").to_ndarray().astype(np.int16)


def _scene(index: int, start: float, frame: VideoFrame, folder: Path) -> dict[str, Any]:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    picture.thumbnail((SIDE, SIDE))
    upright = picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
    file = f"scene-{index}.webp"
    upright.save(folder / file, format="WEBP", quality=QUALITY, method=2)
    return {"index": index, "start_seconds": round(start, 3), "end_seconds": None, "file": file,
            "width": upright.width, "height": upright.height}  # fmt: skip

"""FFmpeg as decoder children use it: local files alone, in a container that is named. Never import it elsewhere."""

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mediatheque import errors

MAX_SIDE = 16_384
MAX_PIXELS = 36_000_000
OPTIONS = {"protocol_whitelist": "file"}


def opened(path: str, container_format: str) -> InputContainer:
    return av.open(path, format=container_format, options=OPTIONS, metadata_errors="replace")


def container_format(media_type: str) -> str:
    """What FFmpeg calls the container of this type."""
    return _CONTAINERS.get(media_type, "mov")


_CONTAINERS = {
    "video/webm": "matroska",
    "video/x-msvideo": "avi",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
}


def first_frame(container: InputContainer) -> tuple[VideoStream, VideoFrame]:
    """Raises `Malformed` when there is no moving picture, or one that is too large."""
    stream = next(
        (it for it in container.streams.video if not it.disposition & av.stream.Disposition.attached_pic), None
    )
    if stream is None:
        raise errors.Malformed("The file holds no video")
    if max(stream.width, stream.height) > MAX_SIDE or stream.width * stream.height > MAX_PIXELS:
        raise errors.Malformed("The video has too many pixels")
    stream.thread_count = 1
    frame = next(container.decode(stream), None)
    if frame is None:
        raise errors.Malformed("The file holds no picture")
    return stream, frame

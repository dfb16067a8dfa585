"""Runs in a decoder child: decides from the bytes what video a file is, and decodes its first picture.

Only the four containers below are ever opened, and from a local file alone: playlists and the like can name others.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from mediatheque import errors
from mediatheque.footage import first_frame, opened
from mediatheque.kinds.video import EXTENSIONS

HEAD_BYTES = 64
BRANDS = {b"qt  ": "video/quicktime", b"M4V ": "video/x-m4v", b"M4VH": "video/x-m4v", b"M4VP": "video/x-m4v"}
"""Of QuickTime's family, by major brand; the others that hold moving pictures are MP4."""
OTHER_BRANDS = (
    b"M4A ",
    b"M4B ",
    b"M4P ",
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"mif1",
    b"msf1",
    b"avif",
    b"avis",
    b"3g",
)
"""Sound, pictures, and telephones of long ago."""


def probe(path: str, name: str = "") -> dict[str, Any]:  # noqa: ARG001 - the bytes tell
    """Raises `Unsupported`, `Malformed`."""
    media_type, container_format = _recognise(path)
    try:
        with opened(path, container_format) as container:
            return _facts(container, media_type, Path(path).stat().st_size)
    except (av.FFmpegError, ValueError, OverflowError) as problem:
        raise errors.Malformed("The video cannot be read") from problem


def _recognise(path: str) -> tuple[str, str]:
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[4:8] == b"ftyp" and not head[8:12].startswith(OTHER_BRANDS):
        return BRANDS.get(head[8:12], "video/mp4"), "mov"
    if head[4:8] in {b"moov", b"mdat", b"wide", b"free"}:
        return "video/quicktime", "mov"
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head:
        return "video/webm", "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "video/x-msvideo", "avi"
    raise errors.Unsupported


def _facts(container: InputContainer, media_type: str, size_bytes: int) -> dict[str, Any]:
    stream, frame = first_frame(container)
    width, height = (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)
    duration = container.duration / av.time_base if container.duration else None
    audio = container.streams.audio[0] if container.streams.audio else None
    rate = stream.average_rate or stream.guessed_rate
    bit_rate = container.bit_rate or (size_bytes * 8 / duration if duration else 0)
    return {
        "media_type": media_type,
        "width": width,
        "height": height,
        "captured_at": _captured_at(container.metadata),
        "details": {
            "duration_seconds": round(duration, 3) if duration else None,
            "resolution": f"{width}x{height}",
            "width": width,
            "height": height,
            "frame_rate": round(float(rate), 3) if rate else None,
            "video_codec": stream.codec_context.name,
            "audio_codec": audio.codec_context.name if audio else None,
            "bitrate_kbps": round(bit_rate / 1000) or None,
            "file_size_bytes": size_bytes,
            "format_name": EXTENSIONS[media_type].removeprefix("."),
        },
    }


def _captured_at(metadata: dict[str, str]) -> str | None:
    """Phones write the local time with its offset, others UTC; a date before video files is a clock not set."""
    for name in ("com.apple.quicktime.creationdate", "creation_time"):
        try:
            found = datetime.fromisoformat(metadata.get(name, ""))
        except ValueError:
            continue
        if found.year >= 1990:
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
    return None

"""Runs in a decoder child: decides from the bytes what recording a file is, and decodes its first sounds."""

from pathlib import Path
from typing import Any

import av

from mediatheque import errors
from mediatheque.footage import container_format, opened

HEAD_BYTES = 16
MP4_BRANDS = (b"M4A ", b"M4B ")


def probe(path: str, name: str = "") -> dict[str, Any]:  # noqa: ARG001 - the bytes tell
    """Raises `Unsupported`, `Malformed`."""
    media_type = _recognised(path)
    try:
        with opened(path, container_format(media_type)) as container:
            if not container.streams.audio:
                raise errors.Malformed("The file holds no sound")
            stream = container.streams.audio[0]
            if next(container.decode(stream), None) is None:
                raise errors.Malformed("The file holds no sound")
            duration = container.duration / av.time_base if container.duration else None
            bit_rate = container.bit_rate or (Path(path).stat().st_size * 8 / duration if duration else 0)
            details = {
                "duration_seconds": round(duration, 3) if duration else None,
                "audio_codec": stream.codec_context.name,
                "sample_rate": stream.codec_context.sample_rate,
                "channels": stream.codec_context.channels,
                "bitrate_kbps": round(bit_rate / 1000) or None,
            }
    except (av.FFmpegError, ValueError, OverflowError) as problem:
        raise errors.Malformed("The recording cannot be read") from problem
    return {"media_type": media_type, "details": details}


def _recognised(path: str) -> str:
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"ID3") or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    if head[4:8] == b"ftyp" and head[8:12] in MP4_BRANDS:
        return "audio/mp4"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    raise errors.Unsupported

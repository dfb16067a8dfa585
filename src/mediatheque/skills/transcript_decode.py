"""Runs in a decoder child: the sound of a file as samples, one channel, 16,000 a second, 16 bits each."""

from pathlib import Path
from typing import Any

import av

from mediatheque import errors
from mediatheque.footage import container_format, opened

RATE = 16_000
BYTES_PER_SAMPLE = 2


def samples(path: str, media_type: str, target: str, most_seconds: float) -> dict[str, Any]:
    """`seconds` that were written to `target`, `is_cut`: there are more, or the sound breaks off. A file without sound
    has none.

    Raises `Malformed`.
    """
    room = round(most_seconds * RATE) * BYTES_PER_SAMPLE
    written, is_cut = 0, False
    try:
        with opened(path, container_format(media_type)) as container, Path(target).open("wb") as file:
            if not container.streams.audio:
                return {"seconds": 0.0, "is_cut": False}
            stream = container.streams.audio[0]
            stream.codec_context.thread_count = 1
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    data = part.to_ndarray().tobytes()[: room - written]
                    file.write(data)
                    written += len(data)
                if written >= room:
                    is_cut = True
                    break
    except (av.FFmpegError, ValueError, OverflowError) as problem:
        if not written:
            raise errors.Malformed("The sound cannot be read") from problem
        is_cut = True
    return {"seconds": round(written / BYTES_PER_SAMPLE / RATE, 3), "is_cut": is_cut}

"""Videos that the tests make themselves."""

import io
from fractions import Fraction

import av
import numpy as np


def video(form: str = "mp4", width: int = 64, height: int = 48, *, seconds: float = 1.0, rate: int = 10) -> bytes:
    """A moving picture that is black for its first tenth, in FFmpeg's container `form`."""
    file = io.BytesIO()
    codec = "libvpx" if form == "webm" else "mpeg4"
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frames = round(seconds * rate)
        noise = np.random.default_rng(1).integers(60, 200, (height // 4, width // 4, 3), dtype=np.uint8)
        for number in range(frames):
            picture = (
                noise.repeat(4, 0).repeat(4, 1) if number >= frames // 10 else np.zeros((height, width, 3), np.uint8)
            )
            frame = av.VideoFrame.from_ndarray(np.roll(picture, number, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()

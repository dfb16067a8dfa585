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
        assert isinstance(stream, av.VideoStream)
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


def scenes(*colours: tuple[int, int, int], seconds: float = 1.0, rate: int = 10) -> bytes:
    """An MP4 of plain shots of these colours, each so long."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for colour in colours:
            picture = np.full((48, 64, 3), colour, np.uint8)
            for _ in range(round(seconds * rate)):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


CODECS = {"mp3": "mp3", "ipod": "aac", "wav": "pcm_s16le", "ogg": "libopus", "flac": "flac"}


def recording(form: str = "wav", *, seconds: float = 1.0, rate: int = 48_000) -> bytes:
    """A tone, in FFmpeg's container `form`."""
    file = io.BytesIO()
    tone = (np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate) * 8000).astype(np.int16)
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(CODECS[form], rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate,
                                      frame_size=stream.codec_context.frame_size or 1024)  # fmt: skip
        frame = av.AudioFrame.from_ndarray(tone[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode())
    return file.getvalue()

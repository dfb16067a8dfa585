"""An OpenAI-compatible endpoint that writes down what is said: given a piece of sound as WAV, and distrusted."""

import io
import math
import time
import wave
from collections.abc import Mapping
from typing import Any

import httpx

from mediatheque.clients import asking
from mediatheque.clients.asking import Declined, host
from mediatheque.clients.fetch import Answer, Options
from mediatheque.errors import ProviderFailed
from mediatheque.model import Endpoint
from mediatheque.understanding import Heard

PATH = "audio/transcriptions"
MAX_ANSWER_BYTES = 4 << 20
MAX_TEXT_CHARS = 50_000
MAX_SEGMENTS = 2000
MAX_LANGUAGE_CHARS = 16
WITH_SEGMENTS, PLAIN = "verbose_json", "json"
DOES_NOT_KNOW = frozenset({400, 415, 422, 501})
"""How an endpoint refuses an answer's form that it does not have."""
_CODES = {"afrikaans": "af", "arabic": "ar", "armenian": "hy", "azerbaijani": "az", "belarusian": "be",
          "bosnian": "bs", "bulgarian": "bg", "cantonese": "yue", "catalan": "ca", "chinese": "zh", "croatian": "hr",
          "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi",
          "french": "fr", "galician": "gl", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi",
          "hungarian": "hu", "icelandic": "is", "indonesian": "id", "italian": "it", "japanese": "ja",
          "kannada": "kn", "kazakh": "kk", "korean": "ko", "latin": "la", "latvian": "lv", "lithuanian": "lt",
          "macedonian": "mk", "malay": "ms", "maori": "mi", "marathi": "mr", "nepali": "ne", "norwegian": "no",
          "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr",
          "slovak": "sk", "slovenian": "sl", "spanish": "es", "swahili": "sw", "swedish": "sv", "tagalog": "tl",
          "tamil": "ta", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
          "welsh": "cy"}  # fmt: skip
"""Languages as OpenAI's models name them."""


def ask(endpoint: Endpoint, samples: bytes, rate: int, *, deadline_seconds: float) -> Heard:
    """What is said in samples of 16 bits, one channel, `rate` a second; times count from their start.

    An endpoint that has no segments says one text for all of it. Raises `ProviderFailed`.
    """
    until = time.monotonic() + deadline_seconds
    sound, seconds = _wav(samples, rate), len(samples) / 2 / rate
    try:
        answer = _answered(endpoint, sound, WITH_SEGMENTS, until)
    except Declined as refusal:
        if refusal.http_status not in DOES_NOT_KNOW:
            raise
        answer = _answered(endpoint, sound, PLAIN, until)
    found = asking.json_of(endpoint, answer)
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise ProviderFailed(f"The AI provider {host(endpoint)} answered without a text")
    return Heard(segments=_segments(found, seconds), language=_language(found.get("language")))


def _answered(endpoint: Endpoint, sound: bytes, form: str, until: float) -> Answer:
    fields = {"model": endpoint.model, "response_format": form}
    request = httpx.Request("POST", endpoint.base_url, data=fields, files={"file": ("sound.wav", sound, "audio/wav")})
    body, headers = request.read(), {"Content-Type": request.headers["content-type"]}
    question = Options(content=body, headers=headers)
    return asking.persistent(endpoint, PATH, question, until, max_bytes=MAX_ANSWER_BYTES)


def _wav(samples: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    return file.getvalue()


def _segments(found: Mapping[str, Any], seconds: float) -> list[dict[str, Any]]:
    told = found.get("segments")
    told = told[:MAX_SEGMENTS] if isinstance(told, list) else []
    kept = [_segment(one, seconds) for one in told if isinstance(one, dict)]
    segments = sorted((one for one in kept if one is not None), key=lambda one: float(one["start"]))
    text = asking.one_line(found["text"], MAX_TEXT_CHARS)
    if segments or not text:
        return segments
    return [{"start": 0.0, "end": round(seconds, 2), "text": text, "confidence": None}]


def _segment(told: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """One that has a text and lies within the sound; its confidence is known where the model's certainty is told."""
    text = asking.one_line(told.get("text"), MAX_TEXT_CHARS)
    start, end, certainty = (asking.number(told.get(name)) for name in ("start", "end", "avg_logprob"))
    if text is None or start is None or end is None:
        return None
    start = min(max(start, 0.0), seconds)
    confidence = None if certainty is None else round(math.exp(min(certainty, 0.0)), 3)
    return {"start": round(start, 2), "end": round(min(max(end, start), seconds), 2), "text": text,
            "confidence": confidence}  # fmt: skip


def _language(told: Any) -> str | None:
    """Two letters where the endpoint's word for it is known."""
    word = (asking.one_line(told, MAX_LANGUAGE_CHARS) or "").strip().lower()
    return _CODES.get(word, word) or None

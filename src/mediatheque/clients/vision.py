"""An OpenAI-compatible chat-completions endpoint that takes images: asked for one JSON object, and distrusted."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mediatheque.clients import asking
from mediatheque.clients.asking import host
from mediatheque.clients.fetch import Answer, Fetch
from mediatheque.errors import ProviderFailed
from mediatheque.model import Endpoint, Reach

DEADLINE_SECONDS = 45.0
MAX_ANSWER_BYTES = 1 << 20
MAX_CAPTION_CHARS = 1000
MAX_TEXT_CHARS = 4000
MAX_TAGS, MAX_TAG_CHARS = 15, 50
PATH = "chat/completions"

_FENCED = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)


def check(url: str, reach: Reach) -> None:
    """Raise `FetchFailed` unless the address may be reached; nothing is sent there."""
    fetch = Fetch(reach)
    try:
        fetch.check(url)
    finally:
        fetch.close()


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, of which nothing but the caption has to be there: text on one line (`visible_text` on several)
    without control characters, and cut to what we keep. `answer` is the object that came."""

    caption: str
    description: str | None
    alt_text: str | None
    tags: tuple[str, ...]
    visible_text: str | None
    confidence: float | None
    answer: Mapping[str, Any]


def ask(endpoint: Endpoint, question: str, picture: str, *, deadline_seconds: float = DEADLINE_SECONDS) -> Said:
    """What the model says of the JPEG `picture` (base 64). Raises `ProviderFailed`."""
    until = time.monotonic() + deadline_seconds
    body = _question(endpoint, question, picture)
    content = _content(endpoint, asking.json_of(endpoint, _answered(endpoint, body, until)))
    if not content.strip():
        content = "".join(_streamed(_answered(endpoint, body | {"stream": True}, until).body))
    return _said(content)


def _question(endpoint: Endpoint, question: str, picture: str) -> dict[str, Any]:
    return {
        "model": endpoint.model,
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": endpoint.system_prompt},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": question},
                    {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}},
                ],
            },
        ],
    }


def _answered(endpoint: Endpoint, body: dict[str, Any], until: float) -> Answer:
    return asking.persistent(endpoint, PATH, {"json": body}, until, max_bytes=MAX_ANSWER_BYTES)


def _content(endpoint: Endpoint, answer: Any) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ProviderFailed(f"The AI provider {host(endpoint)} answered without a message") from None
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _streamed(body: bytes) -> Iterator[str]:
    """The pieces of content in a stream of server-sent events."""
    for line in body.decode("utf-8", "replace").splitlines():
        if not line.startswith("data:") or line[5:].strip() == "[DONE]":
            continue
        try:
            piece = json.loads(line[5:])["choices"][0]["delta"].get("content")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(piece, str):
            yield piece


def _said(content: str) -> Said:
    fenced = _FENCED.match(content)
    try:
        found = json.loads(fenced[1] if fenced else content)
    except (ValueError, RecursionError):
        raise ProviderFailed("The AI provider's answer is no JSON") from None
    found = found if isinstance(found, dict) else {}
    caption = one_line(found.get("caption"))
    if not caption:
        raise ProviderFailed("The AI provider's answer holds no caption")
    tags = found.get("tags")
    confidence = asking.number(found.get("confidence"))
    return Said(
        caption=caption,
        description=one_line(found.get("description"), MAX_TEXT_CHARS),
        alt_text=one_line(found.get("alt_text")),
        tags=_tags(tags if isinstance(tags, list) else []),
        visible_text=_lines(found.get("visible_text")),
        confidence=None if confidence is None else min(max(confidence, 0.0), 1.0),
        answer=found,
    )


def one_line(value: Any, limit: int = MAX_CAPTION_CHARS) -> str | None:
    """As `asking.one_line`, at most as long as a caption."""
    return asking.one_line(value, limit)


def _tags(values: list[Any]) -> tuple[str, ...]:
    tags = [(one_line(value) or "").lower().strip("#. ") for value in values[: 2 * MAX_TAGS]]
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= MAX_TAG_CHARS))[:MAX_TAGS]


def _lines(value: Any) -> str | None:
    lines = [one_line(line) for line in value.splitlines()] if isinstance(value, str) else []
    return "\n".join(line for line in lines if line)[:MAX_TEXT_CHARS] or None

"""An OpenAI-compatible chat-completions endpoint that takes images: asked for one JSON object, and distrusted.

One question costs at most `deadline_seconds`, retries and all; whatever goes wrong is `errors.ProviderFailed` with a
message that is safe to show: short, on one line, without the key.
"""

import json
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mediatheque.clients.addresses import FetchFailed, Refused
from mediatheque.clients.fetch import Answer, Fetch, Oversized
from mediatheque.errors import ProviderFailed
from mediatheque.model import Endpoint, Reach

DEADLINE_SECONDS = 45.0
MAX_ANSWER_BYTES = 1 << 20
MAX_CAPTION_CHARS = 1000
MAX_TEXT_CHARS = 4000
MAX_TAGS, MAX_TAG_CHARS = 15, 50
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0
WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
SNIPPET_CHARS = 200

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
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
    content = _content(endpoint, _json(endpoint, _persistent(endpoint, body, until)))
    if not content.strip():
        content = "".join(_streamed(_persistent(endpoint, body | {"stream": True}, until).body))
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


def _persistent(endpoint: Endpoint, body: dict[str, Any], until: float) -> Answer:
    """A 200 within the deadline; overload and trouble on the other side are worth another try, refusals are not."""
    for attempt in range(1, ATTEMPTS + 1):
        answer = _post(endpoint, body, until)
        if answer is not None and answer.status == 200:
            return answer
        pause = _pause(attempt, answer)
        is_over = attempt == ATTEMPTS or (answer is not None and answer.status not in WORTH_ANOTHER_TRY)
        if is_over or time.monotonic() + pause >= until:
            raise _refusal(endpoint, answer)
        time.sleep(pause)
    raise ProviderFailed


def _pause(attempt: int, answer: Answer | None) -> float:
    """Seconds before the next try: what the other side asks for, else growing with jitter."""
    asked = answer.headers.get("retry-after", "") if answer is not None else ""
    if asked.isdigit():
        return float(asked)
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), MAX_PAUSE_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311


def _refusal(endpoint: Endpoint, answer: Answer | None) -> ProviderFailed:
    if answer is None:
        return ProviderFailed(f"The AI provider {_host(endpoint)} cannot be reached")
    said = " ".join(_told(answer.body).replace(endpoint.api_key or "\0", "***").split())[:SNIPPET_CHARS]
    return ProviderFailed(f"The AI provider {_host(endpoint)} answered {answer.status}{': ' + said if said else ''}")


def _told(body: bytes) -> str:
    """The message inside an error body where it is one of the usual shape; other bodies are not repeated."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _json(endpoint: Endpoint, answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ProviderFailed(f"The AI provider {_host(endpoint)} answered something that is no JSON") from None


def _content(endpoint: Endpoint, answer: Any) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ProviderFailed(f"The AI provider {_host(endpoint)} answered without a message") from None
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
    confidence: Any = found.get("confidence")
    is_number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    return Said(
        caption=caption,
        description=one_line(found.get("description"), MAX_TEXT_CHARS),
        alt_text=one_line(found.get("alt_text")),
        tags=_tags(tags if isinstance(tags, list) else []),
        visible_text=_lines(found.get("visible_text")),
        confidence=min(max(float(confidence), 0.0), 1.0) if is_number else None,
        answer=found,
    )


def one_line(value: Any, limit: int = MAX_CAPTION_CHARS) -> str | None:
    """Printable text on one line; None for what is blank, or no text."""
    if not isinstance(value, str):
        return None
    return " ".join(_UNPRINTABLE.sub(" ", value).split())[:limit] or None


def _tags(values: list[Any]) -> tuple[str, ...]:
    tags = [(one_line(value) or "").lower().strip("#. ") for value in values[: 2 * MAX_TAGS]]
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= MAX_TAG_CHARS))[:MAX_TAGS]


def _lines(value: Any) -> str | None:
    lines = [one_line(line) for line in value.splitlines()] if isinstance(value, str) else []
    return "\n".join(line for line in lines if line)[:MAX_TEXT_CHARS] or None


def _post(endpoint: Endpoint, body: dict[str, Any], until: float) -> Answer | None:
    """One request; None when there was no answer. Raises `ProviderFailed` at the deadline and for endless answers."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    fetch = Fetch(endpoint.reach)
    try:
        return fetch.request(
            "POST", _url(endpoint), headers=headers, json=body,
            deadline_seconds=until - time.monotonic(), max_bytes=MAX_ANSWER_BYTES,
        )  # fmt: skip
    except Refused:
        raise ProviderFailed(f"The AI provider {_host(endpoint)} may not be reached from here") from None
    except Oversized:
        raise ProviderFailed(f"The AI provider {_host(endpoint)} answered too much") from None
    except FetchFailed:
        if time.monotonic() >= until:
            raise ProviderFailed(f"The AI provider {_host(endpoint)} did not answer in time") from None
        return None
    finally:
        fetch.close()


def _url(endpoint: Endpoint) -> str:
    """The base with `/v1` unless it ends in it, and the operation's path (contract, 2.7)."""
    base = endpoint.base_url.rstrip("/")
    return f"{base}/chat/completions" if base.endswith("/v1") else f"{base}/v1/chat/completions"


def _host(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.base_url).hostname or "?"

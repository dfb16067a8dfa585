"""An OpenAI-compatible endpoint: asked until it answers or time is up, and distrusted.

One question costs at most what is left until its deadline, retries and all; whatever goes wrong is
`errors.ProviderFailed` with a message that is safe to show: short, on one line, without the key.
"""

import json
import random
import re
import time
from typing import Any
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, stop_before_delay

from mediatheque.clients.addresses import FetchFailed, Refused
from mediatheque.clients.fetch import Answer, Fetch, Options, Oversized
from mediatheque.errors import ProviderFailed
from mediatheque.model import Endpoint

OK = 200
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0
WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
SNIPPET_CHARS = 200
LARGEST = 1e12

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")


class Declined(ProviderFailed):
    """The endpoint answered, and will have nothing of it; `http_status` is its own."""

    http_status = 0


def persistent(endpoint: Endpoint, path: str, question: Options, until: float, *, max_bytes: int) -> Answer:
    """A 200 within the deadline; overload and trouble on the other side are worth another try, refusals are not."""
    retrying = Retrying(
        retry=retry_if_result(lambda answer: answer is None or answer.status in WORTH_ANOTHER_TRY),
        wait=lambda state: _pause(state.attempt_number, _answer_of(state)),
        stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(until - time.monotonic()),
        retry_error_callback=_answer_of,
    )
    answer: Answer | None = retrying(_post, endpoint, path, question, until, max_bytes)
    if answer is None or answer.status != OK:
        raise _refusal(endpoint, answer)
    return answer


def json_of(endpoint: Endpoint, answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ProviderFailed(f"The AI provider {host(endpoint)} answered something that is no JSON") from None


def one_line(value: Any, limit: int) -> str | None:
    """Printable text on one line; None for what is blank, or no text."""
    if not isinstance(value, str):
        return None
    return " ".join(_UNPRINTABLE.sub(" ", value).split())[:limit] or None


def number(value: Any) -> float | None:
    """None for what is no number, or none that can be reckoned with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST else None


def host(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.base_url).hostname or "?"


def _answer_of(state: RetryCallState) -> Answer | None:
    return state.outcome.result() if state.outcome else None


def _pause(attempt: int, answer: Answer | None) -> float:
    """Seconds before the next try: what the other side asks for, else growing with jitter."""
    asked = answer.headers.get("retry-after", "") if answer is not None else ""
    if asked.isdigit():
        return float(asked)
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), MAX_PAUSE_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311


def _refusal(endpoint: Endpoint, answer: Answer | None) -> ProviderFailed:
    if answer is None:
        return ProviderFailed(f"The AI provider {host(endpoint)} cannot be reached")
    said = " ".join(_told(answer.body).replace(endpoint.api_key or "\0", "***").split())[:SNIPPET_CHARS]
    refusal = Declined(f"The AI provider {host(endpoint)} answered {answer.status}{': ' + said if said else ''}")
    refusal.http_status = answer.status
    return refusal


def _told(body: bytes) -> str:
    """The message inside an error body where it is one of the usual shape; other bodies are not repeated."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _post(endpoint: Endpoint, path: str, question: Options, until: float, max_bytes: int) -> Answer | None:
    """One request; None when there was no answer. Raises `ProviderFailed` at the deadline and for endless answers."""
    credential = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    fetch = Fetch(endpoint.reach)
    options: Options = {
        **question,
        "headers": credential | dict(question.get("headers") or {}),
        "deadline_seconds": until - time.monotonic(),
        "max_bytes": max_bytes,
    }
    try:
        return fetch.request("POST", _url(endpoint, path), **options)
    except Refused:
        raise ProviderFailed(f"The AI provider {host(endpoint)} may not be reached from here") from None
    except Oversized:
        raise ProviderFailed(f"The AI provider {host(endpoint)} answered too much") from None
    except FetchFailed:
        if time.monotonic() >= until:
            raise ProviderFailed(f"The AI provider {host(endpoint)} did not answer in time") from None
        return None
    finally:
        fetch.close()


def _url(endpoint: Endpoint, path: str) -> str:
    """The base with `/v1` unless it ends in it, and the operation's path (contract, 2.7)."""
    base = endpoint.base_url.rstrip("/")
    return f"{base}/{path}" if base.endswith("/v1") else f"{base}/v1/{path}"

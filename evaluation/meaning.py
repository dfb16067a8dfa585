"""`python -m evaluation.meaning`: texts, questions and recordings given to a started server, and what it makes of them.

Writes its part of docs/understanding.md, between the marks `meaning`.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from tests.corpus import FOLDER as CORPUS
from tests.support import Server, wait_for

from evaluation.questions import QUESTIONS, SOURCES, SPOKEN, WORDLESS
from evaluation.report import write

MIN_WORDS = 8
AT = 10
FILES = "/api/v2/user-files"
ENDED = {"completed", "failed"}
PAUSE_SECONDS, PATIENCE_SECONDS = 0.25, 300.0


@dataclass(frozen=True)
class Figures:
    """Of one way to search: how often the paragraph was among the first ten, and first, and how long a search took."""

    name: str
    recall: float
    first: float
    reciprocal: float
    milliseconds: float


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mediatheque-evaluation-"))
    server = Server(folder / "data", {"MEDIATHEQUE_MODELS": "on", "MEDIATHEQUE_RATE_LIMIT": "0"}).start()
    try:
        with server.client() as client:
            told = _heard(client)
            paragraphs = _paragraphs(client)
            _settle(client)
            ways = [_measured(name, paragraphs, search) for name, search in _ways(client).items()]
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    write("meaning", "\n".join([*_search_table(ways, len(paragraphs)), "", *_speech_table(told)]))


def _paragraphs(client: httpx.Client) -> dict[str, str]:
    """Every paragraph of the corpus' documents as a file of its own: text by id. The documents themselves go again."""
    texts: list[str] = []
    for name in SOURCES:
        if (CORPUS / name).exists():
            file_id = _uploaded(client, (CORPUS / name).read_bytes(), Path(name).name)
            _until(partial(_is_read, client, file_id), "the text")
            texts += _document(client, file_id)["text"].split("\n\n")
            client.delete(f"{FILES}/{file_id}")
    clean = dict.fromkeys(" ".join(text.split()) for text in texts if len(text.split()) >= MIN_WORDS)
    return {_uploaded(client, text.encode(), f"{number}.txt"): text for number, text in enumerate(clean)}


def _is_read(client: httpx.Client, file_id: str) -> bool:
    return _document(client, file_id)["text_extraction_status"] in ENDED


def _document(client: httpx.Client, file_id: str) -> dict[str, str]:
    return dict(client.get(f"/api/v2/documents/{file_id}/text").json())


def _uploaded(client: httpx.Client, data: bytes, name: str) -> str:
    answer = client.post(f"{FILES}/upload/stream", files={"file": (name, data)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["image_id"])


def _settle(client: httpx.Client) -> None:
    """Until nothing is left to find out."""

    def is_idle() -> bool:
        counts = re.findall(r'^mediatheque_jobs\{queue="[a-z]+"\} ([0-9.]+)$', client.get("/metrics").text, re.M)
        return not any(float(count) for count in counts)

    _until(is_idle, "the queue to be empty")


def _until(condition: Callable[[], bool], what: str) -> None:
    """Look now and then: whoever looks all the time takes the machine away from what it waits for."""

    def is_so() -> bool:
        time.sleep(PAUSE_SECONDS)
        return condition()

    wait_for(is_so, what, PATIENCE_SECONDS)


def _ways(client: httpx.Client) -> dict[str, Callable[[str], list[str]]]:
    def listed(question: str) -> list[str]:
        found = client.get(FILES, params={"search": question, "limit": AT}).json()
        return [file["id"] for file in found["files"]]

    def searched(mode: str) -> Callable[[str], list[str]]:
        def search(question: str) -> list[str]:
            found = client.post("/api/v2/search", json={"query": question, "mode": mode, "limit": AT}).json()
            assert found["search_mode"] == mode, found["note"]
            return [file["id"] for file in found["files"]]

        return search

    return {
        "every word of the question (`search_mode=all`)": listed,
        "words (`mode=words`)": searched("words"),
        "meaning (`semantic`)": searched("semantic"),
        "both, fused (`hybrid`)": searched("hybrid"),
    }


def _measured(name: str, paragraphs: dict[str, str], search: Callable[[str], list[str]]) -> Figures:
    ranks: list[int] = []
    started = time.monotonic()
    for question, phrase in QUESTIONS.items():
        wanted = {it for it, text in paragraphs.items() if phrase in text}
        ranks.append(next((rank for rank, it in enumerate(search(question), 1) if it in wanted), 0))
    took = (time.monotonic() - started) * 1000 / len(ranks)
    return Figures(
        name,
        sum(rank > 0 for rank in ranks) / len(ranks),
        sum(rank == 1 for rank in ranks) / len(ranks),
        sum(1 / rank for rank in ranks if rank) / len(ranks),
        took,
    )


def _heard(client: httpx.Client) -> dict[str, tuple[str, str]]:
    """What was heard and what is said, by recording."""
    found: dict[str, tuple[str, str]] = {}
    for name, said in [*SPOKEN.items(), *((it, "") for it in WORDLESS)]:
        path = CORPUS / name
        if path.exists():
            file_id = _sent(client, path)
            _until(partial(_is_analysed, client, file_id), f"the analysis of {name}")
            text = client.get(f"/api/v2/videos/{file_id}/transcript").json()["text"] or ""
            found[name] = (text, said)
    return found


def _is_analysed(client: httpx.Client, file_id: str) -> bool:
    return client.get(f"/api/v2/video-analysis/status/{file_id}").json()["status"] in ENDED


def _sent(client: httpx.Client, path: Path) -> str:
    """Through the resumable door, which takes everything."""
    data, version = path.read_bytes(), {"Tus-Resumable": "1.0.0"}
    headers = {"Upload-Length": str(len(data)), "Content-Type": "application/offset+octet-stream"}
    made = client.post("/api/v2/uploads/tus", content=data, headers=version | headers)
    assert made.status_code == 201, made.text
    return client.head(made.headers["location"], headers=version).headers["upload-asset"]


def error_rate(said: str, text: str) -> float:
    """Words to be changed, added or left out, as a share of those that are said; case and punctuation do not count."""
    one, other = (re.findall(r"[\w']+", it.lower()) for it in (said, text))
    before = list(range(len(other) + 1))
    for row, word in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (word != wanted)))
        before = now
    return before[-1] / max(1, len(other))


def _search_table(ways: Sequence[Figures], paragraphs: int) -> list[str]:
    rows = [
        f"| {it.name} | {it.recall:.2f} | {it.first:.2f} | {it.reciprocal:.2f} | {it.milliseconds:.0f} |" for it in ways
    ]
    return [
        f"| {len(QUESTIONS)} questions, {paragraphs} paragraphs | recall@{AT} | first | MRR | ms |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _speech_table(told: dict[str, tuple[str, str]]) -> list[str]:
    lines = ["| What is said in recordings (offline) | |", "|---|---|"]
    for name, (heard, said) in told.items():
        if said:
            words = len(said.split())
            lines.append(f"| {name}: word error rate of {words} words | {100 * error_rate(heard, said):.1f} % |")
        else:
            lines.append(f"| {name}: no speech, false words | {len(heard.split())} |")
    return lines


if __name__ == "__main__":
    main()

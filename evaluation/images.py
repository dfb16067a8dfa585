"""`python -m evaluation.images`: pictures sent to a started server, and what it says held against what is there.

Writes its part of docs/understanding.md, between the marks `images`.
"""

import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.corpus import FOLDER as CORPUS
from tests.support import Server
from tests.understanding.conftest import findings, understood

from evaluation.labels import PAGES, PICTURES, Labelled
from evaluation.pages import page
from evaluation.report import write

MADE = 24
FIRST_SEED = 1000


@dataclass(frozen=True)
class Read:
    name: str
    ours: float
    tesseract: float | None


@dataclass(frozen=True)
class Told:
    name: str
    claims: tuple[str, ...]
    wrong: tuple[str, ...]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mediatheque-evaluation-"))
    server = Server(folder / "data", {"MEDIATHEQUE_MODELS": "on", "MEDIATHEQUE_RATE_LIMIT": "0"}).start()
    try:
        with server.client() as client:
            pages = list(_pages(client))
            pictures = [_told(client, it) for it in PICTURES if (CORPUS / it.path).exists()]
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    write("images", "\n".join([*_ocr_table(pages), "", *_description_table(pictures)]))


def _pages(client: httpx.Client) -> Iterable[Read]:
    for name, text in PAGES.items():
        if (CORPUS / name).exists():
            yield _read(client, name, (CORPUS / name).read_bytes(), text)
    for seed in range(FIRST_SEED, FIRST_SEED + MADE):
        data, text = page(seed)
        yield _read(client, f"made-{seed}.jpg", data, text)


def _read(client: httpx.Client, name: str, data: bytes, text: str) -> Read:
    said = understood(client, data, Path(name).name)["visible_text"] or ""
    return Read(name, error_rate(said, text), _tesseract(data, text))


def _tesseract(data: bytes, text: str) -> float | None:
    """Its error rate with its own defaults; None where it is not installed."""
    if shutil.which("tesseract") is None:
        return None
    ran = subprocess.run(["tesseract", "stdin", "stdout"], input=data, capture_output=True, check=False)
    return error_rate(ran.stdout.decode(errors="replace"), text)


def _told(client: httpx.Client, it: Labelled) -> Told:
    file = understood(client, (CORPUS / it.path).read_bytes(), Path(it.path).name)
    found = findings(client, file["id"])["tags"]["value"]
    claims = tuple(found["tags"])
    return Told(it.path, claims, tuple(claim for claim in claims if claim not in it.words))


def error_rate(said: str, text: str) -> float:
    """Characters to be changed, added or left out, as a share of those that are there; spaces count as one."""
    one, other = (" ".join(unicodedata.normalize("NFC", it).split()) for it in (said, text))
    before = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (sign != wanted)))
        before = now
    return before[-1] / max(1, len(other))


def _ocr_table(pages: list[Read]) -> list[str]:
    corpus, made = ([it for it in pages if it.name.startswith("ocr/") is is_corpus] for is_corpus in (True, False))
    rows = [(f"{it.name}", [it]) for it in corpus] + [(f"{len(made)} made pages, mean", made)]
    rows += [("of these, pages without any error", [it for it in made if it.ours == 0])] if made else []
    lines = ["| Text in pictures: character error rate | Ours (offline) | Tesseract |", "|---|---|---|"]
    for name, group in rows:
        if name.startswith("of these"):
            lines.append(f"| {name} | {len(group)} | {_count(made)} |")
        else:
            lines.append(f"| {name} | {_mean([it.ours for it in group])} | {_mean([it.tesseract for it in group])} |")
    return lines


def _count(made: list[Read]) -> str:
    known = [it for it in made if it.tesseract is not None]
    return str(sum(1 for it in known if it.tesseract == 0)) if known else "not installed"


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{100 * sum(known) / len(known):.1f} %" if known else "not installed"


def _description_table(pictures: list[Told]) -> list[str]:
    claims, wrong = sum(len(it.claims) for it in pictures), sum(len(it.wrong) for it in pictures)
    named = [it for it in pictures if it.claims and not it.wrong]
    silent = [it for it in pictures if not it.claims]
    told = "; ".join(f"{Path(it.name).name}: {', '.join(it.wrong)}" for it in pictures if it.wrong) or "none"
    return [
        "| What is said of pictures (offline) | |",
        "|---|---|",
        f"| pictures | {len(pictures)} |",
        f"| claims about what is shown, true | {claims - wrong} of {claims} |",
        f"| pictures of which something true and nothing false is said | {len(named)} |",
        f"| pictures of which only size, shape and colours are said | {len(silent)} |",
        f"| false claims | {told} |",
        "| a bare file name, for comparison: claims | 0 |",
    ]


if __name__ == "__main__":
    main()

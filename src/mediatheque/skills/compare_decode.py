"""Runs in a decoder child: what has changed between two texts."""

import difflib
from pathlib import Path
from typing import Any

MAX_LINES = 20_000
MAX_DIFF_CHARS = 500_000


def compare(old: str, new: str) -> dict[str, Any]:
    """`diff` (unified, without the names of the files), `added` and `removed` lines, `is_cut`."""
    before, after = (Path(path).read_text(encoding="utf-8", errors="replace").splitlines() for path in (old, new))
    changes = list(difflib.unified_diff(before[:MAX_LINES], after[:MAX_LINES], lineterm="", n=2))[2:]
    diff = "\n".join(changes)
    return {
        "diff": diff[:MAX_DIFF_CHARS],
        "added": sum(line.startswith("+") for line in changes),
        "removed": sum(line.startswith("-") for line in changes),
        "is_cut": max(len(before), len(after)) > MAX_LINES or len(diff) > MAX_DIFF_CHARS,
    }

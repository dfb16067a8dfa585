"""The shared corpus of good, broken and hostile files: `../shared/corpus`, or where MEDIATHEQUE_CORPUS points."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("MEDIATHEQUE_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))


@dataclass(frozen=True)
class Case:
    name: str
    path: Path
    expect: str
    facts: dict[str, Any] = field(default_factory=dict)


def cases(kind: str, *expectations: str) -> list[Case]:
    """The corpus' files of one kind with one of the expectations; none where there is no corpus."""
    manifest = FOLDER / "manifest.json"
    items = json.loads(manifest.read_text())["items"] if manifest.exists() else []
    return [
        Case(item["path"], FOLDER / item["path"], item["expect"], item.get("facts", {}))
        for item in items
        if item["kind"] == kind and item["expect"] in expectations
    ]

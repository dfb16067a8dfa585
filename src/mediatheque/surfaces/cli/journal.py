"""What `upload` knows of files it has seen: their hashes, and resumable uploads under way.

One line of JSON a change, so that a kill loses at most the last one. The library itself is asked what it has: this
only saves reading a file twice, and sending the beginning of a large one again.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

FOLDER_VARIABLE = "MEDIATHEQUE_STATE_DIR"


@dataclass(slots=True)
class Seen:
    """A file as it was: another size or time of change, and this no longer holds."""

    size_bytes: int
    mtime_ns: int
    sha256: str | None = None
    upload_id: str | None = None


class Journal:
    """Of uploads to one server with one key."""

    def __init__(self, url: str, api_key: str) -> None:
        name = hashlib.sha256(f"{url} {api_key}".encode()).hexdigest()[:16]
        self._path = state_folder() / f"uploads-{name}.jsonl"
        self._lock = Lock()
        self._seen = _read(self._path)

    def of(self, path: Path, stat: os.stat_result) -> Seen:
        """What is known of the file as it is now."""
        found = self._seen.get(str(path))
        is_same = found is not None and (found.size_bytes, found.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        return found if found is not None and is_same else Seen(stat.st_size, stat.st_mtime_ns)

    def keep(self, path: Path, seen: Seen) -> None:
        line = json.dumps({"path": str(path), **asdict(seen)})
        with self._lock:
            self._seen[str(path)] = seen
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(f"\n{line}")  # the line before may have been cut short


def state_folder() -> Path:
    """Where this user's programs keep what they would not miss."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("mediatheque")


def _read(path: Path) -> dict[str, Seen]:
    """Lines that a kill cut short, or that somebody else wrote, are passed over."""
    found: dict[str, Seen] = {}
    with suppress(FileNotFoundError), path.open(errors="replace") as file:
        for line in file:
            with suppress(ValueError, TypeError, KeyError):
                entry = json.loads(line)
                name = entry.pop("path")
                found[name] = Seen(**entry)
    return found

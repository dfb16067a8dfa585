"""What dead processes left in a staging folder: found and removed, while living ones keep theirs."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mediatheque.errors import file_meanings
from mediatheque.ports import StoredObject

STAGING = ".staging"
"""First part of the keys that stand for leftovers; no object has it."""


def leftovers(staging: Path) -> Iterator[StoredObject]:
    for entry in staging.iterdir():
        with suppress(FileNotFoundError):
            if _is_in_use(entry):
                continue
            status = entry.stat()
            modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
            yield StoredObject(f"{STAGING}/{entry.name}", status.st_size, modified_at)


def is_leftover(key: str) -> bool:
    return key.startswith(f"{STAGING}/")


def remove_leftover(staging: Path, key: str) -> None:
    leftover = staging / Path(key).name
    with file_meanings():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def _is_in_use(entry: Path) -> bool:
    """Whether a living process holds its lock on the file or folder."""
    descriptor = os.open(entry, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

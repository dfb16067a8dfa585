"""Named places at which a test can make the process die, an fsync fail, or the disk be full; nothing otherwise.

`MEDIATHEQUE_FAULTS` names a folder. A file of a place's name in it arms that place, also of running processes; its
text is the action: `kill` (SIGKILL to this process), `killall` (to its supervisor and all that it started), `stop`
(SIGSTOP to this process), `eio` or `enospc` (the `OSError`s that a disk would raise); `eio@3` strikes at a process's
third passing. A fault strikes once: whoever passes first takes the file away and leaves `PLACE.struck` with the action
and its process id.
"""

import errno
import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

PLACES = (
    "start.secret",
    "start.migrated",
    "start.tenant",
    "migration.begun",
    "migration.applied",
    "upload.staged",
    "upload.received",
    "store.write",
    "store.sync",
    "store.synced",
    "store.renamed",
    "store.put",
    "upload.recorded",
    "upload.committed",
    "run.claimed",
    "run.performed",
    "run.stored",
    "run.recorded",
    "run.committed",
    "run.failed",
    "discard.recorded",
    "discard.committed",
    "restore.recorded",
    "erase.recorded",
    "erase.committed",
    "erase.removed",
    "tidy.removed",
)
"""Every place, in the order of an asset's life; the kill tests strike at each."""

_folder = Path(os.environ.get("MEDIATHEQUE_FAULTS", ""))
_passings: Counter[str] = Counter()


def _strike(place: str) -> None:
    armed = _folder / place
    if not armed.exists():  # without a file descriptor: there may be none left
        return
    try:
        action, _, number = armed.read_text().partition("@")
        _passings[place] += 1
        if _passings[place] < int(number or "1"):
            return
        armed.rename(struck := _folder / f"{place}.struck")
    except FileNotFoundError:
        return
    struck.write_text(f"{action} {os.getpid()}")
    _passings.clear()
    if action == "killall":
        _kill_tree(os.getppid())
    if action in {"kill", "killall"}:
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "stop":
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # to the process, this thread would go on a while
        return
    raise OSError(getattr(errno, action.upper()), f"fault at {place}")


def _kill_tree(supervisor: int) -> None:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    os.kill(supervisor, signal.SIGKILL)
    for child in {int(pid) for pid in children} - {os.getpid()}:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _pass(place: str) -> None:
    """What a place does when no fault can be armed: nothing."""


place = _strike if "MEDIATHEQUE_FAULTS" in os.environ else _pass

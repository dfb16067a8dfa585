"""Named places at which a test can make the process die, an fsync fail, or the disk be full; nothing otherwise.

`MEDIATHEQUE_FAULT=place=action` arms one place, `place=action@3` its third passing. The actions: `kill` (SIGKILL to
this process), `killall` (to its whole tree), `eio` and `enospc` (the `OSError`s that a disk would raise). A fault
strikes once: the file named by `MEDIATHEQUE_FAULT_SPENT` appears when it has, and disarms it in every process.
"""

import errno
import os
import signal
from itertools import count
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
    "erase.recorded",
    "erase.committed",
    "erase.removed",
    "tidy.removed",
)
"""Every place, in the order of an asset's life; the kill tests strike at each."""

_armed, _, _action = os.environ.get("MEDIATHEQUE_FAULT", "").partition("=")
_action, _, _number = _action.partition("@")
_passings = count(1)


def _strike(place: str) -> None:
    spent = Path(os.environ["MEDIATHEQUE_FAULT_SPENT"])
    if place != _armed or spent.exists() or next(_passings) != int(_number or "1"):
        return
    spent.touch()
    if _action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _action == "killall":
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(getattr(errno, _action.upper()), f"fault at {place}")


def _pass(place: str) -> None:
    """What a place does when no fault is armed: nothing."""


place = _strike if _armed else _pass

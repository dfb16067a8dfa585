"""Where the sockets lie by which the processes of one machine talk to one another."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path


def private_folder(data_dir: Path, purpose: str = "") -> Path:
    """A short path (socket names have at most 107 bytes), one for a data folder, that only this user may enter."""
    digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"mediatheque{purpose}-{os.getuid()}-{digest}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder

"""Runs the tests of this folder where no network is but loopback, with addresses of the internet lying on it.

Started in namespaces of its own (`unshare -n -m`), so that a hole in the guard reaches nothing. Every route leads to
loopback, where each attempt to connect can be seen; names are resolved by a server of the tests (`names.py`).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.isolated.names import INSIDE, PUBLIC


def main() -> None:
    for address in (PUBLIC, *INSIDE):
        _run("ip", "addr", "add", f"{address}/32", "dev", "lo")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "route", "add", "default", "dev", "lo")
    resolver = Path(tempfile.mkdtemp()) / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:10 attempts:1\n")
    _run("mount", "--bind", str(resolver), "/etc/resolv.conf")
    os.environ["MEDIATHEQUE_ISOLATED"] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "pytest", str(Path(__file__).parent), *sys.argv[1:]])


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


main()

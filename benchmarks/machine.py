"""The machine that the figures are from, and the tools on it."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
WRK = shutil.which("wrk")


def describe() -> str:
    """Cores, memory, processor and versions on one line."""
    parts = [
        f"{os.cpu_count()} cores ({_processor()})",
        f"{_memory_gib():.0f} GiB",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {version(name)}" for name in ("granian", "fastapi", "sqlalchemy", "pyvips-binary")),
        _nginx_version(),
    ]
    return ", ".join(part for part in parts if part)


def others_load() -> float:
    """Processes that wanted a core in the last minute, before the benchmarks began."""
    return os.getloadavg()[0]


def compile_bytecode() -> None:
    """Every module of the server as bytecode, as an installation leaves it; else a start would compile them."""
    import mediatheque

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    folders = [str(Path(mediatheque.__file__).parent), *(entry for entry in sys.path if entry.endswith("-packages"))]
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "0", *folders], env=environment,
                   capture_output=True, check=False)  # fmt: skip


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _nginx_version() -> str:
    if NGINX is None:
        return ""
    answer = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=False)
    return answer.stderr.partition(": ")[2].strip()

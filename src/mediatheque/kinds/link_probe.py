"""Runs in a decoder child: the address in a shortcut file."""

from pathlib import Path
from typing import Any

from mediatheque import errors
from mediatheque.kinds.link import HEAD

MAX_BYTES = 8192
MAX_URL_CHARS = 2048


def probe(path: str, name: str = "") -> dict[str, Any]:  # noqa: ARG001 - the bytes tell
    """`url`. Raises `Unsupported` for what is no shortcut, `Malformed` for one that leads nowhere."""
    with Path(path).open("rb") as file:
        data = file.read(MAX_BYTES)
    if not data.startswith(HEAD.encode()):
        raise errors.Unsupported
    lines = data.decode("utf-8", "replace").splitlines()
    url = next((line[4:].strip() for line in lines if line[:4].upper() == "URL="), "")
    if not url.lower().startswith(("http://", "https://")) or len(url) > MAX_URL_CHARS:
        raise errors.Malformed("The shortcut leads to no page")
    return {"url": url}

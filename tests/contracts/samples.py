"""What the contract tests need to know of each plug-in: where a store can be opened, and files of each kind.

A new store or kind adds its line here, and all the contract's tests run over it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.pictures import picture

STORE_URLS: Mapping[str, Callable[[Path], str]] = {"file": lambda folder: (folder / "objects").as_uri()}
"""The URL of an empty store by scheme; what it keeps locally lies in the folder."""

FILES: Mapping[str, Mapping[str, Callable[[], bytes]]] = {
    "image": {
        "image/jpeg": lambda: picture("JPEG"),
        "image/png": lambda: picture("PNG"),
        "image/gif": lambda: picture("GIF"),
        "image/webp": lambda: picture("WEBP"),
    }
}
"""Good files by kind and media type."""

FOREIGN = {
    "text": b"A line of text.\n" * 10,
    "markup": b"<!doctype html><script>alert(1)</script>",
    "vector graphics": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "program": b"\x7fELF\x02\x01\x01" + bytes(100),
    "script of a picture": b"push graphic-context\nimage over 0,0 0,0 '/etc/passwd'\npop graphic-context",
}
"""Bytes of none of our kinds."""

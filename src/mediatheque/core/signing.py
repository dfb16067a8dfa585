"""URLs that carry their own permission: an HMAC over method, path, expiry and content type, and nothing stored."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from mediatheque.errors import Forbidden

ROUNDING_SECONDS = 300
"""Expiries counted from now are rounded up to this, so that one object's URL stays the same and caches can work."""

_KEY_ID_CHARS = 8


@dataclass(frozen=True, slots=True)
class Signature:
    """The three query parameters of a signed URL: `expires` (unix seconds), `key` (which secret) and `signature`."""

    expires: int
    key: str
    signature: str

    def query(self) -> str:
        return f"expires={self.expires}&key={self.key}&signature={self.signature}"


class Signer:
    """Signs with the first secret and accepts all of them, so that a secret can be replaced while URLs are in use."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        keys = [hashlib.sha256(b"mediatheque url\0" + secret.encode()).digest() for secret in secrets]
        self._keys = {hashlib.sha256(key).hexdigest()[:_KEY_ID_CHARS]: key for key in keys}
        self._current = next(iter(self._keys))

    def sign(self, method: str, path: str, *, lifetime_seconds: int) -> Signature:
        """For a while from now on, rounded up to `ROUNDING_SECONDS` if it is longer than these."""
        wanted = int(time.time()) + lifetime_seconds
        expires = -(-wanted // ROUNDING_SECONDS) * ROUNDING_SECONDS if lifetime_seconds >= ROUNDING_SECONDS else wanted
        return self._signed(method, path, expires)

    def sign_until(self, expires_at: datetime, method: str, path: str, *, content_type: str = "") -> Signature:
        """Until something ends that has an end of its own, so that its URL is always the same."""
        return self._signed(method, path, int(expires_at.timestamp()), content_type)

    def verify(self, method: str, path: str, signature: Signature, *, content_type: str = "") -> None:
        """Raise `Forbidden` unless the signature is ours, for just this request, and not expired; HEAD is a GET."""
        method = "GET" if method == "HEAD" else method
        if signature.key not in self._keys:
            raise Forbidden("Invalid signature")
        expected = self._mac(signature.key, method, path, signature.expires, content_type)
        if not hmac.compare_digest(expected.encode(), signature.signature.encode("utf-8", "replace")):
            raise Forbidden("Invalid signature")
        if signature.expires < time.time():
            raise Forbidden("Expired signature")

    def _signed(self, method: str, path: str, expires: int, content_type: str = "") -> Signature:
        return Signature(expires, self._current, self._mac(self._current, method, path, expires, content_type))

    def _mac(self, key: str, method: str, path: str, expires: int, content_type: str) -> str:
        message = "\n".join((method, quote(path, safe="/%"), str(expires), content_type))
        return hmac.new(self._keys[key], message.encode(), hashlib.sha256).hexdigest()

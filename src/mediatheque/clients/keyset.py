"""The key set (JWKS) of the outside token issuer that the operator named."""

import threading
import time

import httpx
import jwt

from mediatheque.errors import Unavailable

KEEP_SECONDS = 300
ASK_AGAIN_SECONDS = 30
_TIMEOUT_SECONDS = 5
_MAX_BYTES = 1 << 20


class RemoteKeySet:
    """Fetched when first needed, kept for five minutes; an unknown key id asks again, at most every 30 s."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: jwt.PyJWKSet | None = None
        self._fetched_at = float("-inf")

    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if self._keys is None or age > KEEP_SECONDS:
                self._fetch()
            found = self._known(key_id)
            if found is None and age > ASK_AGAIN_SECONDS:
                self._fetch()
                found = self._known(key_id)
            return found

    def _known(self, key_id: str | None) -> jwt.PyJWK | None:
        keys = self._keys.keys if self._keys else []
        return next((key for key in keys if key.key_id == key_id), None)

    def _fetch(self) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
                answer = client.get(self._url)
                answer.raise_for_status()
                if len(answer.content) > _MAX_BYTES:
                    raise Unavailable
                self._keys = jwt.PyJWKSet.from_dict(answer.json())
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            raise Unavailable(retry_after_seconds=ASK_AGAIN_SECONDS) from error
        self._fetched_at = time.monotonic()

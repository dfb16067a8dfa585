"""Secrets of others that we must keep and use (API keys of providers, store credentials): encrypted at rest."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from mediatheque.errors import Unavailable


class Sealer:
    """Seals with the first secret and opens with any, so that `MEDIATHEQUE_SECRET` can be replaced step by step."""

    def __init__(self, secrets: Sequence[str]) -> None:
        digests = [hashlib.sha256(b"mediatheque seal\0" + secret.encode()).digest() for secret in secrets]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, text: str) -> str:
        """What was sealed; raises `Unavailable` when it was sealed with a secret that is no longer configured."""
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            raise Unavailable("A stored secret cannot be opened: MEDIATHEQUE_SECRET has changed") from None

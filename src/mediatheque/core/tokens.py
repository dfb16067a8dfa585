"""Access tokens: our own (HS256) and those of one outside issuer (RS256, ES256, checked against its key set)."""

import time
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import jwt

from mediatheque.errors import Unauthorized

ISSUER = "mediatheque"
LIFETIME_SECONDS = 900
LEEWAY_SECONDS = 30
OUTSIDE_ALGORITHMS = ("RS256", "ES256")

_REQUIRED = ["exp", "sub", "iss", "aud"]


class KeySet(Protocol):
    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The issuer's public key of that id, None when it has none."""


@dataclass(frozen=True, slots=True)
class OutsideIssuer:
    """Whose tokens count beside ours, and which claims tell tenant and role."""

    issuer: str
    audience: str
    keys: KeySet
    tenant_claim: str
    role_claim: str


class Tokens:
    def __init__(self, secrets: tuple[str, ...], outside: OutsideIssuer | None) -> None:
        self._secrets = secrets
        self.outside = outside

    def issue(self, user_uuid: UUID, *, generation: int = 0, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
        """A token of a user's sessions of that generation: it ends with them (`sessions.end_all`)."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": ISSUER, "sub": str(user_uuid), "gen": generation, "iat": now,
                  "exp": now + lifetime_seconds}  # fmt: skip
        return jwt.encode(claims, self._secrets[0], algorithm="HS256")

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a good token; raises `Unauthorized`.

        The algorithm in the header only says which of our two doors the token knocks at: each door has its own keys
        and accepts its own algorithms, so a public key can never pass for a secret.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") == "HS256":
                return self._read_own(token)
            if self.outside and header.get("alg") in OUTSIDE_ALGORITHMS:
                return self._read_outside(token, header.get("kid"), self.outside)
        except jwt.ExpiredSignatureError:
            raise Unauthorized(Unauthorized.EXPIRED_TOKEN) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise Unauthorized(Unauthorized.INVALID_TOKEN) from None
        raise Unauthorized(Unauthorized.INVALID_TOKEN)

    def _read_own(self, token: str) -> dict[str, Any]:
        for secret in self._secrets:
            try:
                return _decode(token, secret, ["HS256"], ISSUER, ISSUER)
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError

    def _read_outside(self, token: str, key_id: str | None, outside: OutsideIssuer) -> dict[str, Any]:
        key = outside.keys.key(key_id)
        if key is None:
            raise jwt.InvalidKeyError
        return _decode(token, key.key, list(OUTSIDE_ALGORITHMS), outside.issuer, outside.audience)


def _decode(token: str, key: Any, algorithms: list[str], issuer: str, audience: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=algorithms,
        issuer=issuer,
        audience=audience,
        leeway=LEEWAY_SECONDS,
        options={"require": _REQUIRED, "strict_aud": False},
    )
    if not isinstance(claims["exp"], int) or isinstance(claims["exp"], bool):
        raise jwt.InvalidTokenError
    return claims

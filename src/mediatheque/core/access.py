"""Who asks, and what they may do: the only way from a credential to an `Actor`."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque.core.limiter import Allowance, Limiter
from mediatheque.core.tokens import ISSUER, OutsideIssuer, Tokens
from mediatheque.core.uses import EVERY, Uses
from mediatheque.errors import Forbidden, Unauthorized
from mediatheque.model import Actor, Role
from mediatheque.records import accounts
from mediatheque.records.engine import Database, Duplicate, Row

READ = frozenset({"images.read", "assets.read", "files.read", "artifacts.read"})
WRITE = frozenset(
    {"images.write", "assets.create", "assets.update", "assets.delete", "files.write", "artifacts.write",
     "uploads.create"}
)  # fmt: skip
ADMINISTER = frozenset(
    {"providers.read", "providers.create", "providers.update", "providers.delete",
     "aiProviders.read", "aiProviders.create", "aiProviders.update", "aiProviders.delete",
     "settings.read", "settings.update",
     "users.read", "users.create", "users.update", "users.disable", "users.managePermissions"}
)  # fmt: skip
SCOPES: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: READ,
    Role.EDITOR: READ | WRITE,
    Role.ADMIN: READ | WRITE | ADMINISTER,
}
_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}

PERMISSIONS = ADMINISTER | {"assets.read", "assets.create", "assets.update", "assets.delete"}
"""The nineteen names of contract.md, 2.1: what a user can be granted one by one."""
_WRITES = frozenset({"assets.create", "assets.update", "assets.delete"})
_FOLLOWS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(READ - PERMISSIONS, frozenset({"assets.read"})),
    **dict.fromkeys(WRITE - PERMISSIONS, _WRITES),
    "uploads.create": frozenset({"assets.create"}),
}
"""The other scopes, which nobody grants: each is held with the permissions that say the same of assets."""


def permissions_of(role: Role, granted: Iterable[str] | None) -> frozenset[str]:
    """What a user was granted, or else its role's own."""
    return SCOPES[role] & PERMISSIONS if granted is None else frozenset(granted)


def scopes_of(role: Role, granted: Iterable[str] | None) -> frozenset[str]:
    """Every scope of a user: its permissions, and on the other surfaces what follows from them."""
    held = permissions_of(role, granted)
    return held | {scope for scope, needed in _FOLLOWS.items() if needed <= held}


def require(actor: Actor, scope: str) -> None:
    """Raise `Forbidden` unless the credential holds the scope."""
    if scope not in actor.scopes:
        raise Forbidden(scope=scope)


def digest(secret: str) -> bytes:
    """What is kept of an API key. Keys have 240 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


MAX_KNOWN = 1024
"""Keys that a process remembers."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A key that was good at that version of the database; `until` it expires, or its use has to be noted again."""

    actor: Actor
    until: datetime
    version: int


class Access:
    """Turns a credential into an actor, and counts requests and failures."""

    def __init__(self, database: Database, tokens: Tokens, limiter: Limiter, admin_api_key: str) -> None:
        self._database = database
        self._tokens = tokens
        self._limiter = limiter
        self._admin_key = digest(admin_api_key) if admin_api_key else None
        self._admin: Actor | None = None
        self._uses = Uses(database)
        self._known: dict[bytes, _Known] = {}

    def recall(self, headers: Sequence[str]) -> tuple[Actor, Allowance | None] | None:
        """What `enter` would answer, where that is known and nothing has to be waited for; otherwise None.

        It is known of a key that was good while nobody has committed anything since: a revoked one is refused at once.
        Raises `RateLimited`.
        """
        scheme, _, credential = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
        known = self._known.get(digest(credential)) if scheme == "Bearer" else None
        if known is None or self._limiter.is_shared or known.version != self._database.version():
            return None
        if known.until <= datetime.now(UTC):
            return None
        return known.actor, self._limiter.spend(known.actor.credential)

    def asks_the_database_alone(self, headers: Sequence[str]) -> bool:
        """Whether `enter` does: of a token it may ask the keys of an issuer."""
        return not any(_is_token(it) for it in headers)

    def enter(self, headers: Sequence[str], address: str) -> tuple[Actor, Allowance | None]:
        """The actor behind the `Authorization` headers of a request from `address`, and what it may still do.

        Raises `Unauthorized`, or `RateLimited` for a credential, or an address, with too many tries (decisions 18).
        """
        try:
            actor = self.identify(bearer(headers))
        except Unauthorized as error:
            if error.reason != Unauthorized.MISSING:
                self._limiter.spend_failure(address)
            raise
        return actor, self._limiter.spend(actor.credential)

    def identify(self, credential: str) -> Actor:
        """An API key's or an access token's actor."""
        if self._admin_key is not None and hmac.compare_digest(digest(credential), self._admin_key):
            return self._operator()
        if _is_token(credential):
            return self._from_token(credential)
        return self._from_key(credential)

    def _from_key(self, credential: str) -> Actor:
        secret, version = digest(credential), self._database.version()
        with self._database.read() as tx:
            row = accounts.identity_of_key(tx, secret)
        if row is None or row["revoked_at"] is not None or not _is_alive(row):
            raise Unauthorized(Unauthorized.INVALID_KEY)
        if row["expires_at"] is not None and row["expires_at"] <= datetime.now(UTC):
            raise Unauthorized(Unauthorized.EXPIRED_KEY)
        self._uses.note(row["key_id"], row["last_used_at"])
        role = min(Role(row["key_role"]), Role(row["user_role"]), key=_RANK.__getitem__)
        narrowed = SCOPES[Role(row["key_role"])] & frozenset(row["scopes"] or SCOPES[Role(row["key_role"])])
        actor = _actor(row, role, narrowed, f"key:{row['key_uuid']}")
        if version is not None:
            noted_until = datetime.now(UTC) + EVERY
            self._remember(secret, _Known(actor, min(row["expires_at"] or noted_until, noted_until), version))
        return actor

    def _remember(self, secret: bytes, known: _Known) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[secret] = known

    def _from_token(self, credential: str) -> Actor:
        claims = self._tokens.read(credential)
        if claims["iss"] == ISSUER:
            row = self._own_user(claims)
        else:
            assert self._tokens.outside is not None
            row = self._outside_user(claims, self._tokens.outside)
        if row is None:
            raise Unauthorized(Unauthorized.UNKNOWN_USER, "The token's user does not exist")
        if not _is_alive(row):
            raise Unauthorized(Unauthorized.INACTIVE_USER, "The token's user is not active")
        if claims["iss"] == ISSUER and claims.get("gen", 0) != row["user_generation"]:
            raise Unauthorized(Unauthorized.INVALID_TOKEN)
        return _actor(row, Role(row["user_role"]), None, f"user:{row['user_uuid']}")

    def _own_user(self, claims: dict[str, Any]) -> Row | None:
        with self._database.read() as tx:
            return accounts.identity_of_user(tx, _uuid(claims["sub"]))

    def _outside_user(self, claims: dict[str, Any], outside: OutsideIssuer) -> Row | None:
        """The user of the token's subject, made when first seen; its role follows the token (contract, section 7)."""
        subject, name, role = (
            str(claims.get(claim, "")) for claim in ("sub", outside.tenant_claim, outside.role_claim)
        )
        if role not in SCOPES or not 0 < len(subject) <= 255 or not (subject + name).isprintable():
            raise Unauthorized(Unauthorized.INVALID_TOKEN)
        with self._database.read() as tx:
            tenant = accounts.tenant_named(tx, name) or accounts.tenant_with(tx, _uuid(name))
            row = accounts.identity_of_subject(tx, tenant["id"], subject) if tenant else None
        if tenant is None or (row is not None and row["user_role"] == role):
            return row
        with suppress(Duplicate), self._database.write() as tx:  # another request may be making the same user
            accounts.put_subject(tx, tenant["id"], subject, role, datetime.now(UTC))
        with self._database.read() as tx:
            return accounts.identity_of_subject(tx, tenant["id"], subject)

    def _operator(self) -> Actor:
        if self._admin is None:
            with self._database.read() as tx:
                tenant = accounts.tenant_named(tx, DEFAULT_TENANT)
                row = accounts.identity_of_first_admin(tx, tenant["id"]) if tenant else None
            if row is None:
                raise Unauthorized(Unauthorized.INVALID_KEY)
            self._admin = _actor(row, Role.ADMIN, None, "key:environment")
        return self._admin


DEFAULT_TENANT = "default"


def bearer(headers: Sequence[str]) -> str:
    """The credential of exactly one `Authorization: Bearer …` header; raises `Unauthorized`."""
    if not headers:
        raise Unauthorized(Unauthorized.MISSING)
    scheme, _, credential = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized(Unauthorized.INVALID_KEY)
    return credential.strip()


def _is_token(credential: str) -> bool:
    """An access token has exactly two dots (running.md, "Credentials")."""
    return credential.count(".") == 2


def _actor(row: Row, role: Role, narrowed: frozenset[str] | None, credential: str) -> Actor:
    scopes = scopes_of(Role(row["user_role"]), row["user_permissions"])
    return Actor(
        tenant_id=row["tenant_id"],
        tenant_uuid=row["tenant_uuid"],
        user_id=row["user_id"],
        user_uuid=row["user_uuid"],
        role=role,
        scopes=scopes if narrowed is None else scopes & narrowed,
        credential=credential,
    )


def _is_alive(row: Row) -> bool:
    return row["user_disabled_at"] is None and row["tenant_disabled_at"] is None


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Unauthorized(Unauthorized.INVALID_TOKEN) from None

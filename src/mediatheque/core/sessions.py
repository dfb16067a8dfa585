"""Logins by password, and the sessions they begin (contract, 2.8): a short access token and a refresh token used once.

A refresh token gives the next pair and is spent. One that is presented again was copied by somebody: then every token
that follows from the same login ends, and whoever is honest logs in anew.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import audit
from mediatheque.core.access import DEFAULT_TENANT, digest
from mediatheque.core.limiter import Limiter
from mediatheque.core.names import text
from mediatheque.core.passwords import matches
from mediatheque.core.tokens import LIFETIME_SECONDS, Tokens
from mediatheque.core.users import operator_id, shown
from mediatheque.errors import RateLimited, Unauthorized
from mediatheque.model import Actor, User
from mediatheque.records import accounts, sessions, users
from mediatheque.records.engine import Database, Row, Tx

REFRESH_LIFETIME = timedelta(days=30)
KEPT_AFTER_EXPIRY = timedelta(days=7)
"""So long an old token is still told apart from an unknown one."""
TOKEN_PREFIX = "mt_refresh_"  # noqa: S105
TOKEN_BYTES = 30
MAX_LOGIN_CHARS = 511


@dataclass(frozen=True, slots=True)
class Session:
    """What a login or a refresh hands out: the only time that the refresh token can be read."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime
    user: User


class Sessions:
    def __init__(self, database: Database, tokens: Tokens, limiter: Limiter) -> None:
        self._database = database
        self._tokens = tokens
        self._limiter = limiter

    def login(self, login: str, password: str, address: str) -> Session:
        """Begin a session; `login` is `name` in tenant `default`, `tenant/name` elsewhere (decisions 16).

        Raises `Unauthorized` (which says no more of a wrong name than of a wrong password), `RateLimited`, `Invalid`.
        """
        login = text(login.strip(), "username", MAX_LOGIN_CHARS) or ""
        tenant, _, name = login.rpartition("/")
        tenant = tenant or DEFAULT_TENANT
        try:
            self._limiter.spend_login(f"{tenant}/{name}", address)
            row = self._checked(tenant, name, password, address)
        except RateLimited:
            self._note_blocked(tenant, name, address)
            raise
        session = self._begin(row)
        self._limiter.forgive_login(f"{tenant}/{name}", address)
        return session

    def refresh(self, refresh_token: str, address: str) -> Session:
        """The next pair for a refresh token that was not used before; raises `Unauthorized`, `RateLimited`."""
        now = datetime.now(UTC)
        with self._database.write() as tx:
            outcome = self._rotate(tx, digest(refresh_token), now)
        if isinstance(outcome, Unauthorized):  # raised only now: what the transaction revoked has to stay revoked
            self._limiter.spend_failure(address)
            raise outcome
        return outcome

    def logout(self, refresh_token: str) -> None:
        """End the session of this refresh token; one that is unknown or ended is fine. Its access token runs out."""
        with self._database.write() as tx:
            token = _held(tx, digest(refresh_token))
            if token is not None:
                sessions.revoke_family(tx, token["family"], datetime.now(UTC))

    def me(self, actor: Actor) -> User:
        """The user behind the credential, with what the credential may do."""
        with self._database.read() as tx:
            row = users.user_with(tx, actor.tenant_id, actor.user_uuid)
            if row is None:
                raise Unauthorized(Unauthorized.UNKNOWN_USER, "User not found")
            user = shown(row, operator_id(tx))
        return replace(user, permissions=tuple(name for name in user.permissions if name in actor.scopes))

    def _checked(self, tenant: str, name: str, password: str, address: str) -> Row:
        """The user with this password, which is checked even for nobody: time tells nothing."""
        with self._database.read() as tx:
            row = users.for_login(tx, tenant, name)
        if not matches(password, row["password_hash"] if row else None):
            self._limiter.spend_failure(address)
            raise _wrong()
        assert row is not None
        _check_alive(row)
        return row

    def _begin(self, row: Row) -> Session:
        now = datetime.now(UTC)
        with self._database.write() as tx:
            if not users.logged_in(tx, row["id"], row["password_hash"], now):
                raise _wrong()
            sessions.forget(tx, row["id"], now - KEPT_AFTER_EXPIRY)
            return self._issue(tx, users.held_by_id(tx, row["id"]), uuid4(), now)

    def _rotate(self, tx: Tx, secret_sha256: bytes, now: datetime) -> Session | Unauthorized:
        token = _held(tx, secret_sha256)
        if token is None:
            return Unauthorized(Unauthorized.INVALID_REFRESH, "Unknown refresh token")
        row = users.held_by_id(tx, token["user_id"])
        if row["disabled_at"] is not None or row["tenant_disabled_at"] is not None:
            return _inactive()
        if token["used_at"] is not None:
            return self._reused(tx, token, now)
        if token["revoked_at"] is not None:
            return Unauthorized(Unauthorized.INVALID_REFRESH, "The session has ended")
        if token["expires_at"] <= now:
            return Unauthorized(Unauthorized.EXPIRED_REFRESH, "The refresh token has expired")
        sessions.use(tx, token["id"], now)
        return self._issue(tx, row, token["family"], now)

    def _reused(self, tx: Tx, token: Row, now: datetime) -> Unauthorized:
        sessions.revoke_family(tx, token["family"], now)
        audit.note_outside(tx, token["tenant_id"], "session.reused", token["user_uuid"])
        return Unauthorized(Unauthorized.REUSED_REFRESH, "The refresh token was used before; its session has ended")

    def _issue(self, tx: Tx, row: Row, family: UUID, now: datetime) -> Session:
        refresh_token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        values: dict[str, Any] = {
            "tenant_id": row["tenant_id"],
            "user_id": row["id"],
            "family": family,
            "secret_sha256": digest(refresh_token),
            "created_at": now,
            "expires_at": now + REFRESH_LIFETIME,
        }
        sessions.add(tx, values)
        return Session(
            access_token=self._tokens.issue(row["uuid"], generation=row["generation"]),
            refresh_token=refresh_token,
            access_expires_at=now.replace(microsecond=0) + timedelta(seconds=LIFETIME_SECONDS),
            refresh_expires_at=values["expires_at"],
            user=shown(row, operator_id(tx)),
        )

    def _note_blocked(self, tenant_name: str, name: str, address: str) -> None:
        """One entry a minute for each address; an unknown name is left out, it may be a mistyped password."""
        if not self._limiter.is_news(f"{tenant_name} {address}"):
            return
        with self._database.write() as tx:
            tenant = accounts.tenant_named(tx, tenant_name)
            if tenant is not None:
                row = users.for_login(tx, tenant_name, name)
                known = {"name": row["name"]} if row else {}
                audit.note_outside(tx, tenant["id"], "login.blocked", row["uuid"] if row else None, address=address,
                                   **known)  # fmt: skip


def _held(tx: Tx, secret_sha256: bytes) -> Row | None:
    """The token as it is once its user's row is held: whoever begins, continues or ends sessions holds that first."""
    token = sessions.token_with(tx, secret_sha256)
    if token is not None:
        users.held_by_id(tx, token["user_id"])
        token = sessions.token_with(tx, secret_sha256)
    return token


def _check_alive(row: Row) -> None:
    if row["disabled_at"] is not None or row["tenant_disabled_at"] is not None:
        raise _inactive()


def _inactive() -> Unauthorized:
    return Unauthorized(Unauthorized.INACTIVE_USER, "This account is not active")


def _wrong() -> Unauthorized:
    return Unauthorized(Unauthorized.INVALID_CREDENTIALS, "Wrong username or password")

"""API keys: made for oneself, listed with when they were last used, revoked (running.md, "Credentials").

A key is made by somebody who has logged in, or who manages users: one that was stolen should not be able to make itself
others. It never holds more than whoever makes it.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import audit
from mediatheque.core.access import SCOPES, digest, require
from mediatheque.core.names import text
from mediatheque.core.users import check_manages
from mediatheque.errors import Forbidden, Invalid, NotFound
from mediatheque.model import Actor, Role
from mediatheque.records import accounts
from mediatheque.records.engine import Database, Row, Tx

KEY_PREFIX = "mt_live_"
KEY_BYTES = 30
"""40 URL-safe characters."""
SHOWN_CHARS = 12
MAX_NAME_CHARS = 100
MAX_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret. `scopes` is what it was made to hold; its user may hold less by now."""

    uuid: UUID
    name: str | None
    prefix: str
    role: Role
    scopes: tuple[str, ...]
    user_uuid: UUID
    user_name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, actor: Actor, *, of_everybody: bool = False) -> list[Key]:
        """The actor's keys, newest first; `of_everybody` in the tenant needs `users.read`."""
        if of_everybody:
            require(actor, "users.read")
        with self._database.read() as tx:
            rows = accounts.keys_of(tx, actor.tenant_id, None if of_everybody else actor.user_id)
            return [_shown(row) for row in rows]

    def create(
        self,
        actor: Actor,
        *,
        name: str | None = None,
        role: Role | None = None,
        scopes: Iterable[str] | None = None,
        days: int | None = None,
    ) -> tuple[str, Key]:
        """A key of the actor's own: its secret, the only time that it can be read, and what is kept of it.

        It holds `scopes`, or all of `role`, or all that the actor holds; `days` until it expires, None for never.
        Raises `Invalid`, `Forbidden`.
        """
        _check_makes(actor)
        name = (text(name, "name", MAX_NAME_CHARS) or "").strip() or None
        if days is not None and not 0 < days <= MAX_DAYS:
            raise _invalid(f"A key lives 1 to {MAX_DAYS} days", "expires_in_days")
        wanted, role = _granted(actor, role, None if scopes is None else frozenset(scopes))
        narrowed = None if wanted == SCOPES[role] else sorted(wanted)
        expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
        secret, uuid = new_secret(), uuid4()
        with self._database.write() as tx:
            mint(tx, actor.tenant_id, actor.user_id, secret, role,
                 uuid=uuid, name=name, scopes=narrowed, expires_at=expires_at)  # fmt: skip
            audit.note(tx, actor, "key.created", uuid, name=name, role=role, scopes=narrowed)
            row = accounts.key_with(tx, actor.tenant_id, uuid)
        assert row is not None
        return secret, _shown(row)

    def revoke(self, actor: Actor, key_id: UUID) -> None:
        """Refused by every process from the moment this returns. Other people's need `users.update`.

        Raises `NotFound`, also for other people's keys without that; `Forbidden`.
        """
        _check_makes(actor)
        with self._database.write() as tx:
            row = accounts.key_with(tx, actor.tenant_id, key_id)
            is_own = row is not None and row["user_id"] == actor.user_id
            if row is None or not (is_own or "users.update" in actor.scopes):
                raise NotFound("Key not found").about("key")
            if not is_own:
                check_manages(tx, actor, row["user_uuid"])
            if accounts.revoke_key(tx, key_id, datetime.now(UTC)):
                audit.note(tx, actor, "key.revoked", key_id, name=row["key_name"], user=row["user_name"])


def new_secret() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def mint(tx: Tx, tenant_id: int, user_id: int, secret: str, role: Role, *, uuid: UUID, **values: Any) -> None:
    """The row of a new key; `values` may hold `name`, `scopes` (None: all of the role) and `expires_at`."""
    kept = {"prefix": secret[:SHOWN_CHARS], "secret_sha256": digest(secret), "created_at": datetime.now(UTC)}
    owner = {"uuid": uuid, "tenant_id": tenant_id, "user_id": user_id, "role": role}
    accounts.add_key(tx, owner | kept | values)


def _check_makes(actor: Actor) -> None:
    if not actor.credential.startswith("user:") and "users.update" not in actor.scopes:
        raise _refusal("Log in to manage API keys: a key does it only with the scope users.update")


def _granted(actor: Actor, role: Role | None, scopes: frozenset[str] | None) -> tuple[frozenset[str], Role]:
    """What a new key holds, and the weakest role that holds it; raises `Invalid`, `Forbidden`."""
    wanted = scopes if scopes is not None else SCOPES[role] if role else actor.scopes
    unknown = sorted(wanted - SCOPES[role or Role.ADMIN])
    if unknown or not wanted:
        said = f"These are no scopes of it: {', '.join(unknown)}" if unknown else "A key holds at least one scope"
        raise _invalid(said, "scopes")
    missing = sorted(wanted - actor.scopes)
    if missing:
        raise _refusal(f"Nobody gives a key what they do not hold: {', '.join(missing)}")
    return wanted, role or next(it for it in Role if wanted <= SCOPES[it])


def _shown(row: Row) -> Key:
    role = Role(row["key_role"])
    return Key(
        uuid=row["key_uuid"],
        name=row["key_name"],
        prefix=row["prefix"],
        role=role,
        scopes=tuple(sorted(row["scopes"] or SCOPES[role])),
        user_uuid=row["user_uuid"],
        user_name=row["user_name"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )


def _invalid(message: str, field: str) -> Invalid:
    return Invalid(message, field=(field,), kind="invalid").about("key")


def _refusal(message: str) -> Forbidden:
    return Forbidden(message).about("key")

"""Tenants, users and API keys: made, listed and revoked."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mediatheque import faults
from mediatheque.core import audit
from mediatheque.core.access import DEFAULT_TENANT, SCOPES, digest
from mediatheque.core.keys import KEY_PREFIX, SHOWN_CHARS, mint, new_secret
from mediatheque.core.passwords import hashed
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Role
from mediatheque.records import accounts
from mediatheque.records.engine import Database, Duplicate, Tx


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only time its secret can be read."""

    key: str
    key_id: UUID
    tenant_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """What the first start made and prints once."""

    username: str
    password: str
    key: str


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create_key(
        self,
        tenant: str,
        *,
        user: str | None = None,
        role: Role = Role.EDITOR,
        scopes: list[str] | None = None,
        expires_at: datetime | None = None,
    ) -> NewKey:
        """A new key; tenant and user are made where they are missing. Without `user` it gets one of its own.

        `scopes` narrows the role; one that the role does not hold is refused (`Invalid`).
        """
        unknown = sorted(set(scopes or ()) - SCOPES[role])
        if unknown:
            raise Invalid(f"Role {role} does not hold: {', '.join(unknown)}", field=("scope",))
        with self._database.write() as tx:
            return _add_key(tx, _tenant(tx, tenant), user, role, scopes, expires_at)

    def keys(self, tenant: str | None = None) -> list[dict[str, Any]]:
        """Every key with its tenant, user and state; never a secret."""
        with self._database.read() as tx:
            return [dict(row) for row in accounts.keys(tx, tenant)]

    def revoke_key(self, key_id: UUID) -> None:
        """Refused by every process from the moment this returns; raises `NotFound`."""
        with self._database.write() as tx:
            tenant_id = accounts.tenant_of_key(tx, key_id)
            if tenant_id is None:
                raise NotFound(f"No key {key_id}")
            if accounts.revoke_key(tx, key_id, datetime.now(UTC)):
                audit.note_outside(tx, tenant_id, "key.revoked", key_id)

    def first_start(self, username: str, password: str) -> FirstCredentials | None:
        """Tenant `default`, its admin and a first key, unless they are there; None when they were."""
        with self._database.read() as tx:
            if accounts.tenant_named(tx, DEFAULT_TENANT) is not None:
                return None
        chosen = password or secrets.token_urlsafe(12)
        try:
            with self._database.write() as tx:
                tenant_id = accounts.add_tenant(tx, DEFAULT_TENANT, datetime.now(UTC))
                accounts.add_user(tx, tenant_id, username, Role.ADMIN, datetime.now(UTC), password_hash=hashed(chosen))
                key = _add_key(tx, tenant_id, username, Role.ADMIN, None, None)
                faults.place("start.tenant")
        except Duplicate:
            return None  # another process started at the same moment and was first
        return FirstCredentials(username, chosen, key.key)


def _tenant(tx: Tx, name: str) -> int:
    if not 0 < len(name) <= 255:
        raise Invalid("A tenant's name has 1 to 255 characters", field=("tenant",))
    row = accounts.tenant_named(tx, name)
    return row["id"] if row else accounts.add_tenant(tx, name, datetime.now(UTC))


def _add_key(
    tx: Tx, tenant_id: int, user: str | None, role: Role, scopes: list[str] | None, expires_at: datetime | None
) -> NewKey:
    secret, key_id = new_secret(), uuid4()
    name = user or f"key-{secret[len(KEY_PREFIX) : SHOWN_CHARS]}-{key_id.hex[:8]}"
    known = accounts.user_named(tx, tenant_id, name)
    user_id = known["id"] if known else accounts.add_user(tx, tenant_id, name, role, datetime.now(UTC))
    mint(tx, tenant_id, user_id, secret, role, uuid=key_id, scopes=scopes, expires_at=expires_at)
    audit.note_outside(tx, tenant_id, "key.created", key_id, user=name, role=role, scopes=scopes)
    row = accounts.identity_of_key(tx, digest(secret))
    assert row is not None
    return NewKey(secret, key_id, row["tenant_uuid"], row["user_uuid"])

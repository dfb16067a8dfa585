"""Rows of tenants, users and API keys."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Insert, RowMapping, bindparam, insert, or_, select, update

from mediatheque.model import Role
from mediatheque.records.engine import Tx
from mediatheque.records.tables import api_key, tenant, user

_IDENTITY = (
    user.c.id.label("user_id"),
    user.c.uuid.label("user_uuid"),
    user.c.name.label("user_name"),
    user.c.role.label("user_role"),
    user.c.permissions.label("user_permissions"),
    user.c.generation.label("user_generation"),
    user.c.disabled_at.label("user_disabled_at"),
    tenant.c.id.label("tenant_id"),
    tenant.c.uuid.label("tenant_uuid"),
    tenant.c.name.label("tenant_name"),
    tenant.c.disabled_at.label("tenant_disabled_at"),
)
_KEY = (
    api_key.c.id.label("key_id"),
    api_key.c.uuid.label("key_uuid"),
    api_key.c.name.label("key_name"),
    api_key.c.role.label("key_role"),
    api_key.c.scopes,
    api_key.c.prefix,
    api_key.c.expires_at,
    api_key.c.revoked_at,
    api_key.c.created_at,
    api_key.c.last_used_at,
)


def tenant_named(tx: Tx, name: str) -> RowMapping | None:
    return tx.execute(select(tenant).where(tenant.c.name == name)).mappings().first()


def tenant_with(tx: Tx, uuid: UUID) -> RowMapping | None:
    return tx.execute(select(tenant).where(tenant.c.uuid == uuid)).mappings().first()


def tenants(tx: Tx) -> list[RowMapping]:
    return list(tx.execute(select(tenant).order_by(tenant.c.id)).mappings())


def metadata_policy(tx: Tx, tenant_id: int) -> str:
    return str(tx.execute(_POLICY, {"tenant": tenant_id}).scalar_one())


def set_metadata_policy(tx: Tx, tenant_id: int, policy: str) -> bool:
    """False when it was that before."""
    other = tenant.c.id == tenant_id, tenant.c.metadata_policy != policy
    return tx.execute(update(tenant).where(*other).values(metadata_policy=policy)).rowcount == 1


def add_tenant(tx: Tx, name: str, now: datetime, *, uuid: UUID | None = None) -> int:
    return _inserted(tx, insert(tenant).values(uuid=uuid or uuid4(), name=name, created_at=now))


def user_named(tx: Tx, tenant_id: int, name: str) -> RowMapping | None:
    return tx.execute(select(user).where(user.c.tenant_id == tenant_id, user.c.name == name)).mappings().first()


def add_user(tx: Tx, tenant_id: int, name: str, role: str, now: datetime, **values: Any) -> int:
    """`values` may hold `password_hash`, `subject`, `permissions` and `disabled_at`."""
    row = {"uuid": uuid4(), "tenant_id": tenant_id, "name": name, "role": role, "created_at": now}
    return _inserted(tx, insert(user).values(row | values))


def identity_of_user(tx: Tx, uuid: UUID) -> RowMapping | None:
    return tx.execute(select(*_IDENTITY).join(tenant).where(user.c.uuid == uuid)).mappings().first()


def identity_of_subject(tx: Tx, tenant_id: int, subject: str) -> RowMapping | None:
    query = select(*_IDENTITY).join(tenant).where(user.c.tenant_id == tenant_id, user.c.subject == subject)
    return tx.execute(query).mappings().first()


def put_subject(tx: Tx, tenant_id: int, subject: str, role: str, now: datetime) -> None:
    """The user of an outside issuer's subject: made, or given the role, with its rights, that the issuer says."""
    mine = user.c.tenant_id == tenant_id, user.c.subject == subject
    if tx.execute(update(user).where(*mine).values(role=role, permissions=None)).rowcount == 0:
        add_user(tx, tenant_id, f"subject:{subject}"[:255], role, now, subject=subject)


def identity_of_first_admin(tx: Tx, tenant_id: int) -> RowMapping | None:
    query = select(*_IDENTITY).join(tenant).where(user.c.tenant_id == tenant_id, user.c.role == Role.ADMIN)
    return tx.execute(query.order_by(user.c.id)).mappings().first()


def identity_of_key(tx: Tx, secret_sha256: bytes) -> RowMapping | None:
    return tx.execute(_BY_SECRET, {"secret": secret_sha256}).mappings().first()


def add_key(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(api_key).values(values))


def keys(tx: Tx, tenant_name: str | None) -> list[RowMapping]:
    """Every key, oldest first; of one tenant when named."""
    query = select(*_IDENTITY, *_KEY).select_from(_OWNED_KEYS).order_by(api_key.c.id)
    if tenant_name is not None:
        query = query.where(tenant.c.name == tenant_name)
    return list(tx.execute(query).mappings())


def keys_of(tx: Tx, tenant_id: int, user_id: int | None) -> list[RowMapping]:
    """The tenant's keys, or one user's of them, newest first."""
    query = select(*_IDENTITY, *_KEY).select_from(_OWNED_KEYS).where(api_key.c.tenant_id == tenant_id)
    if user_id is not None:
        query = query.where(api_key.c.user_id == user_id)
    return list(tx.execute(query.order_by(api_key.c.id.desc())).mappings())


def key_with(tx: Tx, tenant_id: int, key_uuid: UUID) -> RowMapping | None:
    mine = api_key.c.tenant_id == tenant_id, api_key.c.uuid == key_uuid
    return tx.execute(select(*_IDENTITY, *_KEY).select_from(_OWNED_KEYS).where(*mine)).mappings().first()


def note_use(tx: Tx, key_id: int, now: datetime, before: datetime) -> None:
    """The key was used, unless that is known of a moment after `before`."""
    is_old = or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < before)
    tx.execute(update(api_key).where(api_key.c.id == key_id, is_old).values(last_used_at=now))


def tenant_of_key(tx: Tx, key_uuid: UUID) -> int | None:
    return tx.execute(select(api_key.c.tenant_id).where(api_key.c.uuid == key_uuid)).scalar()


def revoke_key(tx: Tx, key_uuid: UUID, now: datetime) -> bool:
    """False when it was revoked already."""
    unrevoked = api_key.c.uuid == key_uuid, api_key.c.revoked_at.is_(None)
    return tx.execute(update(api_key).where(*unrevoked).values(revoked_at=now)).rowcount == 1


def _inserted(tx: Tx, statement: Insert) -> int:
    key = tx.execute(statement).inserted_primary_key
    assert key is not None
    return int(key[0])


_POLICY = select(tenant.c.metadata_policy).where(tenant.c.id == bindparam("tenant"))
_OWNED_KEYS = api_key.join(user, user.c.id == api_key.c.user_id).join(tenant, tenant.c.id == api_key.c.tenant_id)
_BY_SECRET = select(*_IDENTITY, *_KEY).select_from(_OWNED_KEYS).where(api_key.c.secret_sha256 == bindparam("secret"))

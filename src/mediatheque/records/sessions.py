"""Rows of refresh tokens: each is used once; those that follow from one login are a family."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import refresh_token, user


def add(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(refresh_token).values(values))


def token_with(tx: Tx, secret_sha256: bytes) -> Row | None:
    query = select(refresh_token, user.c.uuid.label("user_uuid")).join(user)
    return tx.execute(query.where(refresh_token.c.secret_sha256 == secret_sha256)).mappings().first()


def use(tx: Tx, token_id: int, now: datetime) -> None:
    tx.execute(update(refresh_token).where(refresh_token.c.id == token_id).values(used_at=now))


def revoke_family(tx: Tx, family: UUID, now: datetime) -> None:
    living = refresh_token.c.family == family, refresh_token.c.revoked_at.is_(None)
    tx.execute(update(refresh_token).where(*living).values(revoked_at=now))


def revoke_all(tx: Tx, user_id: int, now: datetime) -> None:
    living = refresh_token.c.user_id == user_id, refresh_token.c.revoked_at.is_(None)
    tx.execute(update(refresh_token).where(*living).values(revoked_at=now))


def forget(tx: Tx, user_id: int, before: datetime) -> None:
    """Remove the user's tokens that expired before then."""
    tx.execute(delete(refresh_token).where(refresh_token.c.user_id == user_id, refresh_token.c.expires_at < before))

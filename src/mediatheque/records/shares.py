"""Rows of links by which anybody can read an artifact for a while."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from mediatheque.authoring import Share
from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import artifact_share, user

_WHOLE = select(artifact_share, user.c.uuid.label("creator_uuid")).join(user, user.c.id == artifact_share.c.creator_id)


def add(tx: Tx, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(artifact_share).returning(artifact_share.c.id), dict(values)).scalar_one())


def share_with(tx: Tx, uuid: UUID) -> Share | None:
    """Whosever it is: its signed URL is the permission."""
    row = tx.execute(_WHOLE.where(artifact_share.c.uuid == uuid)).mappings().first()
    return None if row is None else _share(row)


def of_artifact(tx: Tx, artifact_id: int, now: datetime) -> list[Share]:
    """Those that are still good, newest first."""
    query = _WHOLE.where(artifact_share.c.artifact_id == artifact_id, artifact_share.c.expires_at > now)
    return [_share(row) for row in tx.execute(query.order_by(artifact_share.c.id.desc())).mappings()]


def remove(tx: Tx, artifact_id: int, uuid: UUID) -> bool:
    """False when there is none."""
    mine = artifact_share.c.artifact_id == artifact_id, artifact_share.c.uuid == uuid
    return tx.execute(delete(artifact_share).where(*mine)).rowcount == 1


def forget_before(tx: Tx, moment: datetime) -> None:
    tx.execute(delete(artifact_share).where(artifact_share.c.expires_at < moment))


def _share(row: Row) -> Share:
    return Share(**{name: row[name] for name in Share.__dataclass_fields__})

"""The audit log: who changed what when, written in the transaction of the change itself, and never a secret."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque.model import Actor
from mediatheque.records import audit
from mediatheque.records.engine import Database, Tx


@dataclass(frozen=True, slots=True)
class Entry:
    """One change; without a user it came from the command line or from a stranger at the login."""

    id: int
    action: str
    subject: str | None
    user_uuid: UUID | None
    user_name: str | None
    credential: str | None
    details: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditPage:
    entries: list[Entry]
    total: int


def note(tx: Tx, actor: Actor, action: str, subject: UUID | None, **details: Any) -> None:
    """Record what an actor does; `action` is like `user.created`, `subject` the id of what it is done to."""
    _add(tx, actor.tenant_id, action, subject, details, user_id=actor.user_id, credential=actor.credential)


def note_outside(tx: Tx, tenant_id: int, action: str, subject: UUID | None, **details: Any) -> None:
    """Record what happens without an actor: on the command line, or at the login."""
    _add(tx, tenant_id, action, subject, details)


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, actor: Actor, *, page: int, page_size: int) -> AuditPage:
        """The tenant's log, newest first; pages count from 1."""
        with self._database.read() as tx:
            rows = audit.page(tx, actor.tenant_id, (page - 1) * page_size, page_size)
            total = audit.count(tx, actor.tenant_id)
        return AuditPage([Entry(**{**row, "details": row["details"] or {}}) for row in rows], total)


def _add(tx: Tx, tenant_id: int, action: str, subject: UUID | None, details: dict[str, Any], **who: Any) -> None:
    values = {"tenant_id": tenant_id, "action": action, "subject": str(subject) if subject else None,
              "details": details, "created_at": datetime.now(UTC)}  # fmt: skip
    audit.add(tx, values | who)

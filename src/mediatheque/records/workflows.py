"""Rows of workflows: named lists of skills."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from mediatheque.records.engine import Row, Tx
from mediatheque.records.tables import workflow


def all_of(tx: Tx, tenant_id: int) -> list[Row]:
    """The one that runs by itself first, then by name."""
    query = select(workflow).where(workflow.c.tenant_id == tenant_id)
    return list(tx.execute(query.order_by(workflow.c.is_auto_run.desc(), workflow.c.name)).mappings())


def with_uuid(tx: Tx, tenant_id: int, uuid: UUID) -> Row | None:
    query = select(workflow).where(workflow.c.tenant_id == tenant_id, workflow.c.uuid == uuid)
    return tx.execute(query).mappings().first()


def auto_run(tx: Tx, tenant_id: int) -> str | None:
    """The graph of the workflow that runs on every upload."""
    query = select(workflow.c.graph).where(workflow.c.tenant_id == tenant_id, workflow.c.is_auto_run)
    return tx.execute(query).scalar()


def add(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(workflow), values)


def change(tx: Tx, workflow_id: int, values: dict[str, Any]) -> None:
    tx.execute(update(workflow).where(workflow.c.id == workflow_id).values(values))


def stop_auto_run(tx: Tx, tenant_id: int) -> None:
    tx.execute(update(workflow).where(workflow.c.tenant_id == tenant_id).values(is_auto_run=False))


def remove(tx: Tx, workflow_id: int) -> None:
    tx.execute(delete(workflow).where(workflow.c.id == workflow_id))

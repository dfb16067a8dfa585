"""Workflows: named lists of skills, drawn as a graph, run by hand or on every upload (contract, 8)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mediatheque.core import audit, graphs, names
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Actor, Workflow
from mediatheque.records import providers, workflows
from mediatheque.records.engine import Database, Duplicate, Row, Tx

MAX_NAME_CHARS = 100
MAX_DESCRIPTION_CHARS = 1000


class Workflows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, actor: Actor) -> list[Workflow]:
        """The one that runs by itself first, then by name."""
        with self._database.read() as tx:
            return [_workflow(row) for row in workflows.all_of(tx, actor.tenant_id)]

    def get(self, actor: Actor, uuid: UUID) -> Workflow:
        with self._database.read() as tx:
            return _workflow(_row(tx, actor, uuid))

    def create(
        self, actor: Actor, name: str | None, *, description: str | None, graph: str | None, is_auto_run: bool
    ) -> Workflow:
        """Raises `Invalid`, also for a name in use."""
        values = _checked(name, description, graph)
        now, uuid = datetime.now(UTC), uuid4()
        row = values | {"uuid": uuid, "tenant_id": actor.tenant_id, "is_auto_run": is_auto_run}
        with _unique_names(), self._database.write() as tx:
            self._claim_auto_run(tx, actor, wanted=is_auto_run)
            workflows.add(tx, row | {"created_at": now, "updated_at": now})
            audit.note(tx, actor, "workflow.created", uuid, name=row["name"])
            return _workflow(_row(tx, actor, uuid))

    def replace(
        self,
        actor: Actor,
        uuid: UUID,
        name: str | None,
        *,
        description: str | None,
        graph: str | None,
        is_auto_run: bool,
    ) -> Workflow:
        """Set everything; raises `NotFound`, `Invalid`."""
        values = _checked(name, description, graph) | {"is_auto_run": is_auto_run}
        return self._change(actor, uuid, values)

    def set_auto_run(self, actor: Actor, uuid: UUID) -> Workflow:
        """This one, and no other, runs on every upload."""
        return self._change(actor, uuid, {"is_auto_run": True})

    def delete(self, actor: Actor, uuid: UUID) -> None:
        """Runs that it has begun go on."""
        with self._database.write() as tx:
            row = _row(tx, actor, uuid)
            workflows.remove(tx, row["id"])
            audit.note(tx, actor, "workflow.deleted", uuid, name=row["name"])

    def _change(self, actor: Actor, uuid: UUID, values: Mapping[str, Any]) -> Workflow:
        with _unique_names(), self._database.write() as tx:
            row = _row(tx, actor, uuid)
            self._claim_auto_run(tx, actor, wanted=bool(values["is_auto_run"]))
            workflows.change(tx, row["id"], {**values, "updated_at": datetime.now(UTC)})
            audit.note(tx, actor, "workflow.changed", uuid, fields=sorted(values))
            return _workflow(_row(tx, actor, uuid))

    def _claim_auto_run(self, tx: Tx, actor: Actor, *, wanted: bool) -> None:
        """At most one of a tenant's runs by itself."""
        providers.hold(tx, actor.tenant_id)
        if wanted:
            workflows.stop_auto_run(tx, actor.tenant_id)


@contextmanager
def _unique_names() -> Iterator[None]:
    """Turns a second row of the same name into `Invalid`."""
    try:
        yield
    except Duplicate:
        raise Invalid("A workflow of this name exists", field=("name",), kind="conflict").about("workflow") from None


def _checked(name: str | None, description: str | None, graph: str | None) -> dict[str, Any]:
    try:
        cleaned = (names.text(name, "name", MAX_NAME_CHARS) or "").strip()
        text = names.text(description, "description", MAX_DESCRIPTION_CHARS)
    except Invalid as error:
        raise error.about("workflow") from None
    if not cleaned:
        raise Invalid("A workflow has a name", field=("name",), kind="blank").about("workflow")
    return {"name": cleaned, "description": text, "graph": graphs.checked(graph)}


def _row(tx: Tx, actor: Actor, uuid: UUID) -> Row:
    row = workflows.with_uuid(tx, actor.tenant_id, uuid)
    if row is None:
        raise NotFound("Workflow not found").about("workflow")
    return row


def _workflow(row: Row) -> Workflow:
    copied = ("uuid", "name", "description", "is_auto_run", "graph", "created_at", "updated_at")
    return Workflow(**{name: row[name] for name in copied})

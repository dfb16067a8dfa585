"""Skills run because somebody asked: one by one and waited for, or a workflow's in a row."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.graphs import skills_of
from mediatheque.core.pipeline import HEARTBEAT_SECONDS, Pipeline
from mediatheque.core.planning import MANUAL, WORKFLOW, Wanted
from mediatheque.errors import Conflict, Invalid, NotFound, Unavailable
from mediatheque.model import Actor, Asset, Execution, Queue, RunState, StepResult
from mediatheque.ports import Skill
from mediatheque.records import assets, executions, workers, workflows
from mediatheque.records import progress as progress_rows
from mediatheque.records.engine import Database, Tx
from mediatheque.records.progress import Progress

WAIT_SECONDS = 60.0
"""How long whoever asked for one skill waits for it (decisions 23)."""
ALIVE_SECONDS = 3 * HEARTBEAT_SECONDS
"""A worker that was heard of within this time is alive."""
START_SECONDS = 10.0
"""After our own start workers may still be on their way, and nobody is told yet that there are none."""
MAX_PARAMETERS = 50
NO_WORKER = "No worker is running"


@dataclass(frozen=True, slots=True)
class Listed:
    """A skill as clients see it."""

    name: str
    description: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A run that somebody waits for."""

    uuid: UUID
    asset_uuid: UUID
    skill: str
    queue: Queue
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it; `steps` are all of the skill's, those that never had their turn with the reason why."""

    skill: str
    succeeded: bool
    steps: list[StepResult]


class Skills:
    def __init__(self, database: Database, pipeline: Pipeline) -> None:
        self._database = database
        self._pipeline = pipeline
        self._planner = pipeline.planner
        self._started_at = time.monotonic()

    def listed(self) -> list[Listed]:
        """Skills that clients may run: those of the published list in its order, then our own quiet ones."""
        return [
            Listed(skill.name, skill.description, tuple(step.name for step in skill.steps))
            for skill in sorted(self._planner.skills.values(), key=lambda skill: skill.is_quiet)
            if skill.listed
        ]

    def start(self, actor: Actor, uuid: UUID, name: str, parameters: Mapping[str, Any]) -> Started:
        """Put a skill first in the queue; raises `NotFound` of asset or skill, `Unavailable` without workers."""
        with self._database.read() as tx:
            it = _image(tx, actor, uuid)
        skill = self._named(name)
        _check(parameters)
        if not self._is_served(skill.queue):
            raise Unavailable(NO_WORKER, retry_after_seconds=10)
        with self._database.write() as tx:
            it = _image(tx, actor, uuid)
            (run_id,) = self._planner.enqueue(tx, it, [Wanted(skill, parameters)], MANUAL, first=True)
        self._pipeline.announce()
        return Started(run_id, it.uuid, skill.name, skill.queue, tuple(step.name for step in skill.steps))

    def ended(self, actor: Actor, started: Started) -> Ended | None:
        """What came of it, or None while it is under way.

        Raises `NotFound` when the asset was deleted meanwhile, `Unavailable` when the workers are gone: then the run
        is withdrawn.
        """
        progress = self._progress(actor, started)
        if not progress.has_ended:
            if not progress.is_held and not self._is_served(started.queue):
                self._withdraw(actor, started, NO_WORKER)
                raise Unavailable(NO_WORKER, retry_after_seconds=10)
            return None
        self._pipeline.forget(started.asset_uuid)  # whoever waited asks at once; the worker may not have come to it yet
        steps = [*progress.run.steps]
        missing = started.steps[len(steps) :]
        steps += _unfinished(missing, progress.error or "The step was not run")
        return Ended(started.skill, progress.run.state is RunState.SUCCEEDED, steps)

    def give_up(self, actor: Actor, started: Started) -> Ended:
        """It takes too long: what nobody has begun is withdrawn, what is under way goes on without being waited for."""
        reason = f"No worker was free within {WAIT_SECONDS:.0f} s; the run was withdrawn"
        if not self._withdraw(actor, started, reason):
            if (ended := self.ended(actor, started)) is not None:
                return ended
            reason = f"Not finished within {WAIT_SECONDS:.0f} s; the run goes on"
        return Ended(started.skill, False, _unfinished(started.steps, reason))

    def run_workflow(self, actor: Actor, uuid: UUID, workflow: UUID) -> list[str]:
        """Enqueue a workflow's skills, one after another; their names as they are written there.

        Raises `NotFound`, `Invalid`.
        """
        with self._database.write() as tx:
            it = _image(tx, actor, uuid)
            row = workflows.with_uuid(tx, actor.tenant_id, workflow)
            if row is None:
                raise NotFound("Workflow not found").about("workflow")
            wanted = self._planner.checked_by(row["graph"], it)
            self._planner.enqueue(tx, it, wanted, WORKFLOW, chained=True)
        self._pipeline.announce()
        return [name for name, _ in skills_of(row["graph"])]

    def history(self, actor: Actor, uuid: UUID) -> list[Execution]:
        """What was run on an image and is to be run on it, newest first. Raises `NotFound`."""
        with self._database.read() as tx:
            return executions.history(tx, _image(tx, actor, uuid).id, ())[::-1]

    def retry(self, actor: Actor, uuid: UUID, run: UUID) -> None:
        """Do again what failed on an image, as a new run. Raises `NotFound`, `Conflict` (also while it waits)."""
        with self._database.write() as tx:
            it = _image(tx, actor, uuid)
            again = executions.failed(tx, it.id, run)
            if again is None or again[0] in executions.waiting(tx, it.id):
                raise Conflict("Only a failed job can be retried").about("asset_job")
            self._planner.enqueue(tx, it, [Wanted(self._planner.find(again[0]), again[1])], WORKFLOW)
        self._pipeline.announce()

    def _named(self, name: str) -> Skill:
        if not name.strip():
            raise Invalid("A skill has a name", field=("name",), kind="blank").about("skill")
        return self._planner.find(name)

    def _is_served(self, queue: Queue) -> bool:
        if time.monotonic() < self._started_at + START_SECONDS:
            return True
        with self._database.read() as tx:
            return workers.is_served(tx, queue, within_seconds=ALIVE_SECONDS)

    def _withdraw(self, actor: Actor, started: Started, reason: str) -> bool:
        with self._database.write() as tx:
            return progress_rows.withdraw(tx, started.uuid, actor.tenant_id, reason, datetime.now(UTC))

    def _progress(self, actor: Actor, started: Started) -> Progress:
        with self._database.read() as tx:
            progress = progress_rows.of(tx, started.uuid, actor.tenant_id)
        if progress is None:
            raise NotFound("Asset not found")
        return progress


def _image(tx: Tx, actor: Actor, uuid: UUID) -> Asset:
    it = assets.asset_with(tx, uuid, actor.tenant_id)
    if it is None or it.kind != "image":
        raise NotFound("Asset not found")
    return it


def _check(parameters: Mapping[str, Any]) -> None:
    if len(parameters) > MAX_PARAMETERS or not names.is_keepable(parameters):
        raise Invalid("Parameters that cannot be kept", field=("parameters",)).about("skill")


def _unfinished(steps: tuple[str, ...], reason: str) -> list[StepResult]:
    now = datetime.now(UTC)
    return [StepResult(name, reason, now, now) for name in steps]

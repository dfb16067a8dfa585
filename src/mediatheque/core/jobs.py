"""The work of a tenant as its people look after it: how much waits, what has failed and why, and another try."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from mediatheque.core import audit
from mediatheque.core.access import require
from mediatheque.core.pipeline import Pipeline
from mediatheque.errors import Conflict, NotFound
from mediatheque.model import Actor, RunState, State
from mediatheque.records import jobs, pauses
from mediatheque.records.engine import Database, Row

MOST_UNFINISHED = 100


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a skill on a file. `can_retry` False: it has not failed, or the file itself is broken."""

    uuid: UUID
    asset_uuid: UUID
    asset_name: str
    skill: str
    state: RunState
    attempts: int
    error: str | None
    can_retry: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Work:
    """How many jobs wait, run and have failed; some of the first two, and a page of the last, newest first.

    `paused_at`: since when those that wait are let wait.
    """

    waiting: int
    running: int
    failed: int
    unfinished: list[Job]
    failures: list[Job]
    paused_at: datetime | None


class Jobs:
    def __init__(self, database: Database, pipeline: Pipeline) -> None:
        self._database = database
        self._pipeline = pipeline

    def look(self, actor: Actor, *, page: int, page_size: int) -> Work:
        """The tenant's work; pages of failures count from 1. What has failed and was run again is not among them."""
        require(actor, "assets.read")
        with self._database.read() as tx:
            waiting, running = jobs.depth(tx, actor.tenant_id)
            unfinished = jobs.unfinished(tx, actor.tenant_id, MOST_UNFINISHED)
            failed = jobs.failed(tx, actor.tenant_id, skip=(page - 1) * page_size, limit=page_size)
            total = jobs.count_failed(tx, actor.tenant_id)
            paused_at = pauses.since(tx, actor.tenant_id)
        return Work(
            waiting, running, total, [_job(row) for row in unfinished], [_job(row) for row in failed], paused_at
        )

    def pause(self, actor: Actor) -> datetime | None:
        """Let the tenant's work wait, but for what makes files usable and what somebody waits for."""
        return self._mark(actor, datetime.now(UTC))

    def resume(self, actor: Actor) -> datetime | None:
        """Let it go on."""
        return self._mark(actor, None)

    def _mark(self, actor: Actor, moment: datetime | None) -> datetime | None:
        with self._database.write() as tx:
            if pauses.mark(tx, actor.tenant_id, moment):
                audit.note(tx, actor, "jobs.paused" if moment else "jobs.resumed", actor.tenant_uuid)
            found = pauses.since(tx, actor.tenant_id)
        self._pipeline.straighten(actor.tenant_id)
        self._pipeline.announce()
        return found

    def retry(self, actor: Actor, job_id: UUID) -> Job:
        """Run a failed job again, with all its attempts. Raises `NotFound`, `Conflict`."""
        require(actor, "assets.update")
        with self._database.write() as tx:
            row = jobs.with_uuid(tx, actor.tenant_id, job_id)
            if row is None:
                raise NotFound("Job not found").about("job")
            if not _job(row).can_retry:
                raise Conflict("Only a job that has failed, of a file that is whole, can be tried again").about("job")
            self._pipeline.restart(tx, [row["id"]])
            again = jobs.with_uuid(tx, actor.tenant_id, job_id)
        self._pipeline.announce()
        assert again is not None
        return _job(again)


def _job(row: Row) -> Job:
    state = RunState.RUNNING if row["owner"] else RunState(row["state"])
    return Job(
        uuid=row["uuid"],
        asset_uuid=row["asset_uuid"],
        asset_name=row["title"] or row["original_filename"],
        skill=row["skill"],
        state=state,
        attempts=row["attempts"],
        error=row["error"],
        can_retry=state is RunState.FAILED and row["asset_state"] != State.FAILED,
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )

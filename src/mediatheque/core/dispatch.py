"""Jobs that run a skill on an upload and leave it alone: what comes out is new (contract, 5.3 and 10; decisions 24)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mediatheque.core import names
from mediatheque.core.assets import Assets
from mediatheque.core.idempotency import Remembering
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import DISPATCH, Wanted
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Actor, Asset, RunState
from mediatheque.records import assets, progress
from mediatheque.records.engine import Database

MAX_PARAMETER_CHARS = 10_000


@dataclass(frozen=True, slots=True)
class Job:
    """A dispatched run. `made` is the picture that came out, `findings` the texts; both None while it is under way."""

    uuid: UUID
    state: RunState
    skill: str
    made: Asset | None
    findings: Mapping[str, Any]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class Dispatch:
    def __init__(self, database: Database, assets_: Assets, pipeline: Pipeline) -> None:
        self._database = database
        self._assets = assets_
        self._pipeline = pipeline

    def start(
        self,
        actor: Actor,
        name: str,
        upload_key: str,
        parameters: Mapping[str, Any],
        *,
        remembering: Remembering[Job] | None = None,
    ) -> Job:
        """Enqueue the skill of that name on the upload. Raises `NotFound` of the workflow, `Invalid` of the key."""
        skill = self._pipeline.planner.find(name)
        if len(repr(parameters)) > MAX_PARAMETER_CHARS or not names.is_keepable(parameters):
            raise Invalid("Parameters that cannot be kept", field=("body", "parameters"))
        try:
            it = self._assets.of_upload_key(actor, upload_key)
        except NotFound:
            raise Invalid("No upload has this key", field=("body", "source_image_s3_key"), kind="unknown_key") from None
        if it.kind not in skill.kinds:
            raise Invalid(f"{skill.name} does not take this upload", field=("body", "source_image_s3_key"))
        with self._database.write() as tx:
            (run_id,) = self._pipeline.planner.enqueue(tx, it, [Wanted(skill, parameters)], DISPATCH)
            job = Job(run_id, RunState.QUEUED, skill.name, None, {}, None, datetime.now(UTC), None)
            if remembering:
                remembering.keep(tx, job)
        self._pipeline.announce()
        return job

    def job(self, actor: Actor, uuid: UUID) -> Job:
        """Raises `NotFound`; runs that were not dispatched are no jobs here."""
        with self._database.read() as tx:
            come = progress.of(tx, uuid, actor.tenant_id)
            if come is None or come.run.trigger != DISPATCH:
                raise NotFound("Job not found").about("job")
            result = come.result or {}
            made = assets.asset_with(tx, UUID(result["asset"]), actor.tenant_id) if "asset" in result else None
        run = come.run
        state = RunState.RUNNING if come.is_held and not come.has_ended else run.state
        finished_at = run.finished_at if come.has_ended else None
        findings = result.get("findings") or {}
        return Job(uuid, state, run.skill, made, findings, come.error, come.created_at, finished_at)

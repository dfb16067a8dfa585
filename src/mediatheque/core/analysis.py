"""What is found out about videos: the runs that look and listen, their scenes, what is said (contract, 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from mediatheque.core.pipeline import Pipeline
from mediatheque.core.planning import REQUEST, Wanted
from mediatheque.core.portraits import Portrait, Portraits
from mediatheque.errors import BadRequest, Conflict, NotFound
from mediatheque.model import Actor, Asset, Execution, RunState, State
from mediatheque.records import assets, executions, files
from mediatheque.records.engine import Database, Tx
from mediatheque.records.executions import UNFINISHED

SCENES, TRANSCRIPT = "scenes", "transcript"
"""Skills, and the kinds of their findings."""
INDEX_DIGITS = 3


class AnalysisType(StrEnum):
    """What an analysis consists of, in the contract's words; the first is all there is."""

    WHOLE = "full_vlm"
    FRAMES = "frame_sample"
    SCENES = "scene_detection"
    TRANSCRIPT = "transcript"


SKILLS: Mapping[AnalysisType, tuple[str, ...]] = {
    AnalysisType.WHOLE: (SCENES, TRANSCRIPT),
    AnalysisType.FRAMES: (SCENES,),
    AnalysisType.SCENES: (SCENES,),
    AnalysisType.TRANSCRIPT: (TRANSCRIPT,),
}


@dataclass(frozen=True, slots=True)
class AnalysisJob:
    """One run of an analysis, about one file."""

    asset_uuid: UUID
    run: Execution


@dataclass(frozen=True, slots=True)
class Analysis:
    portrait: Portrait
    jobs: list[AnalysisJob]
    """The newest run of each part, oldest first."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A shot of a video; `said` is what is heard in it."""

    id: str
    index: int
    start_seconds: float
    end_seconds: float
    said: str | None
    has_thumbnail: bool


@dataclass(frozen=True, slots=True)
class Scenes:
    asset: Asset
    scenes: list[Scene]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Transcript:
    """`value` None: nobody has listened yet."""

    asset: Asset
    value: Mapping[str, Any] | None


class Analyses:
    def __init__(self, database: Database, pipeline: Pipeline, portraits: Portraits) -> None:
        self._database = database
        self._pipeline = pipeline
        self._portraits = portraits

    def status(self, actor: Actor, uuid: UUID) -> Analysis:
        """How far a video's analysis is. Raises `NotFound`."""
        with self._database.read() as tx:
            it = _analysed(tx, actor, uuid)
            (portrait,) = self._portraits.of(tx, [it])
            return Analysis(portrait, [AnalysisJob(uuid, one) for one in self._latest(tx, it)])

    def job(self, actor: Actor, run_uuid: UUID) -> AnalysisJob:
        """Raises `NotFound`, also for runs of anything else."""
        with self._database.read() as tx:
            return self._job(tx, actor, run_uuid)

    def start(self, actor: Actor, uuid: UUID, wanted: AnalysisType) -> AnalysisJob:
        """Have a video looked at, or listened to; the first run, or the one that is at it already.

        Raises `NotFound`, `BadRequest`.
        """
        with self._database.write() as tx:
            it = _analysed(tx, actor, uuid)
            skills = [self._pipeline.skills[name] for name in SKILLS[wanted]]
            skills = [skill for skill in skills if it.kind in skill.kinds]
            if not skills:
                raise BadRequest("Scenes are found in videos alone")
            names = [skill.name for skill in skills]
            under_way = self._under_way(tx, it, names)
            if under_way is not None:
                return AnalysisJob(uuid, under_way)
            job = self._enqueued(tx, actor, it, names)
        self._pipeline.announce()
        return job

    def retry(self, actor: Actor, run_uuid: UUID) -> AnalysisJob:
        """Run a part of an analysis again that did not succeed. Raises `NotFound`, `Conflict`."""
        with self._database.write() as tx:
            job = self._job(tx, actor, run_uuid)
            if job.run.state is RunState.SUCCEEDED or job.run.state in UNFINISHED:
                raise Conflict("Only a job that failed can be tried again")
            it = _analysed(tx, actor, job.asset_uuid)
            if self._under_way(tx, it, [job.run.skill]) is not None:
                raise Conflict("The analysis is under way already")
            again = self._enqueued(tx, actor, it, [job.run.skill])
        self._pipeline.announce()
        return again

    def scenes(self, actor: Actor, uuid: UUID) -> Scenes:
        """A video's scenes; none before they have been looked for. Raises `NotFound`."""
        with self._database.read() as tx:
            it = _analysed(tx, actor, uuid)
            (portrait,) = self._portraits.of(tx, [it])
            found = files.texts_of(tx, [it.blob.id], (SCENES, TRANSCRIPT)).get(it.blob.id, {})
        segments = (found.get(TRANSCRIPT) or {}).get("segments", ())
        facts = portrait.found.get("scene_facts")
        scenes = [
            Scene(
                f"{it.uuid.hex}{scene['index']:0{INDEX_DIGITS}}",
                scene["index"],
                scene["start_seconds"],
                scene["end_seconds"],
                _said_in(segments, scene),
                _variant(scene["index"]) in portrait.variants,
            )
            for scene in found.get(SCENES) or ()
        ]
        return Scenes(it, scenes, bool(facts and facts.value["is_cut"]))

    def transcript(self, actor: Actor, uuid: UUID) -> Transcript:
        """What is said in a video or a recording, with times. Raises `NotFound`."""
        with self._database.read() as tx:
            it = _analysed(tx, actor, uuid)
            return Transcript(it, files.texts_of(tx, [it.blob.id], (TRANSCRIPT,)).get(it.blob.id, {}).get(TRANSCRIPT))

    def thumbnail(self, actor: Actor, scene_id: str) -> tuple[Asset, str]:
        """(video, variant) of a scene's picture. Raises `NotFound`."""
        digits, index = scene_id[:-INDEX_DIGITS], scene_id[-INDEX_DIGITS:]
        if len(digits) != 32 or not set(digits) <= set("0123456789abcdef") or not set(index) <= set("0123456789"):
            raise NotFound("Scene not found")
        with self._database.read() as tx:
            it = assets.asset_with(tx, UUID(digits), actor.tenant_id)
            if (
                it is None
                or it.state is State.FAILED
                or assets.variant_named(tx, it.blob.id, _variant(int(index))) is None
            ):
                raise NotFound("Scene not found")
            return it, _variant(int(index))

    def _latest(self, tx: Tx, it: Asset) -> Sequence[Execution]:
        return executions.latest_of(tx, [it.id], self._pipeline.planner.analysing).get(it.id, [])

    def _job(self, tx: Tx, actor: Actor, run_uuid: UUID) -> AnalysisJob:
        found = executions.with_uuid(tx, actor.tenant_id, run_uuid, self._pipeline.planner.analysing)
        if found is None:
            raise NotFound("Job not found")
        return AnalysisJob(*found)

    def _under_way(self, tx: Tx, it: Asset, names: Sequence[str]) -> Execution | None:
        return next((one for one in self._latest(tx, it) if one.state in UNFINISHED and one.skill in names), None)

    def _enqueued(self, tx: Tx, actor: Actor, it: Asset, names: Sequence[str]) -> AnalysisJob:
        wanted = [Wanted(self._pipeline.skills[name]) for name in names]
        run_ids = self._pipeline.planner.enqueue(tx, it, wanted, REQUEST, chained=True)
        return self._job(tx, actor, run_ids[0])


def _analysed(tx: Tx, actor: Actor, uuid: UUID) -> Asset:
    it = assets.asset_with(tx, uuid, actor.tenant_id)
    if it is None or it.kind not in {"video", "audio"}:
        raise NotFound("Video not found")
    return it


def _said_in(segments: Sequence[Mapping[str, Any]], scene: Mapping[str, Any]) -> str | None:
    start, end = scene["start_seconds"], scene["end_seconds"]
    return " ".join(one["text"] for one in segments if start <= one["start"] < end) or None


def _variant(index: int) -> str:
    return f"scene_{index:03}"

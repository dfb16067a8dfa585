"""`/api/v2/video-analysis`, scenes and what is said: what is found out about videos (contract, 9)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.analysis import AnalysisJob, AnalysisType, Scene, Scenes
from mediatheque.core.library import Library
from mediatheque.model import Execution, RunState
from mediatheque.surfaces.files.detail import TO_BYTES
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, json_response, scope
from mediatheque.surfaces.signed import signed_url

TYPES = {"scenes": AnalysisType.SCENES, "transcript": AnalysisType.TRANSCRIPT}


class Job(BaseModel):
    """`status` pending, processing, completed, failed, skipped (what it takes is not installed) or cancelled.

    `job_id` is `analysis_job_id`, as the published guide calls it.
    """

    job_id: str
    analysis_job_id: str
    media_id: str
    analysis_type: str
    status: str
    error_message: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None


class Status(BaseModel):
    """`status` pending, processing, completed or failed; null when nobody asked for an analysis."""

    media_id: str
    status: str | None
    job_id: str | None
    analysis_job_id: str | None
    scene_count: int | None
    has_audio_transcript: bool
    jobs: list[Job]


class Wanted(BaseModel):
    media_id: UUID
    analysis_type: AnalysisType = AnalysisType.WHOLE


class VideoScene(BaseModel):
    """`description` is what is heard in the scene; null where nothing is.

    Index and times come in our words and in those of the published guide.
    """

    scene_id: str
    index: int
    scene_index: int
    start_seconds: float
    start_time: float
    end_seconds: float
    end_time: float
    description: str | None
    thumbnail_url: str | None


class SceneList(BaseModel):
    """`video_id` is `media_id`, and `count` is `total_count`: so the published guide calls them."""

    media_id: str
    video_id: str
    scenes: list[VideoScene]
    total_count: int
    count: int
    is_truncated: bool


class Segment(BaseModel):
    start_seconds: float
    end_seconds: float
    text: str
    confidence: float | None


class TranscriptAnswer(BaseModel):
    """`text` null: nobody has listened yet. The offline model writes English, whatever is spoken."""

    media_id: str
    text: str | None
    language: str | None
    segments: list[Segment]
    is_truncated: bool


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2", tags=["files"], responses=ERRORS)

    @router.get("/video-analysis/status/{media_id}", response_model=Status)
    @scope("files.read")
    async def get_status(request: Request, media_id: UUID) -> Response:
        """How far the analysis of a video is, and its parts."""
        found = await in_thread(library.analyses.status, actor_of(request), media_id)
        portrait = found.portrait
        job_id = str(portrait.analysis_uuid) if portrait.analysis_uuid else None
        answer = Status(
            media_id=str(media_id),
            status=portrait.analysing.value if portrait.analysing else None,
            job_id=job_id,
            analysis_job_id=job_id,
            scene_count=portrait.scene_count,
            has_audio_transcript=portrait.has_transcript,
            jobs=[_job(one) for one in found.jobs],
        )
        return json_response(answer)

    @router.get("/video-analysis/jobs/{job_id}", response_model=Job)
    @scope("files.read")
    async def get_job(request: Request, job_id: UUID) -> Response:
        """One part of an analysis."""
        return json_response(_job(await in_thread(library.analyses.job, actor_of(request), job_id)))

    @router.post("/video-analysis/queue", response_model=Job, status_code=202)
    @scope("files.write")
    @creating()
    async def queue_analysis(request: Request, wanted: Wanted) -> Response:
        """Have a video analysed; while that is under way, the job that is at it."""
        actor = actor_of(request)
        job = await in_thread(library.analyses.start, actor, wanted.media_id, wanted.analysis_type)
        return json_response(_job(job), 202)

    @router.post("/video-analysis/jobs/{job_id}/retry", response_model=Job, status_code=202)
    @scope("files.write")
    @creating()
    async def retry_job(request: Request, job_id: UUID) -> Response:
        """Run a part of an analysis again that did not succeed."""
        return json_response(_job(await in_thread(library.analyses.retry, actor_of(request), job_id)), 202)

    @router.get("/videos/{media_id}/scenes", response_model=SceneList)
    @scope("files.read")
    async def list_scenes(request: Request, media_id: UUID) -> Response:
        """The scenes of a video, in order."""
        return json_response(_scenes(library, await in_thread(library.analyses.scenes, actor_of(request), media_id)))

    @router.get("/videos/{media_id}/transcript", response_model=TranscriptAnswer)
    @scope("files.read")
    async def get_transcript(request: Request, media_id: UUID) -> Response:
        """What is said in a video or a recording, and when: our own route."""
        found = await in_thread(library.analyses.transcript, actor_of(request), media_id)
        value: dict[str, Any] = dict(found.value or {})
        segments = [
            Segment(start_seconds=one["start"], end_seconds=one["end"], text=one["text"], confidence=one["confidence"])
            for one in value.get("segments", ())
        ]
        answer = TranscriptAnswer(
            media_id=str(media_id),
            text=value.get("text"),
            language=value.get("language"),
            segments=segments,
            is_truncated=bool(value.get("is_cut")),
        )
        return json_response(answer)

    @router.get("/video-scenes/{scene_id}/thumbnail", response_class=Response, status_code=302, responses=TO_BYTES)
    @scope("files.read")
    async def get_thumbnail(request: Request, scene_id: str) -> Response:
        """To the picture of a scene."""
        it, variant = await in_thread(library.analyses.thumbnail, actor_of(request), scene_id)
        headers = {"Location": signed_url(library, it, variant), "Cache-Control": "no-store"}
        return Response(status_code=302, headers=headers)

    return router


def _job(job: AnalysisJob) -> Job:
    run = job.run
    return Job(
        job_id=str(run.uuid),
        analysis_job_id=str(run.uuid),
        media_id=str(job.asset_uuid),
        analysis_type=TYPES[run.skill].value,
        status=_status(run),
        error_message=run.error,
        created_at=moment(run.created_at),
        started_at=moment(run.started_at) if run.started_at else None,
        completed_at=moment(run.finished_at) if run.finished_at else None,
    )


def _status(run: Execution) -> str:
    return "processing" if run.is_held else _STATUS[run.state]


def _scenes(library: Library, found: Scenes) -> SceneList:
    scenes = [_scene(library, found, scene) for scene in found.scenes]
    media_id, count = str(found.asset.uuid), len(scenes)
    return SceneList(
        media_id=media_id, video_id=media_id, scenes=scenes, total_count=count, count=count, is_truncated=found.is_cut
    )


def _scene(library: Library, found: Scenes, scene: Scene) -> VideoScene:
    variant = f"scene_{scene.index:03}"
    return VideoScene(
        scene_id=scene.id,
        index=scene.index,
        scene_index=scene.index,
        start_seconds=scene.start_seconds,
        start_time=scene.start_seconds,
        end_seconds=scene.end_seconds,
        end_time=scene.end_seconds,
        description=scene.said,
        thumbnail_url=signed_url(library, found.asset, variant) if scene.has_thumbnail else None,
    )


_STATUS = {
    RunState.QUEUED: "pending",
    RunState.RUNNING: "processing",
    RunState.SUCCEEDED: "completed",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
    RunState.SKIPPED: "skipped",
}

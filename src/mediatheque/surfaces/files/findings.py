"""What skills have found out about a file, where each finding comes from, and what a person makes of it (our own)."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.library import Library
from mediatheque.core.looks import Alike
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope
from mediatheque.surfaces.signed import thumbnail_url
from mediatheque.understanding import Finding, Verdict


class FindingObject(BaseModel):
    """`model`, `prompt_hash` (SHA-256 of the words that a model was asked with), `confidence` and `language` are null
    where there is none."""

    run_id: UUID
    skill: str
    kind: str
    value: Any
    model: str | None
    prompt_hash: str | None
    confidence: float | None
    language: str | None
    state: str
    created_at: str


class FindingList(BaseModel):
    file_id: UUID
    findings: list[FindingObject]


class Judgement(BaseModel):
    state: Literal["suggested", "accepted", "rejected"]


class Undone(BaseModel):
    file_id: UUID
    run_id: UUID
    findings: list[str]
    fields: list[str]


class LookAlike(BaseModel):
    id: UUID
    filename: str
    distance: int | None
    similarity: float | None
    thumbnail_url: str


class LookAlikes(BaseModel):
    """`distance`: bits of 64 in which the perceptual hashes differ, 0 to 6, null for more; nearest first. Then those
    that a model sees alike: `similarity`, 1 for the same, null where it has not seen both. At most 100."""

    file_id: UUID
    files: list[LookAlike]


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/user-files", tags=["files"], responses=ERRORS)

    @router.get("/{file_id}/findings", response_model=FindingList)
    @scope("files.read")
    async def get_findings(request: Request, file_id: UUID) -> Response:
        """Everything that was found out about a file but its whole text, oldest first."""
        found = await in_thread(library.findings.of, actor_of(request), file_id)
        listed = [_shape(one.run_uuid, one.skill, one.finding) for one in found]
        return json_response(FindingList(file_id=file_id, findings=listed))

    @router.patch("/{file_id}/findings/{run_id}/{kind}", response_model=FindingObject)
    @scope("files.write")
    async def judge_finding(request: Request, file_id: UUID, run_id: UUID, kind: str, body: Judgement) -> Response:
        """Accept a finding or reject it; what a rejected one had filled in is taken out again."""
        verdict = Verdict(body.state)
        one = await in_thread(library.findings.judge, actor_of(request), file_id, run_id, kind, verdict)
        return json_response(_shape(one.run_uuid, one.skill, one.finding))

    @router.post("/{file_id}/runs/{run_id}/undo", response_model=Undone)
    @scope("files.write")
    async def undo_run(request: Request, file_id: UUID, run_id: UUID) -> Response:
        """Take back what a run wrote: its findings, and texts and tags that nobody has changed since."""
        back = await in_thread(library.findings.undo, actor_of(request), file_id, run_id)
        return json_response(
            Undone(file_id=file_id, run_id=run_id, findings=list(back.kinds), fields=list(back.fields))
        )

    @router.get("/{file_id}/look-alikes", response_model=LookAlikes)
    @scope("files.read")
    async def get_look_alikes(request: Request, file_id: UUID) -> Response:
        """Pictures that look nearly the same (other sizes, formats, slight changes), then those that look alike."""
        found = await in_thread(library.looks.alike, actor_of(request), file_id)
        return json_response(LookAlikes(file_id=file_id, files=[_alike(library, one) for one in found]))

    return router


def _shape(run_id: UUID, skill: str, one: Finding) -> FindingObject:
    return FindingObject(
        run_id=run_id,
        skill=skill,
        kind=one.kind,
        value=one.value,
        model=one.model,
        prompt_hash=one.prompt_hash,
        confidence=one.confidence,
        language=one.language,
        state=one.state.value,
        created_at=moment(one.created_at),
    )


def _alike(library: Library, one: Alike) -> LookAlike:
    it = one.asset
    return LookAlike(
        id=it.uuid,
        filename=it.original_filename or it.filename,
        distance=one.distance,
        similarity=one.similarity,
        thumbnail_url=thumbnail_url(library, it.uuid),
    )

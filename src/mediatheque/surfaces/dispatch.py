"""Figur's workflow dispatch: a skill run on an upload as a job (contract, 5.3 and 10; decisions 24)."""

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from mediatheque.core.dispatch import Job
from mediatheque.core.intake import upload_key
from mediatheque.core.library import Library
from mediatheque.errors import Invalid, NotFound
from mediatheque.model import Actor, RunState, Terms
from mediatheque.surfaces import figur
from mediatheque.surfaces.figur import ErrorResponse
from mediatheque.surfaces.http import IDEMPOTENCY_KEY, Door, Surface, actor_of, in_thread, json_response, once, scope
from mediatheque.surfaces.signed import signed_url

STATES = {
    RunState.QUEUED: "NOT_STARTED",
    RunState.RUNNING: "IN_PROGRESS",
    RunState.SUCCEEDED: "SUCCESS",
    RunState.FAILED: "FAILURE",
    RunState.CANCELLED: "FAILURE",
    RunState.SKIPPED: "FAILURE",
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503, 507)
}


class DispatchRequest(BaseModel):
    """One of the two keys, as `POST /v1/uploads` answered it."""

    source_image_s3_key: str | None = None
    product_image_s3_key: str | None = None
    parameters: dict[str, Any] | None = None


class DispatchResponse(BaseModel):
    request_id: str
    job_id: str
    status: str
    credits_cost: int


class JobResult(BaseModel):
    """The picture that came out, if one did, and the texts."""

    upload_key: str | None
    image_url: str | None
    findings: dict[str, Any]


class JobResponse(BaseModel):
    job_id: str
    status: str
    operation: str
    result: JobResult | None
    error: str | None
    created_at: str
    completed_at: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["workflows"], responses=_ERRORS)

    @router.post(
        "/v1/workflows/{workflow}", status_code=202, response_model=DispatchResponse,
        openapi_extra={"parameters": [IDEMPOTENCY_KEY]},
    )  # fmt: skip
    @scope("uploads.create")
    async def dispatch_workflow(request: Request, workflow: str, body: DispatchRequest) -> Response:
        """Run a skill on an upload; the upload stays as it is."""
        key = request.headers.get("idempotency-key")
        return await in_thread(_dispatch, library, actor_of(request), workflow, body, key, request.state.request_id)

    @router.get("/v1/jobs/{job_id}", response_model=JobResponse)
    @scope("uploads.create")
    async def get_job(request: Request, job_id: str) -> Response:
        """How far a job has come, and what came of it."""
        job = await in_thread(library.dispatch.job, actor_of(request), _uuid(job_id))
        return json_response(_shape(library, job))

    return router


def _dispatch(
    library: Library, actor: Actor, workflow: str, body: DispatchRequest, key: str | None, request_id: str
) -> Response:
    def render(job: Job) -> str:
        shown = DispatchResponse(request_id=request_id, job_id=str(job.uuid), status=STATES[job.state], credits_cost=0)
        return shown.model_dump_json()

    return once(
        library,
        actor,
        key,
        (f"POST /v1/workflows/{workflow}", json.dumps(body.model_dump())),
        lambda remembering: library.dispatch.start(
            actor, workflow, _key(body), body.parameters or {}, remembering=remembering
        ),
        status=202,
        render=render,
        render_error=figur.render_error,
        request_id=request_id,
    )


def _key(body: DispatchRequest) -> str:
    keys = [key for key in (body.source_image_s3_key, body.product_image_s3_key) if key]
    if len(keys) != 1:
        raise Invalid(
            "Exactly one of source_image_s3_key and product_image_s3_key is required",
            field=("body", "source_image_s3_key"),
            kind="missing",
        )
    return keys[0]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("Job not found").about("job") from None


def _shape(library: Library, job: Job) -> JobResponse:
    result = None
    if job.state is RunState.SUCCEEDED:
        result = JobResult(
            upload_key=upload_key(job.made) if job.made else None,
            image_url=signed_url(library, job.made) if job.made else None,
            findings=dict(job.findings),
        )
    return JobResponse(
        job_id=str(job.uuid),
        status=STATES[job.state],
        operation=job.skill,
        result=result,
        error=job.error,
        created_at=job.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        completed_at=job.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ") if job.finished_at else None,
    )


SURFACE = Surface(
    name="dispatch",
    prefixes=("/v1/workflows", "/v1/jobs"),
    terms=Terms(surface="dispatch", media_types=frozenset(), max_bytes=0, is_public=False),
    routes=routes,
    render_error=figur.render_error,
    render_invalid=figur.render_invalid,
)

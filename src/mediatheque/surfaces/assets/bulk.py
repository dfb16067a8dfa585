"""What is about all or many assets at once: usage statistics and batch deletion (contract, 2.4)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response

from mediatheque.core.library import Library
from mediatheque.errors import Invalid
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.shapes import COMMIT_MESSAGE, TERMS, Envelope, Shape, enveloped
from mediatheque.surfaces.http import Door, actor_of, in_thread, scope

MAX_BATCH = 10_000


class BatchDeletion(Shape):
    ids: list[UUID]


class BatchDeleted(Shape):
    requested_count: int
    deleted_count: int
    not_found_ids: list[str]


class ContentTypeUsage(Shape):
    content_type: str
    count: int
    total_bytes: int


class SkillUsage(Shape):
    skill_name: str
    run_count: int


class UsageStats(Shape):
    total_assets: int
    total_bytes: int
    total_derivatives: int
    content_type_breakdown: list[ContentTypeUsage]
    most_active_skill: SkillUsage | None


def routes(library: Library) -> APIRouter:
    """To be included before the routes of single assets, whose ids these paths must not be taken for."""
    router = APIRouter(route_class=Door, prefix="/api/v1/assets", tags=["assets"], responses=ERRORS)

    @router.get("/usage-stats", response_model=Envelope[UsageStats])
    @scope("assets.read")
    async def usage_stats(request: Request) -> Response:
        """Sums over all assets."""
        usage = await in_thread(library.catalogue.usage, actor_of(request))
        types = [
            ContentTypeUsage(content_type=name, count=count, total_bytes=size)
            for name, count, size in usage.media_types
        ]
        skill = SkillUsage(skill_name=usage.skill[0], run_count=usage.skill[1]) if usage.skill else None
        return enveloped(
            UsageStats(
                total_assets=usage.assets,
                total_bytes=usage.size_bytes,
                total_derivatives=usage.derivatives,
                content_type_breakdown=types,
                most_active_skill=skill,
            )
        )

    @router.post("/batch-delete", response_model=Envelope[BatchDeleted])
    @scope("assets.delete")
    async def delete_assets(
        request: Request, body: Annotated[list[UUID] | BatchDeletion | None, Body()] = None
    ) -> Response:
        """Delete several for good; those that are not there are named, not refused."""
        ids = body.ids if isinstance(body, BatchDeletion) else body or []
        if len(ids) > MAX_BATCH:
            raise Invalid(f"At most {MAX_BATCH} ids", field=("ids",))
        missing = await in_thread(
            library.assets.erase_all, actor_of(request), TERMS, ids, commit_message=COMMIT_MESSAGE
        )
        return enveloped(
            BatchDeleted(
                requested_count=len(ids),
                deleted_count=len(ids) - len(missing),
                not_found_ids=[str(uuid) for uuid in missing],
            )
        )

    return router

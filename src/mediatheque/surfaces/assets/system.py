"""`/api/v1/system`: what a console asks before anybody has logged in, and (ours) the audit log (contract, 2.8)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from mediatheque.core.audit import Entry
from mediatheque.core.library import Library
from mediatheque.surfaces.assets.shapes import TERMS, Envelope, ErrorEnvelope, Shape, enveloped, moment
from mediatheque.surfaces.http import OPEN, Door, Porch, actor_of, in_thread, scope

PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1 << 31
_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorEnvelope} for status in (400, 401, 403, 429, 503)}


class Ping(Shape):
    status: str
    timestamp_utc: str


class Bootstrap(Shape):
    api_key_required: bool
    max_upload_size_bytes: int
    allowed_content_types: list[str]


class AuditEntry(Shape):
    """`userId` null: on the command line, or by a stranger at the login."""

    id: int
    action: str
    subject: str | None
    user_id: str | None
    username: str | None
    credential: str | None
    details: dict[str, Any]
    created_at_utc: str


class AuditList(Shape):
    items: list[AuditEntry]
    page: int
    page_size: int
    total: int


def routes(library: Library) -> APIRouter:
    common: dict[str, Any] = {"prefix": "/api/v1/system", "tags": ["system"]}
    open_routes = APIRouter(route_class=Porch, **common)
    own_routes = APIRouter(route_class=Door, responses=_ERRORS, **common)

    @open_routes.get("/ping", response_model=Envelope[Ping], openapi_extra=OPEN)
    async def ping() -> Response:
        """The server answers."""
        return enveloped(Ping(status="ok", timestamp_utc=moment(datetime.now(UTC))))

    @open_routes.get("/bootstrap", response_model=Envelope[Bootstrap], openapi_extra=OPEN)
    async def bootstrap() -> Response:
        """What a console needs to know first."""
        return enveloped(
            Bootstrap(
                api_key_required=True,
                max_upload_size_bytes=TERMS.max_bytes,
                allowed_content_types=sorted(TERMS.media_types),
            )
        )

    @own_routes.get("/audit", response_model=Envelope[AuditList])
    @scope("settings.read")
    async def audit_log(
        request: Request, page: int = 1, page_size: Annotated[int, Query(alias="pageSize")] = PAGE_SIZE
    ) -> Response:
        """Who changed what, newest first."""
        page = min(max(page, 1), MAX_PAGE)
        page_size = min(page_size, MAX_PAGE_SIZE) if page_size > 0 else PAGE_SIZE
        found = await in_thread(library.audit.page, actor_of(request), page=page, page_size=page_size)
        items = [_entry(it) for it in found.entries]
        return enveloped(AuditList(items=items, page=page, page_size=page_size, total=found.total))

    router = APIRouter()
    router.include_router(open_routes)
    router.include_router(own_routes)
    return router


def _entry(it: Entry) -> AuditEntry:
    return AuditEntry(
        id=it.id,
        action=it.action,
        subject=it.subject,
        user_id=str(it.user_uuid) if it.user_uuid else None,
        username=it.user_name,
        credential=it.credential,
        details=it.details,
        created_at_utc=moment(it.created_at),
    )

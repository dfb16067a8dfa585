"""`/api/v2/webhooks`: addresses of the tenant's own that are told what happens; a route of ours (docs/webhooks.md)."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from mediatheque.core.events import Topic
from mediatheque.core.library import Library
from mediatheque.core.webhooks import Delivery, Webhook
from mediatheque.surfaces.files.errors import ERRORS
from mediatheque.surfaces.files.listing import MAX_OFFSET
from mediatheque.surfaces.files.shapes import moment
from mediatheque.surfaces.http import Door, actor_of, in_thread, json_response, scope

MAX_PAGE = 100


class WebhookObject(BaseModel):
    id: str
    url: str
    description: str | None
    events: list[Topic]
    is_active: bool
    disabled_reason: str | None
    failures: int
    last_success_at: str | None
    last_failure_at: str | None
    created_at: str
    updated_at: str


class WebhookWithSecret(WebhookObject):
    """The secret is shown this once."""

    secret: str


class WebhookList(BaseModel):
    webhooks: list[WebhookObject]


class NewWebhook(BaseModel):
    """Without `events` it is told of all of them."""

    url: str
    events: list[str] | None = None
    description: str | None = None
    is_active: bool = True


class WebhookChange(BaseModel):
    """Omitted: unchanged."""

    url: str | None = None
    events: list[str] | None = None
    description: str | None = None
    is_active: bool | None = None


class DeliveryObject(BaseModel):
    """`status`: `pending`, `delivered`, `failed`; `response_status` null: no answer came."""

    id: str
    event_id: str
    event: str
    status: str
    attempts: int
    response_status: int | None
    error: str | None
    duration_ms: int | None
    payload: dict[str, Any]
    created_at: str
    attempted_at: str | None
    next_attempt_at: str | None


class DeliveryList(BaseModel):
    deliveries: list[DeliveryObject]
    total_count: int
    has_more: bool


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix="/api/v2/webhooks", tags=["webhooks"], responses=ERRORS)
    hooks = library.webhooks

    @router.get("", response_model=WebhookList)
    @scope("settings.read")
    async def list_webhooks(request: Request) -> Response:
        """The tenant's webhooks, oldest first."""
        found = await in_thread(hooks.all, actor_of(request))
        return json_response(WebhookList(webhooks=[WebhookObject(**_shape(it)) for it in found]))

    @router.post("", response_model=WebhookWithSecret, status_code=201)
    @scope("settings.update")
    async def create_webhook(request: Request, body: NewWebhook) -> Response:
        """Have an address told of what happens, from now on."""
        it, secret = await in_thread(hooks.create, actor_of(request), body.model_dump(exclude_none=True))
        answer = json_response(WebhookWithSecret(**_shape(it), secret=secret), 201)
        answer.headers["Location"] = f"/api/v2/webhooks/{it.uuid}"
        return answer

    @router.get("/{webhook_id}", response_model=WebhookObject)
    @scope("settings.read")
    async def get_webhook(request: Request, webhook_id: UUID) -> Response:
        """One webhook, without its secret."""
        return json_response(WebhookObject(**_shape(await in_thread(hooks.get, actor_of(request), webhook_id))))

    @router.patch("/{webhook_id}", response_model=WebhookObject)
    @scope("settings.update")
    async def change_webhook(request: Request, webhook_id: UUID, body: WebhookChange) -> Response:
        """Change what is named; what was disabled goes on where it was when it is active again."""
        given = {name: value for name, value in body.model_dump(exclude_unset=True).items()
                 if value is not None or name == "description"}  # fmt: skip
        return json_response(
            WebhookObject(**_shape(await in_thread(hooks.change, actor_of(request), webhook_id, given)))
        )

    @router.delete("/{webhook_id}", status_code=204)
    @scope("settings.update")
    async def delete_webhook(request: Request, webhook_id: UUID) -> Response:
        """Tell it nothing more, and forget its log."""
        await in_thread(hooks.delete, actor_of(request), webhook_id)
        return Response(status_code=204)

    @router.post("/{webhook_id}/secret", response_model=WebhookWithSecret)
    @scope("settings.update")
    async def rotate_webhook_secret(request: Request, webhook_id: UUID) -> Response:
        """A new secret; for a day the former one signs beside it."""
        it, secret = await in_thread(hooks.rotate, actor_of(request), webhook_id)
        return json_response(WebhookWithSecret(**_shape(it), secret=secret))

    @router.post("/{webhook_id}/test", response_model=DeliveryObject)
    @scope("settings.update")
    async def try_webhook(request: Request, webhook_id: UUID) -> Response:
        """Deliver a `webhook.test` now, and tell what came of it."""
        return json_response(_delivery(await in_thread(hooks.test, actor_of(request), webhook_id)))

    @router.get("/{webhook_id}/deliveries", response_model=DeliveryList)
    @scope("settings.read")
    async def list_webhook_deliveries(
        request: Request,
        webhook_id: UUID,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    ) -> Response:
        """What was delivered, or could not be, within the last week; newest first."""
        page = await in_thread(hooks.deliveries, actor_of(request), webhook_id, skip=offset, limit=limit)
        shown = [_delivery(it) for it in page.deliveries]
        return json_response(
            DeliveryList(deliveries=shown, total_count=page.total, has_more=offset + len(shown) < page.total)
        )

    @router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", response_model=DeliveryObject, status_code=202)
    @scope("settings.update")
    async def redeliver(request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Deliver the same event again, under the same id."""
        made = await in_thread(hooks.redeliver, actor_of(request), webhook_id, delivery_id)
        return json_response(_delivery(made), 202)

    return router


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None


def _shape(it: Webhook) -> dict[str, Any]:
    return {
        "id": str(it.uuid), "url": it.url, "description": it.description, "events": list(it.events),
        "is_active": it.is_active, "disabled_reason": it.disabled_reason, "failures": it.failures,
        "last_success_at": _moment(it.last_success_at),
        "last_failure_at": _moment(it.last_failure_at),
        "created_at": moment(it.created_at), "updated_at": moment(it.updated_at),
    }  # fmt: skip


def _delivery(it: Delivery) -> DeliveryObject:
    return DeliveryObject(
        id=str(it.uuid), event_id=f"evt-{it.event_uuid}", event=it.kind, status=it.state, attempts=it.attempts,
        response_status=it.status, error=it.error, duration_ms=it.duration_ms, payload=json.loads(it.body),
        created_at=moment(it.created_at), attempted_at=_moment(it.attempted_at),
        next_attempt_at=_moment(it.next_attempt_at),
    )  # fmt: skip

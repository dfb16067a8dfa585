"""`/api/v1/system/ai/providers` (contract, 2.7)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from pydantic import StrictBool

from mediatheque.core.library import Library
from mediatheque.model import Provider
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.shapes import Envelope, Shape, below, enveloped, moment, to_uuid
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, scope

ROOT = "/api/v1/system/ai/providers"


class ProviderShape(Shape):
    """`api_key` is masked."""

    id: str
    name: str
    api_base_url: str
    api_key: str
    model_name: str
    default_system_prompt: str
    is_active: bool
    created_at_utc: str
    updated_at_utc: str


class ProviderBody(Shape):
    name: str | None = None
    api_base_url: str | None = None
    api_key: str | None = None
    model_name: str | None = None
    default_system_prompt: str | None = None
    is_active: StrictBool | None = None


class ProviderTest(Shape):
    profile_id: UUID | None = None
    api_base_url: str | None = None
    api_key: str | None = None
    model_name: str | None = None
    default_system_prompt: str | None = None


class ProviderTestResult(Shape):
    succeeded: bool
    caption: str | None
    resolved_model_name: str
    resolved_api_base_url: str
    error_message: str | None


class ProviderDeleted(Shape):
    id: str
    was_active: bool
    status: str
    deleted_at_utc: str


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, prefix=ROOT, tags=["providers"], responses=ERRORS)

    @router.get("", response_model=Envelope[list[ProviderShape]])
    @scope("aiProviders.read")
    async def list_providers(request: Request) -> Response:
        """The tenant's AI providers: the active one first, then by name."""
        return enveloped([_shape(it) for it in await in_thread(library.providers.all, actor_of(request))])

    @router.get("/active", response_model=Envelope[ProviderShape | None])
    @scope("aiProviders.read")
    async def active_provider(request: Request) -> Response:
        """The one that is asked; null when the operator's endpoint or the built-in describer is."""
        it = await in_thread(library.providers.active, actor_of(request))
        return enveloped(_shape(it) if it else None)

    @router.post("", status_code=201, response_model=Envelope[ProviderShape])
    @scope("aiProviders.create")
    @creating(below(ROOT))
    async def create_provider(request: Request, body: ProviderBody) -> Response:
        """Keep a provider; the first one is active unless it says otherwise."""
        made = await in_thread(library.providers.create, actor_of(request), _given(body))
        return enveloped(_shape(made), 201)

    @router.post("/test", response_model=Envelope[ProviderTestResult])
    @scope("aiProviders.update")
    async def test_provider(request: Request, body: Annotated[ProviderTest | None, Body()] = None) -> Response:
        """Ask for one caption; trouble with the provider is told in the answer."""
        given = _given(body or ProviderTest())
        profile = given.pop("profile_id", None)
        tested = await in_thread(library.providers.test, actor_of(request), profile, given)
        return enveloped(
            ProviderTestResult(
                succeeded=tested.error is None,
                caption=tested.caption,
                resolved_model_name=tested.model_name,
                resolved_api_base_url=tested.api_base_url,
                error_message=tested.error,
            )
        )

    @router.patch("/{provider_id}", response_model=Envelope[ProviderShape])
    @scope("aiProviders.update")
    async def change_provider(request: Request, provider_id: str, body: ProviderBody) -> Response:
        """Change what is named; a blank key leaves the kept one."""
        changed = await in_thread(library.providers.change, actor_of(request), _uuid(provider_id), _given(body))
        return enveloped(_shape(changed))

    @router.delete("/{provider_id}", response_model=Envelope[ProviderDeleted])
    @scope("aiProviders.delete")
    async def delete_provider(request: Request, provider_id: str) -> Response:
        """Forget a provider and its key."""
        gone = await in_thread(library.providers.delete, actor_of(request), _uuid(provider_id))
        return enveloped(
            ProviderDeleted(
                id=str(gone.uuid), was_active=gone.was_active, status="deleted", deleted_at_utc=moment(gone.deleted_at)
            )
        )

    return router


def _given(body: ProviderBody | ProviderTest) -> dict[str, Any]:
    given = body.model_dump(exclude_unset=True)
    if "default_system_prompt" in given:
        given["system_prompt"] = given.pop("default_system_prompt")
    return given


def _uuid(text: str) -> UUID:
    return to_uuid(text, "AI provider not found", "provider")


def _shape(it: Provider) -> ProviderShape:
    return ProviderShape(
        id=str(it.uuid),
        name=it.name,
        api_base_url=it.api_base_url,
        api_key=it.masked_key,
        model_name=it.model_name,
        default_system_prompt=it.system_prompt,
        is_active=it.is_active,
        created_at_utc=moment(it.created_at),
        updated_at_utc=moment(it.updated_at),
    )

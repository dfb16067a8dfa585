"""`/api/v1/system/storage`: storage profiles, and the files of a GitHub repository (contract, 2.6)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic.alias_generators import to_snake

from mediatheque.core.library import Library
from mediatheque.core.profiles import Profiles
from mediatheque.errors import Invalid
from mediatheque.ports import Entry
from mediatheque.surfaces.assets.documents import ERRORS
from mediatheque.surfaces.assets.shapes import Envelope, below, enveloped, to_uuid
from mediatheque.surfaces.assets.storage_shapes import (
    FileDraft,
    Listing,
    OverviewShape,
    ProfileChange,
    ProfileDraft,
    ProfileShape,
    RemovedShape,
    Trial,
    Written,
    item_shape,
    overview_shape,
    profile_shape,
    removed_shape,
    trial_shape,
    visibility_shape,
)
from mediatheque.surfaces.http import Door, actor_of, creating, in_thread, scope

ROOT = "/api/v1/system/storage/providers"
MAX_DEPTH = 10
MAX_PAGE_SIZE = 200

_SPELLINGS = {"repo": "repository", "ref": "reference", "bucket_or_container": "bucket"}
"""This dialect's names of settings where they are not core's own in camelCase."""


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["storage"], responses=ERRORS)
    profiles = library.profiles

    @router.get(ROOT, response_model=Envelope[OverviewShape])
    @scope("providers.read")
    async def list_profiles(request: Request) -> Response:
        """The tenant's storage profiles beside the server's own storage."""
        return enveloped(overview_shape(await in_thread(profiles.overview, actor_of(request))))

    @router.post(ROOT, status_code=201, response_model=Envelope[ProfileShape])
    @scope("providers.create")
    @creating(below(ROOT))
    async def create_profile(request: Request, draft: ProfileDraft) -> Response:
        """Make a profile of type `local`, `s3` or `github-repo`."""
        shown = await in_thread(
            profiles.create, actor_of(request), name=draft.name, display_name=draft.display_name,
            provider_type=draft.provider_type, is_enabled=draft.is_enabled, is_default=draft.is_default,
            configuration=_settings(draft.configuration, "configuration"),
            secrets=_settings(draft.secret_configuration, "secret_configuration"),
        )  # fmt: skip
        return enveloped(profile_shape(shown), 201)

    @router.patch(f"{ROOT}/{{profile_id}}", response_model=Envelope[ProfileShape])
    @scope("providers.update")
    async def change_profile(request: Request, profile_id: str, change: ProfileChange) -> Response:
        """Change what is named; settings and secrets are laid over those that are there."""
        changes = change.model_dump(exclude_unset=True)
        secrets = changes.pop("secret_configuration", None)
        if "configuration" in changes:
            changes["configuration"] = _settings(changes["configuration"], "configuration")
        if secrets is not None:
            changes["secrets"] = _settings(secrets, "secret_configuration")
        return enveloped(profile_shape(await in_thread(profiles.change, actor_of(request), _id(profile_id), changes)))

    @router.delete(f"{ROOT}/{{profile_id}}", response_model=Envelope[RemovedShape])
    @scope("providers.delete")
    async def delete_profile(request: Request, profile_id: str) -> Response:
        """Remove a profile; one that is in use is only disabled."""
        return enveloped(removed_shape(await in_thread(profiles.remove, actor_of(request), _id(profile_id))))

    @router.post(f"{ROOT}/{{profile_id}}/set-default", response_model=Envelope[ProfileShape])
    @scope("settings.update")
    async def set_default_profile(request: Request, profile_id: str) -> Response:
        """Make it the place of every upload that names none."""
        return enveloped(profile_shape(await in_thread(profiles.set_default, actor_of(request), _id(profile_id))))

    @router.post(f"{ROOT}/{{profile_id}}/test", response_model=Envelope[Trial])
    @scope("providers.update")
    async def test_profile(request: Request, profile_id: str) -> Response:
        """Try the profile and tell what is wrong with it."""
        return enveloped(trial_shape(await in_thread(profiles.test, actor_of(request), _id(profile_id))))

    _repository_routes(router, profiles)
    return router


def _repository_routes(router: APIRouter, profiles: Profiles) -> None:
    @router.get(f"{ROOT}/{{profile_id}}/github-repo/browse", response_model=Envelope[Listing])
    @scope("providers.read")
    async def browse(
        request: Request,
        profile_id: str,
        path: str = "",
        recursive: bool = False,
        max_depth: Annotated[int, Query(alias="maxDepth")] = 2,
        kind: Annotated[Literal["all", "file", "dir"], Query(alias="type")] = "all",
        keyword: str | None = None,
        page: int = 1,
        page_size: Annotated[int, Query(alias="pageSize")] = 50,
    ) -> Response:
        """Look through the repository of a profile."""
        depth = min(max(max_depth, 1), MAX_DEPTH)
        shown, found = await in_thread(
            profiles.browse, actor_of(request), _id(profile_id), path, depth=depth if recursive else 1
        )
        page, page_size = max(page, 1), min(page_size, MAX_PAGE_SIZE) if page_size > 0 else 50
        wanted = [it for it in found if _is_wanted(it, kind, keyword)]
        items = wanted[(page - 1) * page_size : page * page_size]
        return enveloped(
            Listing(
                profile_id=shown.profile.uuid, requested_path=path, recursive=recursive, max_depth=depth, type=kind,
                keyword=keyword, total=len(wanted), page=page, page_size=page_size,
                has_more=page * page_size < len(wanted),
                items=[item_shape(it) for it in items], **visibility_shape(shown),
            )
        )  # fmt: skip

    @router.post(f"{ROOT}/{{profile_id}}/github-repo/upsert", response_model=Envelope[Written])
    @scope("providers.update")
    @creating()
    async def upsert(request: Request, profile_id: str, draft: FileDraft) -> Response:
        """Write a file of the repository."""
        shown, it, is_new = await in_thread(
            profiles.upsert, actor_of(request), _id(profile_id), path=draft.path, content_base64=draft.content_base64,
            message=draft.commit_message, expected_sha=draft.expected_sha,
        )  # fmt: skip
        return enveloped(
            Written(
                profile_id=shown.profile.uuid, path=it.path, operation="created" if is_new else "updated",
                size=it.size_bytes or 0, sha=it.sha, public_url=it.public_url, **visibility_shape(shown),
            )
        )  # fmt: skip


def _settings(value: Any, field: str) -> dict[str, Any] | None:
    """A client's settings under core's names; None where there are none."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid("An object is needed", field=(field,), kind="invalid").about("profile")
    named = ((to_snake(name), setting) for name, setting in value.items())
    return {_SPELLINGS.get(name, name): setting for name, setting in named}


def _id(profile_id: str) -> UUID:
    return to_uuid(profile_id, "No such storage profile", "profile")


def _is_wanted(it: Entry, kind: str, keyword: str | None) -> bool:
    is_kind = kind == "all" or it.is_folder == (kind == "dir")
    return is_kind and (not keyword or keyword.lower() in it.path.lower())

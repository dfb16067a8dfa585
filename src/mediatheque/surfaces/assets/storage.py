"""`/api/v1/system/storage`: storage profiles, and the files of a GitHub repository (contract, 2.6)."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic.alias_generators import to_camel, to_snake

from mediatheque.core.library import Library
from mediatheque.core.profiles import Check, Overview, Removed, Shown
from mediatheque.errors import Invalid, NotFound
from mediatheque.ports import Capabilities, Entry
from mediatheque.surfaces.assets.shapes import Envelope, Shape, enveloped, moment
from mediatheque.surfaces.http import Door, actor_of, in_thread, scope

ROOT = "/api/v1/system/storage/providers"
MAX_DEPTH = 10
MAX_PAGE_SIZE = 200

_SPELLINGS = {"repo": "repository", "ref": "reference", "bucket_or_container": "bucket"}
"""This dialect's names of settings where they are not core's own in camelCase."""
_SUMMARY = {"bucket": "bucketOrContainer"}
_SUMMARY_KEYS = (
    "providerName", "rootPath", "endpointHost", "bucketOrContainer", "region", "publicBaseUrl", "forcePathStyle",
    "owner", "repository", "reference", "releaseTagMode", "fixedTag", "pathPrefix", "visibilityPolicy", "basePath",
    "assetPathPrefix", "apiBaseUrl", "rawBaseUrl",
)  # fmt: skip
_ALIGNMENT = {
    "missing": ("db_default_profile_missing", "No default profile: uploads go to the configured storage."),
    "disabled": ("db_default_profile_disabled", "The default profile is disabled: uploads that name none are refused."),
    "matches": ("runtime_matches_db_default_provider_type", "The default profile is of the configured storage's type."),
    "differs": ("runtime_differs_from_db_default_provider_type", "The default profile is of another type."),
}


class Abilities(Shape):
    supports_public_read: bool
    supports_private_read: bool
    supports_visibility_toggle: bool
    supports_delete: bool
    supports_direct_public_url: bool
    requires_access_proxy: bool
    recommended_for_primary_storage: bool
    is_platform_backed: bool
    is_experimental: bool
    requires_token_for_private_read: bool


class ProfileShape(Shape):
    id: UUID
    name: str
    display_name: str | None
    provider_type: str
    is_enabled: bool
    is_default: bool
    capabilities: Abilities
    configuration_summary: dict[str, Any]
    created_at_utc: str
    updated_at_utc: str


class Runtime(Shape):
    provider_type: str
    provider_name: str
    capabilities: Abilities
    is_configuration_driven: bool
    matches_default_profile_type: bool


class Alignment(Shape):
    runtime_selection_source: str
    has_default_profile: bool
    is_default_profile_enabled: bool
    provider_type_matches_default_profile: bool
    code: str
    message: str


class OverviewShape(Shape):
    profiles: list[ProfileShape]
    default_profile: ProfileShape | None
    default_write_profile: ProfileShape | None
    runtime: Runtime
    alignment: Alignment


class ProfileDraft(Shape):
    name: str | None = None
    display_name: str | None = None
    provider_type: str | None = None
    is_enabled: bool = True
    is_default: bool = False
    configuration: Any = None
    secret_configuration: Any = None


class ProfileChange(Shape):
    name: str | None = None
    display_name: str | None = None
    is_enabled: bool | None = None
    configuration: Any = None
    secret_configuration: Any = None


class RemovedShape(Shape):
    id: UUID
    was_default: bool
    status: str
    deleted_at_utc: str


class CheckShape(Shape):
    name: str
    succeeded: bool
    message: str | None
    duration_ms: int


class Trial(Shape):
    """`message` is the first problem; null when everything went well."""

    succeeded: bool
    message: str | None
    checks: list[CheckShape]


class Item(Shape):
    name: str
    path: str
    type: str
    is_directory: bool
    is_file: bool
    size: int | None
    sha: str
    public_url: str | None


class Listing(Shape):
    profile_id: UUID
    requested_path: str
    recursive: bool
    max_depth: int
    type: str
    keyword: str | None
    total: int
    page: int
    page_size: int
    has_more: bool
    visibility_policy: str
    uses_controlled_read: bool
    items: list[Item]


class FileDraft(Shape):
    path: str | None = None
    content_base64: str | None = None
    commit_message: str | None = None
    expected_sha: str | None = None


class Written(Shape):
    profile_id: UUID
    path: str
    operation: str
    size: int
    sha: str
    visibility_policy: str
    uses_controlled_read: bool
    public_url: str | None


def routes(library: Library) -> APIRouter:
    router = APIRouter(route_class=Door, tags=["storage"])
    profiles = library.profiles

    @router.get(ROOT, response_model=Envelope[OverviewShape])
    @scope("providers.read")
    async def list_profiles(request: Request) -> Response:
        """The tenant's storage profiles beside the server's own storage."""
        return enveloped(_overview(await in_thread(profiles.overview, actor_of(request))))

    @router.post(ROOT, status_code=201, response_model=Envelope[ProfileShape])
    @scope("providers.create")
    async def create_profile(request: Request, draft: ProfileDraft) -> Response:
        """Make a profile of type `local`, `s3` or `github-repo`."""
        shown = await in_thread(
            profiles.create, actor_of(request), name=draft.name, display_name=draft.display_name,
            provider_type=draft.provider_type, is_enabled=draft.is_enabled, is_default=draft.is_default,
            configuration=_settings(draft.configuration, "configuration"),
            secrets=_settings(draft.secret_configuration, "secret_configuration"),
        )  # fmt: skip
        return enveloped(_profile(shown), 201, {"Location": f"{ROOT}/{shown.profile.uuid}"})

    @router.patch(f"{ROOT}/{{profile_id}}", response_model=Envelope[ProfileShape])
    @scope("providers.update")
    async def change_profile(request: Request, profile_id: str, change: ProfileChange) -> Response:
        """Change what is named; settings and secrets are laid over those that are there."""
        changes = change.model_dump(exclude_unset=True)
        secrets = changes.pop("secret_configuration", None)
        if "configuration" in changes:
            changes["configuration"] = _settings(changes["configuration"], "configuration")
        changes["secrets"] = _settings(secrets, "secret_configuration")
        return enveloped(_profile(await in_thread(profiles.change, actor_of(request), _id(profile_id), changes)))

    @router.delete(f"{ROOT}/{{profile_id}}", response_model=Envelope[RemovedShape])
    @scope("providers.delete")
    async def delete_profile(request: Request, profile_id: str) -> Response:
        """Remove a profile; one that is in use is only disabled."""
        return enveloped(_removed(await in_thread(profiles.remove, actor_of(request), _id(profile_id))))

    @router.post(f"{ROOT}/{{profile_id}}/set-default", response_model=Envelope[ProfileShape])
    @scope("settings.update")
    async def set_default_profile(request: Request, profile_id: str) -> Response:
        """Make it the place of every upload that names none."""
        return enveloped(_profile(await in_thread(profiles.set_default, actor_of(request), _id(profile_id))))

    @router.post(f"{ROOT}/{{profile_id}}/test", response_model=Envelope[Trial])
    @scope("providers.update")
    async def test_profile(request: Request, profile_id: str) -> Response:
        """Try the profile and tell what is wrong with it."""
        return enveloped(_trial(await in_thread(profiles.test, actor_of(request), _id(profile_id))))

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
                has_more=page * page_size < len(wanted), items=[_item(it) for it in items], **_visibility(shown),
            )
        )  # fmt: skip

    @router.post(f"{ROOT}/{{profile_id}}/github-repo/upsert", response_model=Envelope[Written])
    @scope("providers.update")
    async def upsert(request: Request, profile_id: str, draft: FileDraft) -> Response:
        """Write a file of the repository."""
        shown, it, is_new = await in_thread(
            profiles.upsert, actor_of(request), _id(profile_id), path=draft.path, content_base64=draft.content_base64,
            message=draft.commit_message, expected_sha=draft.expected_sha,
        )  # fmt: skip
        return enveloped(
            Written(
                profile_id=shown.profile.uuid, path=it.path, operation="created" if is_new else "updated",
                size=it.size_bytes or 0, sha=it.sha, public_url=it.public_url, **_visibility(shown),
            )
        )  # fmt: skip

    return router


def _settings(value: Any, field: str) -> dict[str, Any] | None:
    """A client's settings under core's names; None where there are none."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid("An object is needed", field=(field,), kind="invalid").about("profile")
    named = ((to_snake(name), setting) for name, setting in value.items())
    return {_SPELLINGS.get(name, name): setting for name, setting in named}


def _id(profile_id: str) -> UUID:
    try:
        return UUID(profile_id)
    except ValueError:
        raise NotFound("No such storage profile").about("profile") from None


def _overview(found: Overview) -> OverviewShape:
    default = _profile(found.default) if found.default else None
    code, message = _ALIGNMENT[found.alignment]
    is_enabled = bool(default and default.is_enabled)
    matches = bool(found.default and found.default.kind == found.runtime_kind)
    return OverviewShape(
        profiles=[_profile(it) for it in found.profiles],
        default_profile=default,
        default_write_profile=default if is_enabled else None,
        runtime=Runtime(
            provider_type=found.runtime_kind,
            provider_name=found.runtime_kind,
            capabilities=_abilities(found.runtime_capabilities),
            is_configuration_driven=True,
            matches_default_profile_type=matches,
        ),
        alignment=Alignment(
            runtime_selection_source="configuration",
            has_default_profile=default is not None,
            is_default_profile_enabled=is_enabled,
            provider_type_matches_default_profile=matches,
            code=code,
            message=message,
        ),
    )


def _profile(shown: Shown) -> ProfileShape:
    it = shown.profile
    return ProfileShape(
        id=it.uuid,
        name=it.name,
        display_name=it.display_name,
        provider_type=it.provider_type,
        is_enabled=it.is_enabled,
        is_default=it.is_default,
        capabilities=_abilities(shown.capabilities),
        configuration_summary=_summary(shown),
        created_at_utc=moment(it.created_at),
        updated_at_utc=moment(it.updated_at),
    )


def _summary(shown: Shown) -> dict[str, Any]:
    """Every key of the contract, null where the provider has none; of an endpoint only the host."""
    known = {_SUMMARY.get(name, to_camel(name)): value for name, value in shown.configuration.items()}
    known.setdefault("providerName", shown.kind)
    if "endpoint" in known:
        known["endpointHost"] = urlsplit(known["endpoint"]).netloc
    return {key: known.get(key) for key in _SUMMARY_KEYS}


def _abilities(capabilities: Capabilities) -> Abilities:
    return Abilities(**{name: getattr(capabilities, name) for name in Abilities.model_fields})


def _removed(removed: Removed) -> RemovedShape:
    return RemovedShape(
        id=removed.uuid,
        was_default=removed.was_default,
        status="deleted" if removed.is_gone else "disabled",
        deleted_at_utc=moment(removed.removed_at),
    )


def _trial(checks: list[Check]) -> Trial:
    problem = next((it.problem for it in checks if it.problem), None)
    shapes = [
        CheckShape(name=it.name, succeeded=it.problem is None, message=it.problem, duration_ms=it.duration_ms)
        for it in checks
    ]
    return Trial(succeeded=problem is None, message=problem, checks=shapes)


def _is_wanted(it: Entry, kind: str, keyword: str | None) -> bool:
    is_kind = kind == "all" or it.is_folder == (kind == "dir")
    return is_kind and (not keyword or keyword.lower() in it.path.lower())


def _item(it: Entry) -> Item:
    return Item(
        name=it.name,
        path=it.path,
        type="dir" if it.is_folder else "file",
        is_directory=it.is_folder,
        is_file=not it.is_folder,
        size=it.size_bytes,
        sha=it.sha,
        public_url=it.public_url,
    )


def _visibility(shown: Shown) -> dict[str, Any]:
    policy = shown.configuration.get("visibility_policy")
    return {"visibility_policy": policy, "uses_controlled_read": policy == "private-token"}

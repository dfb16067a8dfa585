"""Bodies of the routes of storage profiles, and how core's answers become them (contract, 2.6)."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic.alias_generators import to_camel

from mediatheque.core.profiles import Check, Overview, Removed, Shown
from mediatheque.ports import Capabilities, Entry
from mediatheque.surfaces.assets.shapes import Shape, moment

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
    "differs": ("runtime_mismatches_db_default_provider_type", "The default profile is of another type."),
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


def overview_shape(found: Overview) -> OverviewShape:
    default = profile_shape(found.default) if found.default else None
    code, message = _ALIGNMENT[found.alignment]
    is_enabled = bool(default and default.is_enabled)
    matches = bool(found.default and found.default.kind == found.runtime_kind)
    return OverviewShape(
        profiles=[profile_shape(it) for it in found.profiles],
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


def profile_shape(shown: Shown) -> ProfileShape:
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
    known["pathPrefix"] = known.get("basePath")
    if "endpoint" in known:
        known["endpointHost"] = urlsplit(known["endpoint"]).netloc
    return {key: known.get(key) for key in _SUMMARY_KEYS}


def _abilities(capabilities: Capabilities) -> Abilities:
    return Abilities(**{name: getattr(capabilities, name) for name in Abilities.model_fields})


def removed_shape(removed: Removed) -> RemovedShape:
    return RemovedShape(
        id=removed.uuid,
        was_default=removed.was_default,
        status="deleted" if removed.is_gone else "disabled",
        deleted_at_utc=moment(removed.removed_at),
    )


def trial_shape(checks: list[Check]) -> Trial:
    problem = next((it.problem for it in checks if it.problem), None)
    shapes = [
        CheckShape(name=it.name, succeeded=it.problem is None, message=it.problem, duration_ms=it.duration_ms)
        for it in checks
    ]
    return Trial(succeeded=problem is None, message=problem, checks=shapes)


def item_shape(it: Entry) -> Item:
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


def visibility_shape(shown: Shown) -> dict[str, Any]:
    policy = shown.configuration.get("visibility_policy")
    return {"visibility_policy": policy, "uses_controlled_read": policy == "private-token"}

"""Storage profiles: a tenant's own places for bytes, made, changed, tried and removed (contract, 2.6)."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from mediatheque.core import audit, names
from mediatheque.core.endpoints import origin
from mediatheque.core.stores import Stores
from mediatheque.errors import Invalid, LibraryError, NotFound, Unavailable
from mediatheque.model import Actor, Profile
from mediatheque.ports import Capabilities, Entry, Repository
from mediatheque.records import profiles
from mediatheque.records.engine import Database, Duplicate, Tx

MAX_NAME_CHARS = 255

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile as it may be shown: with its store's kind and abilities, without secrets."""

    profile: Profile
    kind: str
    capabilities: Capabilities
    configuration: Mapping[str, Any]
    """With the provider's defaults."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A tenant's profiles beside the server's own store. `alignment` says how the two stand to each other."""

    profiles: list[Shown]
    default: Shown | None
    runtime_kind: str
    runtime_capabilities: Capabilities
    alignment: str


@dataclass(frozen=True, slots=True)
class Removed:
    """`is_gone` False: bytes lie there, so the profile is only disabled."""

    uuid: UUID
    was_default: bool
    is_gone: bool
    removed_at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried; `problem` None when it went well."""

    name: str
    problem: str | None
    duration_ms: int


class Profiles:
    def __init__(self, database: Database, stores: Stores) -> None:
        self._database = database
        self._stores = stores

    def overview(self, actor: Actor) -> Overview:
        with self._database.read() as tx:
            shown = [self._shown(it) for it in profiles.of_tenant(tx, actor.tenant_id)]
        default = next((it for it in shown if it.profile.is_default), None)
        kind = self._stores.primary_kind
        return Overview(shown, default, kind, self._stores.primary_capabilities, _alignment(default, kind))

    def targets(self, actor: Actor) -> tuple[list[Profile], str | None]:
        """The profiles that take uploads, and the kind of the server's own store where that is the default."""
        with self._database.read() as tx:
            found = profiles.of_tenant(tx, actor.tenant_id)
        own = None if any(it.is_default for it in found) else self._stores.primary_kind
        return [it for it in found if self._stores.takes_uploads(it)], own

    def create(
        self,
        actor: Actor,
        *,
        name: str | None,
        provider_type: str | None,
        configuration: Mapping[str, Any] | None,
        secrets: Mapping[str, Any] | None,
        display_name: str | None = None,
        is_enabled: bool = True,
        is_default: bool = False,
    ) -> Shown:
        """A new profile; raises `Invalid` about the first field that is wrong."""
        if not (provider_type or "").strip():
            raise _invalid("The provider type is required", "provider_type", "missing")
        assert provider_type is not None
        self._stores.provider(provider_type)
        values: dict[str, Any] = {"name": _name(name), "display_name": _display_name(display_name)}
        if is_default and not is_enabled:
            raise _invalid("A default profile must be enabled", "is_default", "requires_enabled")
        if configuration is None:
            raise _invalid("The configuration is required", "configuration", "missing")
        now, uuid = datetime.now(UTC), uuid4()
        values |= {"uuid": uuid, "tenant_id": actor.tenant_id, "created_at": now, "updated_at": now,
                   "provider_type": provider_type.strip().lower(), "is_enabled": is_enabled,
                   "is_default": is_default}  # fmt: skip
        values |= self._configured(actor, provider_type, uuid, configuration, secrets or {})
        with _named(), self._database.write() as tx:
            if is_default:
                profiles.unset_default(tx, actor.tenant_id)
            profiles.add(tx, values)
            audit.note(tx, actor, "storage_profile.created", uuid, name=values["name"])
            return self._shown(_found(tx, actor, uuid))

    def change(self, actor: Actor, uuid: UUID, changes: Mapping[str, Any]) -> Shown:
        """Set what is named: `name`, `display_name`, `is_enabled`, `configuration`, `secrets`.

        The last two are laid over what is there; null clears an entry. Secrets that are sent as they are go to no
        other server than the one they were given for. Raises `NotFound`, `Invalid`.
        """
        with self._database.read() as tx:
            before = _found(tx, actor, uuid)
        values: dict[str, Any] = {}
        if "name" in changes:
            values["name"] = _name(changes["name"])
        if "display_name" in changes:
            values["display_name"] = _display_name(changes["display_name"])
        if changes.get("is_enabled") is not None:
            values["is_enabled"] = changes["is_enabled"]
        if changes.get("configuration") is not None or changes.get("secrets") is not None:
            configuration = {**before.configuration, **(changes.get("configuration") or {})}
            given = {name: value for name, value in (changes.get("secrets") or {}).items() if value != ""}
            secrets = {**self._stores.secrets_of(before), **given}
            values |= self._configured(actor, before.provider_type, uuid, configuration, secrets)
            if not given and self._is_moved(before, values["configuration"]):
                message = "Another address needs the secrets again"
                raise _invalid(message, "secret_configuration", "needed_again")
        with _named(), self._database.write() as tx:
            _found(tx, actor, uuid, for_update=True)
            profiles.change(tx, before.id, values | {"updated_at": datetime.now(UTC)})
            audit.note(tx, actor, "storage_profile.changed", uuid, fields=sorted(changes))
            after = self._shown(_found(tx, actor, uuid))
        self._stores.forget(str(uuid))
        return after

    def remove(self, actor: Actor, uuid: UUID) -> Removed:
        """Remove the profile, or disable it when bytes of the library lie there; raises `NotFound`."""
        now = datetime.now(UTC)
        with self._database.write() as tx:
            it = _found(tx, actor, uuid, for_update=True)
            is_used = profiles.is_used(tx, str(uuid))
            if is_used:
                profiles.change(tx, it.id, {"is_enabled": False, "is_default": False, "updated_at": now})
            else:
                profiles.remove(tx, it.id)
            action = "storage_profile.disabled" if is_used else "storage_profile.deleted"
            audit.note(tx, actor, action, uuid, name=it.name)
        self._stores.forget(str(uuid))
        return Removed(uuid, it.is_default, not is_used, now)

    def set_default(self, actor: Actor, uuid: UUID) -> Shown:
        """Make it the place of every upload that names none; raises `NotFound`, `Invalid` for a disabled one."""
        with self._database.write() as tx:
            it = _found(tx, actor, uuid, for_update=True)
            if not it.is_enabled:
                raise _invalid("A default profile must be enabled", "is_default", "requires_enabled")
            profiles.unset_default(tx, actor.tenant_id)
            profiles.change(tx, it.id, {"is_default": True, "updated_at": datetime.now(UTC)})
            audit.note(tx, actor, "storage_profile.default_set", uuid, name=it.name)
            return self._shown(_found(tx, actor, uuid))

    def test(self, actor: Actor, uuid: UUID) -> list[Check]:
        """Open the profile's store anew and try what the library needs of it; ends at the first problem."""
        with self._database.read() as tx:
            it = _found(tx, actor, uuid)
        store, opening = _tried("configuration", lambda: self._stores.opened_anew(it))
        return [opening] if store is None else [opening, _tried("access", store.check)[1]]

    def repository(self, actor: Actor, uuid: UUID) -> tuple[Shown, Repository]:
        """The profile's store as a repository; raises `NotFound`, and `Invalid` when it is none."""
        with self._database.read() as tx:
            it = _found(tx, actor, uuid)
        try:
            store = self._stores[str(uuid)]
        except Unavailable as error:
            raise error.about("store") from None
        if not isinstance(store, Repository):
            raise _invalid("The profile is no repository", "provider_type", "mismatch")
        return self._shown(it), store

    def browse(self, actor: Actor, uuid: UUID, path: str, *, depth: int) -> tuple[Shown, list[Entry]]:
        """What lies below a folder of the profile's repository; raises `NotFound` about the `folder`."""
        shown, repository = self.repository(actor, uuid)
        try:
            return shown, list(repository.entries(path, depth=depth))
        except NotFound as error:
            raise error.about("folder") from None

    def upsert(
        self,
        actor: Actor,
        uuid: UUID,
        *,
        path: str | None,
        content_base64: str | None,
        message: str | None,
        expected_sha: str | None,
    ) -> tuple[Shown, Entry, bool]:
        """Write a file of the repository and tell whether it is new; raises `Invalid`, `Conflict` about the `file`."""
        shown, repository = self.repository(actor, uuid)
        if not (path or "").strip(" /"):
            raise Invalid("The path is required", field=("path",), kind="missing").about("file")
        if content_base64 is None:
            raise Invalid("The content is required", field=("content",), kind="missing").about("file")
        try:
            content = base64.b64decode("".join(content_base64.split()), validate=True)
        except ValueError:
            raise Invalid("The content is no base64", field=("content",), kind="base64").about("file") from None
        if not content:
            raise Invalid("The content is empty", field=("content",), kind="empty").about("file")
        entry, is_new = repository.replace(path or "", content, message=message, expected_sha=expected_sha)
        return shown, entry, is_new

    def _shown(self, it: Profile) -> Shown:
        provider = self._stores.provider(it.provider_type)
        configuration = provider.configuration.model_construct(**it.configuration).model_dump()
        return Shown(it, provider.kind, provider.capabilities, configuration)

    def _is_moved(self, before: Profile, configuration: Mapping[str, Any]) -> bool:
        """Whether secrets that are kept would be sent to another server."""
        if not before.sealed_secrets:
            return False
        provider = self._stores.provider(before.provider_type)
        defaults = {name: provider.configuration.model_fields[name].default for name in provider.secrets_go_to}
        return any(
            origin(str(configuration.get(name) or default)) != origin(str(before.configuration.get(name) or default))
            for name, default in defaults.items()
        )

    def _configured(
        self, actor: Actor, provider_type: str, uuid: UUID, configuration: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The columns of a configuration that keeps its provider's rules."""
        provider = self._stores.provider(provider_type)
        given = {name: value for name, value in secrets.items() if value not in (None, "")}
        if provider.secrets is None and given:
            raise _invalid("This provider takes no secrets", "secret_configuration", "not_supported")
        opening = self._stores.configured(actor.tenant_id, provider, str(uuid), configuration, given)
        try:
            provider.check(opening)
        except Invalid as error:
            raise error.about("profile") from None
        return {
            "configuration": opening.configuration.model_dump(exclude_unset=True),
            "sealed_secrets": self._stores.sealed(opening.secrets),
        }


def _found(tx: Tx, actor: Actor, uuid: UUID, *, for_update: bool = False) -> Profile:
    it = profiles.profile_with(tx, uuid, actor.tenant_id, for_update=for_update)
    if it is None:
        raise NotFound("No such storage profile").about("profile")
    return it


def _name(value: str | None) -> str:
    if not (value or "").strip():
        raise _invalid("The name is required", "name", "missing")
    try:
        return (names.text(value, "name", MAX_NAME_CHARS) or "").strip()
    except Invalid as error:
        raise error.about("profile") from None


def _display_name(value: str | None) -> str | None:
    try:
        return (names.text(value, "display_name", MAX_NAME_CHARS) or "").strip() or None
    except Invalid as error:
        raise error.about("profile") from None


@contextmanager
def _named() -> Iterator[None]:
    """Tell of another profile with the same name."""
    try:
        yield
    except Duplicate:
        raise _invalid("Another profile has this name", "name", "conflict") from None


def _tried(name: str, act: Callable[[], Result]) -> tuple[Result | None, Check]:
    started = time.monotonic()
    result, problem = None, None
    try:
        result = act()
    except LibraryError as error:
        problem = error.message
    return result, Check(name, problem, round((time.monotonic() - started) * 1000))


def _alignment(default: Shown | None, runtime_kind: str) -> str:
    if default is None:
        return "missing"
    if not default.profile.is_enabled:
        return "disabled"
    return "matches" if default.kind == runtime_kind else "differs"


def _invalid(message: str, field: str, kind: str) -> Invalid:
    return Invalid(message, field=(field,), kind=kind).about("profile")

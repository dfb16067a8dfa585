"""Every place where bytes lie, by the name that rows give it: the server's own, and tenants' profiles as needed."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from mediatheque.core import names
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.markers import mark
from mediatheque.core.sealing import Sealer
from mediatheque.errors import Invalid, NotFound, Unavailable
from mediatheque.model import Actor, Profile
from mediatheque.ports import Capabilities, Opening, Provider, Site, Store, StoreType
from mediatheque.records import profiles
from mediatheque.records.engine import Database

FRESH_SECONDS = 1.0
"""How long an opened profile is used before its row is looked at again: what another process changes shows then."""


@dataclass(slots=True)
class _Opened:
    store: Store
    profile: Profile
    tenant_uuid: UUID
    looked_at: float


class Stores(Mapping[str, Store]):
    """`local` or `s3` is the server's own store, a UUID a tenant's profile, opened when first asked for.

    Asking for a profile's store that cannot be opened raises `Unavailable`.
    """

    def __init__(
        self,
        database: Database,
        types: Sequence[StoreType],
        primary: Store,
        site: Site,
        sealer: Sealer,
        endpoints: Endpoints,
    ) -> None:
        self._database = database
        self.primary = primary
        self._site = site
        self._sealer = sealer
        self._endpoints = endpoints
        self._providers = [it.provider for it in types if it.provider is not None]
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Store:
        return self.primary if name == self.primary.name else self._known(name).store

    def __iter__(self) -> Iterator[str]:
        yield self.primary.name
        with self._database.read() as tx:
            found = profiles.everybodys(tx)
        yield from (str(uuid) for uuid in found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def folders_of(self, name: str) -> Sequence[str]:
        """Prefixes below which everything is ours; a place that others use too holds more than that."""
        if name != self.primary.name:
            known = self._known(name)
            return [f"{known.store.key_prefix}{family}/{known.tenant_uuid}/" for family in ("uploads", "variants")]
        return [""] if self.primary.name == "local" else ["uploads/", "variants/", "arrivals/"]

    def for_upload(self, actor: Actor, profile_id: UUID | None) -> tuple[str, Store]:
        """Where an upload goes: the profile that is named, else the tenant's default, else the server's own store.

        Raises `NotFound` and `Invalid` (`disabled`, `not_writable`) about the profile, and `Unavailable`.
        """
        with self._database.read() as tx:
            if profile_id is None:
                found = profiles.default_of(tx, actor.tenant_id)
                if found is None:
                    return self.primary.name, self.primary
            else:
                found = profiles.profile_with(tx, profile_id, actor.tenant_id)
        if found is None:
            raise NotFound("No such storage profile").about("profile")
        if not found.is_enabled:
            kind = "disabled" if profile_id else "default_disabled"
            raise Invalid("The storage profile is disabled", field=("profile",), kind=kind).about("profile")
        if not self.provider(found.provider_type).can_write(self._opening(found)):
            raise Invalid("The profile has no token to write with", field=("profile",), kind="not_writable").about(
                "profile"
            )
        return str(found.uuid), self._known(str(found.uuid)).store

    def takes_uploads(self, profile: Profile) -> bool:
        """Whether uploads that name this profile are not refused for its sake."""
        if not profile.is_enabled:
            return False
        try:
            return self.provider(profile.provider_type).can_write(self._opening(profile))
        except (Invalid, Unavailable):
            return False

    def for_variants(self, name: str) -> Store:
        """Where what is derived from a blob goes: beside it, or to the server's own store when that is no primary."""
        if name == self.primary.name:
            return self.primary
        known = self._known(name)
        suited = self.provider(known.profile.provider_type).capabilities.recommended_for_primary_storage
        return known.store if suited else self.primary

    def described(self, name: str) -> tuple[str, UUID | None]:
        """Kind of the store and the profile behind it, for those who show where an asset lies."""
        if name == self.primary.name:
            return self.primary_kind, None
        return self.provider(self._known(name).profile.provider_type).kind, UUID(name)

    def public_url(self, name: str, key: str) -> str | None:
        """Where anybody can read the object without us, when its profile was configured so (decisions 5)."""
        return None if name == self.primary.name else self[name].public_url(key)

    @property
    def primary_kind(self) -> str:
        return self.primary.name

    @property
    def primary_capabilities(self) -> Capabilities:
        known = (it.capabilities for it in self._providers if it.kind == self.primary.name)
        return next(known, Capabilities(requires_access_proxy=True, recommended_for_primary_storage=True))

    def provider(self, kind: str) -> Provider:
        """The provider of that name or alias; raises `Invalid`."""
        for it in self._providers:
            if kind.strip().lower() in {it.kind, *it.aliases}:
                return it
        raise Invalid("Unknown provider type", field=("provider_type",), kind="unsupported").about("profile")

    def configured(
        self,
        tenant_id: int,
        provider: Provider,
        name: str,
        configuration: Mapping[str, Any],
        secrets: Mapping[str, Any],
    ) -> Opening:
        """A configuration held against its schema and rules; raises `Invalid` with the field that is wrong."""
        return Opening(
            name,
            _valid(provider.configuration, configuration),
            _valid(provider.secrets, secrets) if provider.secrets else None,
            self._site,
            self._endpoints.reach(tenant_id),
        )

    def opened_anew(self, profile: Profile) -> Store:
        """A store of its own for this profile as it is now; raises `Invalid`, `Unavailable`."""
        store = self.provider(profile.provider_type).open(self._opening(profile))
        mark(self._database, store)
        return store

    def secrets_of(self, profile: Profile) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._sealer.open(profile.sealed_secrets)) if profile.sealed_secrets else {}
        return found

    def sealed(self, secrets: BaseModel | None) -> str | None:
        return None if secrets is None else self._sealer.seal(secrets.model_dump_json(exclude_none=True))

    def _opening(self, profile: Profile) -> Opening:
        provider = self.provider(profile.provider_type)
        return self.configured(
            profile.tenant_id, provider, str(profile.uuid), profile.configuration, self.secrets_of(profile)
        )

    def _known(self, name: str) -> _Opened:
        with self._lock:
            known = self._opened.get(name)
            if known is not None and time.monotonic() - known.looked_at < FRESH_SECONDS:
                return known
        fresh = self._look(name, known)
        with self._lock:
            self._opened[name] = fresh
        return fresh

    def forget(self, name: str) -> None:
        """The profile has changed: look at it again at its next use."""
        with self._lock:
            self._opened.pop(name, None)

    def _look(self, name: str, known: _Opened | None) -> _Opened:
        with self._database.read() as tx:
            found = profiles.any_with(tx, _uuid(name))
        if found is None:
            raise Unavailable(f"The storage profile {name} is gone")
        profile, tenant_uuid = found
        if known is not None and known.profile.updated_at == profile.updated_at:
            return _Opened(known.store, profile, tenant_uuid, time.monotonic())
        try:
            store = self.opened_anew(profile)
        except Invalid as error:
            raise Unavailable(error.message) from error
        return _Opened(store, profile, tenant_uuid, time.monotonic())


def _uuid(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise Unavailable(f"No store is called {name} here") from None


def _valid(schema: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    for field, value in given.items():
        if isinstance(value, str) and not names.is_storable(value):
            raise Invalid("It holds characters that cannot be stored", field=(field,), kind="invalid").about("profile")
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "configuration"
        kind = "missing" if first["type"] == "missing" else "invalid"
        raise Invalid(f"{field}: {first['msg']}", field=(field,), kind=kind).about("profile") from None

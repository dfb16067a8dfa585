"""Where a server's rows and bytes are, as its settings say."""

from collections.abc import Iterable
from typing import Any

from mediatheque.ports import Site, Store
from mediatheque.settings import Settings, SettingsError, setting

_STORE_SETTINGS = {"s3_endpoint", "s3_region", "s3_access_key_id", "s3_secret_access_key"}


def database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data_dir.absolute() / 'mediatheque.db'}"


def storage_url(settings: Settings) -> str:
    return settings.storage_url or (settings.data_dir.absolute() / "objects").as_uri()


def open_store(settings: Settings, providers: Iterable[Any]) -> Store:
    """The server's own store, by the scheme of its URL; raises `SettingsError` for one that no provider has."""
    url = storage_url(settings)
    known = {it.scheme: it.open for it in providers if it.scheme}
    scheme = url.partition("://")[0]
    if scheme not in known:
        raise SettingsError(f"{setting('storage_url', url)}: takes {', '.join(f'{name}://' for name in known)}")
    opened: Store = known[scheme](url, site_of(settings))
    return opened


def site_of(settings: Settings) -> Site:
    options = {name: str(value) for name, value in settings.model_dump(include=_STORE_SETTINGS).items()}
    staging = settings.data_dir.absolute() / "staging" / "files"
    return Site(settings.data_dir.absolute(), staging, settings.local_roots, options)

"""Where the settings say that things lie: the database, the store, and the objects that plug-ins are."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from mediatheque.errors import LibraryError
from mediatheque.ports import Site, Store
from mediatheque.settings import Settings, SettingsError, setting


def load(names: Sequence[str]) -> tuple[Any, ...]:
    """The objects that `module:NAME` strings stand for."""
    pairs = (name.split(":") for name in names)
    return tuple(getattr(importlib.import_module(module), name) for module, name in pairs)


def database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data_dir.absolute() / 'mediatheque.db'}"


def open_store(settings: Settings, plugins: ModuleType) -> Store:
    url = storage_url(settings)
    known = {it.scheme: it.open for it in load(plugins.STORES) if it.scheme}
    scheme = url.partition("://")[0]
    if scheme not in known:
        raise SettingsError(f"{setting('storage_url', url)}: takes {', '.join(f'{name}://' for name in known)}")
    opened: Store = known[scheme](url, site(settings))
    return opened


def site(settings: Settings) -> Site:
    options = {name: str(value) for name, value in settings.model_dump(include=_STORE_SETTINGS).items()}
    staging = settings.data_dir.absolute() / "staging" / "files"
    return Site(settings.data_dir.absolute(), staging, settings.local_roots, options)


_STORE_SETTINGS = {"s3_endpoint", "s3_region", "s3_access_key_id", "s3_secret_access_key"}


def storage_url(settings: Settings) -> str:
    return settings.storage_url or (settings.data_dir.absolute() / "objects").as_uri()


@contextmanager
def told_as(name: str, value: object) -> Iterator[None]:
    """What the file system refuses at start, as a fault of the setting that named the place."""
    try:
        yield
    except (OSError, LibraryError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) else str(error)
        raise SettingsError(f"{setting(name, value)}: {reason}") from error

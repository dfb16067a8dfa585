"""The composition root: the only file that knows every part, and where they are put together."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mediatheque import plugins as installed
from mediatheque.clients.keyset import RemoteKeySet
from mediatheque.core.access import Access
from mediatheque.core.accounts import Accounts, FirstCredentials
from mediatheque.core.assets import Assets
from mediatheque.core.generations import Generations
from mediatheque.core.health import Health
from mediatheque.core.idempotency import Idempotency
from mediatheque.core.library import Library
from mediatheque.core.limiter import Limiter
from mediatheque.core.media import Media
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.probing import Probing
from mediatheque.core.signing import Signer
from mediatheque.core.tokens import OutsideIssuer, Tokens
from mediatheque.decoder import Decoders
from mediatheque.model import Queue
from mediatheque.ports import Store
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
from mediatheque.records.signals import Signals, signals_for
from mediatheque.settings import Settings, SettingsError
from mediatheque.worker import Worker

PROBES = 2
"""Decoder children of one API process."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A library with the parts that its process has to close."""

    library: Library
    database: Database
    decoders: Decoders
    signals: Signals

    def close(self) -> None:
        self.decoders.close()
        self.signals.close()
        self.database.close()


def prepare(settings: Settings) -> FirstCredentials | None:
    """Make the data folder, the secret and the schema; credentials when this is the first start of all."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        _secrets(settings)
    except OSError as error:
        raise SettingsError(f"MEDIATHEQUE_DATA_DIR={str(settings.data_dir)!r}: {error.strerror}") from error
    database = Database(database_url(settings))
    try:
        migrate(database)
        return Accounts(database).first_start(settings.admin_username, settings.admin_password)
    finally:
        database.close()


def open_library(settings: Settings, *, decoders: int, plugins: ModuleType = installed) -> Opened:
    """The library on the configured database and store, with a pool of that many decoder children."""
    database = Database(database_url(settings))
    signals = signals_for(database, settings.data_dir)
    pool = Decoders(decoders, memory_bytes=settings.decoder_memory_mb << 20)
    store = _store(settings, plugins)
    stores = {store.name: store}
    own_secrets = _secrets(settings)
    generations = Generations(settings.data_dir / "generations")
    pipeline = Pipeline(database, stores, plugins.SKILLS, signals)
    library = Library(
        base_url=settings.base_url,
        access=Access(
            database,
            Tokens(own_secrets, _outside(settings)),
            Limiter(settings.rate_limit, settings.redis_url),
            settings.admin_api_key,
        ),
        accounts=Accounts(database),
        assets=Assets(database, store, Probing(plugins.KINDS, pool), pipeline, generations, settings.storage_quota),
        media=Media(database, stores),
        pipeline=pipeline,
        idempotency=Idempotency(database),
        generations=generations,
        signer=Signer(own_secrets),
        health=Health(database, stores, pipeline),
    )
    return Opened(library, database, pool, signals)


def make_worker(opened: Opened, lanes: Sequence[Queue]) -> Worker:
    return Worker(opened.library.pipeline, opened.decoders, opened.signals, lanes)


def database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data_dir.absolute() / 'mediatheque.db'}"


def _store(settings: Settings, plugins: ModuleType) -> Store:
    url = settings.storage_url or (settings.data_dir.absolute() / "objects").as_uri()
    known = {store.scheme: store for store in plugins.STORES}
    scheme = url.partition("://")[0]
    if scheme not in known:
        raise SettingsError(f"MEDIATHEQUE_STORAGE_URL={url!r}: takes {', '.join(f'{name}://' for name in known)}")
    opened: Store = known[scheme].open(url)
    return opened


def _outside(settings: Settings) -> OutsideIssuer | None:
    if not settings.jwks_url:
        return None
    return OutsideIssuer(
        settings.jwt_issuer,
        settings.jwt_audience,
        RemoteKeySet(settings.jwks_url),
        settings.jwt_tenant_claim,
        settings.jwt_role_claim,
    )


def _secrets(settings: Settings) -> tuple[str, ...]:
    """The configured secrets, or those kept in the data folder, made at first start."""
    if settings.secret:
        return tuple(settings.secret.split())
    kept = settings.data_dir / "secret"
    if not kept.exists():
        _keep_secret(kept)
    return tuple(kept.read_text().split())


def _keep_secret(kept: Path) -> None:
    """Whole or not at all, and the first of several processes wins."""
    draft = kept.with_name(f".secret-{os.getpid()}")
    draft.write_text(secrets.token_urlsafe(48) + "\n")
    draft.chmod(0o600)
    try:
        kept.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()

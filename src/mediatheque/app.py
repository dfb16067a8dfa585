"""The composition root: the only file that knows every part, and where they are put together.

Each kind of process imports only what it needs: a worker knows no surface, the command line no framework.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from mediatheque import faults
from mediatheque import plugins as installed
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.generations import Generations
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.sealing import Sealer
from mediatheque.core.stores import Stores
from mediatheque.decoder import Decoders
from mediatheque.errors import Unavailable
from mediatheque.inference import Models
from mediatheque.keyring import own_secrets
from mediatheque.model import Endpoint, Queue, Reach
from mediatheque.places import database_url, load, open_store, site, storage_url, told_as
from mediatheque.ports import Store
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
from mediatheque.records.signals import Signals, signals_for, socket_folder
from mediatheque.settings import Settings, SettingsError, setting

if TYPE_CHECKING:
    from mediatheque.core.accounts import Accounts, FirstCredentials
    from mediatheque.core.arrivals import Arrivals
    from mediatheque.core.describing import Describers
    from mediatheque.core.embedding import Embedder
    from mediatheque.core.fsck import Fsck
    from mediatheque.core.intake import Intake
    from mediatheque.core.library import Library
    from mediatheque.core.quota import Quota
    from mediatheque.core.tokens import OutsideIssuer
    from mediatheque.core.trash import Trash
    from mediatheque.core.work import Equipment
    from mediatheque.surfaces.front import Front
    from mediatheque.worker import Worker

PROBES = 2
"""Decoder children of one API process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every process has: database, store, signals, decoder children and the pipeline over them."""

    settings: Settings
    plugins: ModuleType
    database: Database
    signals: Signals
    decoders: Decoders
    models: Models
    store: Store
    pipeline: Pipeline
    generations: Generations

    def close(self) -> None:
        self.decoders.close()
        self.models.close()
        self.signals.close()
        self.database.close()


def prepare(settings: Settings, plugins: ModuleType = installed) -> "FirstCredentials | None":
    """Make the data folder, the secret, the store and the schema; credentials when this is the first start of all.

    Raises `SettingsError` for what a setting names and is not there.
    """
    from mediatheque.core.accounts import Accounts
    from mediatheque.core.markers import mark

    with told_as("data_dir", settings.data_dir):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=settings.data_dir).close()
        own_secrets(settings)
        faults.place("start.secret")
    with told_as("storage_url", storage_url(settings)):
        store = open_store(settings, plugins)
    database = Database(database_url(settings))
    try:
        migrate(database)
        faults.place("start.migrated")
        with told_as("storage_url", storage_url(settings)):
            if mark(database, store):
                store.check()
        return Accounts(database).first_start(settings.admin_username, settings.admin_password)
    except Unavailable as error:
        raise SettingsError(f"{setting('database_url', database_url(settings))}: it does not answer") from error
    finally:
        database.close()


def open_parts(settings: Settings, *, decoders: int, plugins: ModuleType = installed) -> Parts:
    """The parts on the configured database and store, with a pool of that many decoder children."""
    database = Database(database_url(settings))
    signals = signals_for(database, settings.data_dir)
    store = open_store(settings, plugins)
    pool = Decoders(
        decoders,
        memory_bytes=settings.decoder_memory_mb << 20,
        allowed=_allowed(plugins),
    )
    sealer = Sealer(own_secrets(settings))
    endpoints = Endpoints(database, frozenset(settings.endpoint_allow))
    types = load(plugins.STORES)
    stores = Stores(database, types, store, replace(site(settings), staging=store.staging), sealer, endpoints)
    generations = Generations(settings.data_dir / "generations")
    learns = settings.embedder != "off" and settings.models == "on"
    pipeline = Pipeline(database, stores, load(plugins.SKILLS), signals, generations, learns=learns)
    models = make_models(settings, plugins)
    return Parts(settings, plugins, database, signals, pool, models, store, pipeline, generations)


def make_library(parts: Parts) -> "Library":
    from mediatheque.core.access import DEFAULT_TENANT, Access
    from mediatheque.core.accounts import Accounts
    from mediatheque.core.analysis import Analyses
    from mediatheque.core.assets import Assets
    from mediatheque.core.audit import Audit
    from mediatheque.core.batches import Batches
    from mediatheque.core.catalogue import Catalogue
    from mediatheque.core.dispatch import Dispatch
    from mediatheque.core.documents import Documents
    from mediatheque.core.files import Files
    from mediatheque.core.health import Health
    from mediatheque.core.idempotency import Idempotency
    from mediatheque.core.library import Library
    from mediatheque.core.limiter import Limiter
    from mediatheque.core.media import Media
    from mediatheque.core.presigning import Presigning
    from mediatheque.core.profiles import Profiles
    from mediatheque.core.providers import Providers
    from mediatheque.core.resuming import Resuming
    from mediatheque.core.searching import Searching
    from mediatheque.core.sessions import Sessions
    from mediatheque.core.signing import Signer
    from mediatheque.core.skills import Skills
    from mediatheque.core.tokens import Tokens
    from mediatheque.core.tree import Tree
    from mediatheque.core.users import Users
    from mediatheque.core.workflows import Workflows

    settings, database, stores = parts.settings, parts.database, parts.pipeline.stores
    keys = own_secrets(settings)
    generations = parts.generations
    limiter = Limiter(settings.rate_limit, settings.redis_url)
    tokens = Tokens(keys, _outside(settings))
    assets = Assets(database, parts.pipeline, generations)
    trash = make_trash(parts)
    files = Files(database, parts.pipeline, assets, trash)
    searching = Searching(database, files.portraits, make_embedder(parts))
    intake = make_intake(parts)
    arriving = make_arrivals(parts, intake)
    return Library(
        base_url=settings.base_url,
        access=Access(database, tokens, limiter, settings.admin_api_key),
        accounts=Accounts(database),
        searching=searching,
        analyses=Analyses(database, parts.pipeline, files.portraits),
        documents=Documents(database, files.portraits, searching),
        sessions=Sessions(database, tokens, limiter),
        users=Users(database),
        audit=Audit(database),
        intake=intake,
        presigning=Presigning(database, stores, intake, arriving),
        resuming=Resuming(database, intake, arriving, settings.resumable_bytes),
        batches=Batches(database, intake, arriving, parts.pipeline, settings.batch_files),
        assets=assets,
        catalogue=Catalogue(database, assets, parts.pipeline.planner.listed, settings.gallery_tenant),
        files=files,
        trash=trash,
        tree=Tree(database, files, trash, generations),
        skills=Skills(database, parts.pipeline),
        workflows=Workflows(database),
        dispatch=Dispatch(database, assets, parts.pipeline),
        providers=Providers(database, make_describers(parts), DEFAULT_TENANT),
        media=Media(database, stores),
        pipeline=parts.pipeline,
        stores=stores,
        profiles=Profiles(database, stores),
        idempotency=Idempotency(database),
        generations=generations,
        signer=Signer(keys),
        health=Health(database, parts.store, parts.pipeline),
    )


def make_web(parts: Parts) -> "Front":
    from mediatheque.surfaces.web import web_application

    surfaces = load(parts.plugins.SURFACES)
    return web_application(make_library(parts), surfaces, parts.settings.cors_origins, parts.close)


def make_worker(parts: Parts, lanes: Sequence[Queue]) -> "Worker":
    from mediatheque.core.relearning import Relearning
    from mediatheque.worker import Worker

    return Worker(
        parts.pipeline,
        make_fsck(parts),
        make_trash(parts),
        make_arrivals(parts, make_intake(parts)),
        make_equipment(parts),
        parts.signals,
        lanes,
        Relearning(parts.database, parts.pipeline, make_embedder(parts)),
    )


def make_equipment(parts: Parts) -> "Equipment":
    from mediatheque.core.work import Equipment

    return Equipment(
        parts.decoders,
        parts.models,
        make_describers(parts),
        make_embedder(parts),
        parts.pipeline.recall,
        make_quota(parts),
    )


def make_models(settings: Settings, plugins: ModuleType = installed) -> Models:
    folder = partial(socket_folder, settings.data_dir, "-models")
    return Models(folder, is_on=settings.models == "on", allowed=_allowed(plugins))


def make_describers(parts: Parts) -> "Describers":
    from mediatheque.core.describing import DEFAULT_PROMPT, Describers
    from mediatheque.core.sealing import Sealer

    settings = parts.settings
    default = Endpoint(
        settings.vision_url, settings.vision_api_key, settings.vision_model, Reach(anywhere=True), DEFAULT_PROMPT
    )
    return Describers(
        parts.database,
        Sealer(own_secrets(settings)),
        builtin=load([parts.plugins.DESCRIBER])[0] if settings.describer == "builtin" else None,
        default=default if settings.vision_url else None,
        others=Reach(frozenset(settings.endpoint_allow), https_only=True),
        daily_limit=settings.vision_daily_requests,
        deadline_seconds=settings.vision_timeout_seconds,
    )


def make_embedder(parts: Parts) -> "Embedder":
    from mediatheque.core.embedding import Embedder

    return Embedder(parts.database, parts.models, parts.settings.embedder)


def make_quota(parts: Parts) -> "Quota":
    from mediatheque.core.quota import Quota

    return Quota(parts.database, parts.settings.storage_quota)


def make_fsck(parts: Parts) -> "Fsck":
    from mediatheque.core.fsck import Fsck

    return Fsck(parts.database, parts.pipeline.stores, parts.pipeline, make_arrivals(parts, make_intake(parts)))


def make_intake(parts: Parts) -> "Intake":
    from mediatheque.core.intake import Intake
    from mediatheque.core.probing import Probing

    probing = Probing(load(parts.plugins.KINDS), parts.decoders)
    return Intake(parts.database, parts.pipeline.stores, probing, parts.pipeline, make_quota(parts))


def make_arrivals(parts: Parts, intake: "Intake") -> "Arrivals":
    from mediatheque.core.arrivals import Arrivals
    from mediatheque.core.partials import Partials

    partials = Partials(parts.settings.data_dir.absolute() / "partials")
    return Arrivals(parts.database, parts.pipeline.stores, intake, partials)


def make_trash(parts: Parts) -> "Trash":
    from mediatheque.core.assets import Assets
    from mediatheque.core.trash import Trash

    assets = Assets(parts.database, parts.pipeline, parts.generations)
    kept = timedelta(days=parts.settings.trash_days)
    return Trash(parts.database, parts.pipeline, parts.generations, assets, kept)


def make_accounts(settings: Settings) -> "Accounts":
    """For the command line: accounts alone, on a database that is ready."""
    from mediatheque.core.accounts import Accounts

    prepare(settings)
    return Accounts(Database(database_url(settings)))


def _allowed(plugins: ModuleType) -> tuple[str, ...]:
    """Where functions lie that other processes of ours may be asked to run."""
    return tuple(sorted({f"{name.rpartition('.')[0]}." for name in (*plugins.KINDS, *plugins.SKILLS)}))


def _outside(settings: Settings) -> "OutsideIssuer | None":
    if not settings.jwks_url:
        return None
    from mediatheque.clients.keyset import RemoteKeySet
    from mediatheque.core.tokens import OutsideIssuer

    return OutsideIssuer(
        settings.jwt_issuer,
        settings.jwt_audience,
        RemoteKeySet(settings.jwks_url),
        settings.jwt_tenant_claim,
        settings.jwt_role_claim,
    )

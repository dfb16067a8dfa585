"""The composition root: the only file that knows every part, and where they are put together.

Each kind of process imports only what it needs: a worker knows no surface, the command line no framework.
"""

import importlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mediatheque import faults
from mediatheque import plugins as installed
from mediatheque.core.endpoints import Endpoints
from mediatheque.core.generations import Generations
from mediatheque.core.news import News
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.sealing import Sealer
from mediatheque.core.stores import Stores
from mediatheque.decoder import Decoders
from mediatheque.errors import LibraryError, Unavailable
from mediatheque.keyring import own_secrets
from mediatheque.model import Queue
from mediatheque.outfit import (
    make_crawling,
    make_delivering,
    make_describers,
    make_embedder,
    make_equipment,
    make_erasing,
    make_issuer,
    make_models,
    make_post,
    make_transforms,
)
from mediatheque.parts import Parts
from mediatheque.places import database_url, open_store, site_of, storage_url
from mediatheque.ports import Store
from mediatheque.records.engine import Database
from mediatheque.records.schema import migrate
from mediatheque.records.signals import NEWS, signals_for
from mediatheque.settings import Settings, SettingsError, setting

if TYPE_CHECKING:
    from mediatheque.core.accounts import Accounts, FirstCredentials
    from mediatheque.core.arrivals import Arrivals
    from mediatheque.core.authoring import Authoring
    from mediatheque.core.fsck import Fsck
    from mediatheque.core.intake import Intake
    from mediatheque.core.library import Library
    from mediatheque.core.models import Shelf
    from mediatheque.core.quota import Quota
    from mediatheque.core.trash import Trash
    from mediatheque.surfaces.front import Front
    from mediatheque.worker import Worker

PROBES = 2
"""Decoder children of one API process."""
CRAWLED = frozenset({Queue.ENRICH, Queue.CRAWL})
"""Lanes whose workers crawl, too, and deliver to webhooks."""


def prepare(settings: Settings, plugins: ModuleType = installed) -> "FirstCredentials | None":
    """Make the data folder, the secret, the store and the schema; credentials when this is the first start of all.

    Raises `SettingsError` for what a setting names and is not there.
    """
    from mediatheque.core.accounts import Accounts
    from mediatheque.core.markers import mark

    with _told_as("data_dir", settings.data_dir):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=settings.data_dir).close()
        own_secrets(settings)
        faults.place("start.secret")
    with _told_as("storage_url", storage_url(settings)):
        store = open_store(settings, load(plugins.STORES))
    database = Database(database_url(settings))
    try:
        migrate(database)
        faults.place("start.migrated")
        with _told_as("storage_url", storage_url(settings)):
            if mark(database, store):
                store.check()
        return Accounts(database).first_start(settings.admin_username, settings.admin_password)
    except Unavailable as error:
        raise SettingsError(f"{setting('database_url', database_url(settings))}: it does not answer") from error
    finally:
        database.close()


def preload(plugins: ModuleType = installed, *, web: bool) -> None:
    """Import what a worker needs, with `web` also what an API process does, before their parent forks them.

    But for prometheus_client, which each process imports for itself (`process.share_counts`).
    """
    load((*plugins.STORES, *plugins.KINDS, *plugins.SKILLS, plugins.DESCRIBER))
    importlib.import_module("mediatheque.worker")
    if web:
        load(plugins.SURFACES)
        importlib.import_module("uvloop")
        importlib.import_module("granian.server.embed")


def open_parts(settings: Settings, *, decoders: int, plugins: ModuleType = installed) -> Parts:
    """The parts on the configured database and store, with a pool of that many decoder children."""
    database = Database(database_url(settings))
    signals = signals_for(database, settings.data_dir)
    news = News(signals_for(database, settings.data_dir, NEWS))
    store = open_store(settings, load(plugins.STORES))
    allowed = _allowed(plugins)
    pool, readers = (
        Decoders(size, memory_bytes=settings.decoder_memory_mb << 20, allowed=allowed) for size in (decoders, 1)
    )
    sealer = Sealer(own_secrets(settings))
    endpoints = Endpoints(database, frozenset(settings.endpoint_allow))
    types = load(plugins.STORES)
    stores = Stores(database, types, store, replace(site_of(settings), staging=store.staging), sealer, endpoints)
    generations = Generations(settings.data_dir / "generations")
    learns = settings.embedder != "off" and settings.models == "on"
    pipeline = Pipeline(database, stores, load(plugins.SKILLS), signals, generations, news, learns=learns)
    models = make_models(settings, allowed)
    return Parts(settings, plugins, database, signals, news, pool, readers, models, store, pipeline, generations)


def make_library(parts: Parts) -> "Library":
    from mediatheque.core.access import DEFAULT_TENANT, Access
    from mediatheque.core.accounts import Accounts
    from mediatheque.core.analysis import Analyses
    from mediatheque.core.assets import Assets
    from mediatheque.core.audit import Audit
    from mediatheque.core.batches import Batches
    from mediatheque.core.catalogue import Catalogue
    from mediatheque.core.chunking import Chunking
    from mediatheque.core.dispatch import Dispatch
    from mediatheque.core.documents import Documents
    from mediatheque.core.files import Files
    from mediatheque.core.findings import Findings
    from mediatheque.core.health import Health
    from mediatheque.core.idempotency import Idempotency
    from mediatheque.core.jobs import Jobs
    from mediatheque.core.keys import Keys
    from mediatheque.core.library import Library
    from mediatheque.core.limiter import Limiter
    from mediatheque.core.links import Links
    from mediatheque.core.looks import Looks
    from mediatheque.core.media import Media
    from mediatheque.core.policies import Policies
    from mediatheque.core.presigning import Presigning
    from mediatheque.core.profiles import Profiles
    from mediatheque.core.provenance import Provenance
    from mediatheque.core.providers import Providers
    from mediatheque.core.resuming import Resuming
    from mediatheque.core.searching import Searching
    from mediatheque.core.sessions import Sessions
    from mediatheque.core.signing import Signer
    from mediatheque.core.skills import Skills
    from mediatheque.core.tokens import Tokens
    from mediatheque.core.tree import Tree
    from mediatheque.core.users import Users
    from mediatheque.core.webhooks import Webhooks
    from mediatheque.core.workflows import Workflows

    settings, database, stores = parts.settings, parts.database, parts.pipeline.stores
    keys = own_secrets(settings)
    generations = parts.generations
    limiter = Limiter(settings.rate_limit, settings.redis_url)
    tokens = Tokens(keys, make_issuer(settings))
    assets = Assets(database, parts.pipeline, generations)
    trash = make_trash(parts)
    files = Files(database, parts.pipeline, assets, trash)
    looks = Looks(database)
    searching = Searching(database, files.portraits, make_embedder(parts), looks)
    intake = make_intake(parts)
    arriving = make_arrivals(parts, intake)
    media = Media(database, stores, (parts.store.name, settings.accel_path) if settings.accel_path else None)
    return Library(
        base_url=settings.base_url,
        access=Access(database, tokens, limiter, settings.admin_api_key),
        accounts=Accounts(database),
        keys=Keys(database),
        searching=searching,
        documents=Documents(database, files.portraits, searching),
        analyses=Analyses(database, parts.pipeline, files.portraits),
        sessions=Sessions(database, tokens, limiter),
        users=Users(database),
        audit=Audit(database),
        intake=intake,
        presigning=Presigning(database, stores, intake, arriving, files),
        resuming=Resuming(database, intake, arriving, settings.resumable_bytes),
        chunking=Chunking(database, stores, intake, arriving, parts.pipeline),
        batches=Batches(database, intake, arriving, parts.pipeline, settings.batch_files),
        assets=assets,
        catalogue=Catalogue(database, assets, parts.pipeline.planner.listed, settings.gallery_tenant),
        files=files,
        links=Links(database, intake, parts.pipeline, media, parts.decoders),
        findings=Findings(database),
        looks=looks,
        trash=trash,
        erasing=make_erasing(parts),
        policies=Policies(database),
        provenance=Provenance(database, stores, parts.store.staging, parts.readers),
        tree=Tree(database, files, trash, generations),
        skills=Skills(database, parts.pipeline),
        workflows=Workflows(database),
        webhooks=Webhooks(database, make_post(parts), Sealer(keys), parts.signals),
        dispatch=Dispatch(database, assets, parts.pipeline),
        authoring=make_authoring(parts),
        providers=Providers(database, make_describers(parts), DEFAULT_TENANT),
        media=media,
        transforms=make_transforms(parts),
        jobs=Jobs(database, parts.pipeline),
        pipeline=parts.pipeline,
        stores=stores,
        profiles=Profiles(database, stores),
        idempotency=Idempotency(database),
        generations=generations,
        news=parts.news,
        signer=Signer(keys),
        health=Health(database, parts.store, parts.pipeline),
    )


def make_web(parts: Parts) -> "Front":
    from mediatheque.surfaces.web import web_application

    surfaces = load(parts.plugins.SURFACES)
    logs = parts.settings.log_requests == "on"
    return web_application(make_library(parts), surfaces, parts.settings.cors_origins, parts.close, logs=logs)


def make_worker(parts: Parts, lanes: Sequence[Queue]) -> "Worker":
    from mediatheque.core.relearning import Relearning
    from mediatheque.worker import Worker

    return Worker(
        parts.pipeline,
        make_fsck(parts),
        make_trash(parts),
        make_arrivals(parts, make_intake(parts)),
        make_authoring(parts),
        make_equipment(parts, make_quota(parts)),
        parts.signals,
        lanes,
        Relearning(parts.database, parts.pipeline, make_embedder(parts)),
        make_transforms(parts),
        make_crawling(parts) if CRAWLED & set(lanes) else None,
        make_delivering(parts) if CRAWLED & set(lanes) else None,
    )


def make_shelf(settings: Settings, plugins: ModuleType = installed) -> "Shelf":
    """For the command line: the models alone."""
    from mediatheque.core.models import Shelf

    return Shelf(make_models(settings, _allowed(plugins)), load(plugins.MODELS))


def make_store(settings: Settings, plugins: ModuleType = installed) -> Store:
    """For the command line: the server's own store alone."""
    return open_store(settings, load(plugins.STORES))


def make_quota(parts: Parts) -> "Quota":
    from mediatheque.core.quota import Quota

    return Quota(parts.database, parts.settings.storage_quota)


def make_fsck(parts: Parts) -> "Fsck":
    from mediatheque.core.fsck import Fsck

    return Fsck(parts.database, parts.pipeline.stores, parts.pipeline, make_arrivals(parts, make_intake(parts)))


def make_intake(parts: Parts) -> "Intake":
    from mediatheque.core.cleaning import Cleaning
    from mediatheque.core.intake import Intake
    from mediatheque.core.probing import Probing

    probing = Probing(load(parts.plugins.KINDS), parts.decoders)
    return Intake(
        parts.database, parts.pipeline.stores, probing, parts.pipeline, make_quota(parts),
        Cleaning(parts.database, probing, parts.decoders),
        enriches_unasked=parts.settings.enrich_images == "on",
    )  # fmt: skip


def make_arrivals(parts: Parts, intake: "Intake") -> "Arrivals":
    from mediatheque.core.arrivals import Arrivals
    from mediatheque.core.partials import Partials

    partials = Partials(parts.settings.data_dir.absolute() / "partials")
    return Arrivals(parts.database, parts.pipeline.stores, intake, partials, parts.news)


def make_trash(parts: Parts) -> "Trash":
    from mediatheque.core.assets import Assets
    from mediatheque.core.trash import Trash

    assets = Assets(parts.database, parts.pipeline, parts.generations)
    kept = timedelta(days=parts.settings.trash_days)
    return Trash(parts.database, parts.pipeline, parts.generations, assets, kept)


def make_authoring(parts: Parts) -> "Authoring":
    from mediatheque.core.authoring import Authoring

    listening = partial(signals_for, parts.database, parts.settings.data_dir)
    kept = timedelta(days=parts.settings.trash_days)
    return Authoring(parts.database, parts.signals, parts.news, listening, kept, make_embedder(parts))


def make_accounts(settings: Settings) -> "Accounts":
    """For the command line: accounts alone, on a database that is ready."""
    from mediatheque.core.accounts import Accounts

    return Accounts(Database(database_url(settings)))


def _allowed(plugins: ModuleType) -> tuple[str, ...]:
    """Where functions lie that other processes of ours may be asked to run."""
    return tuple(sorted({f"{name.rpartition('.')[0]}." for name in (*plugins.KINDS, *plugins.SKILLS)}))


def load(names: Sequence[str]) -> tuple[Any, ...]:
    """The objects that `module:NAME` strings stand for."""
    pairs = (name.split(":") for name in names)
    return tuple(getattr(importlib.import_module(module), name) for module, name in pairs)


@contextmanager
def _told_as(name: str, value: object) -> Iterator[None]:
    """What the file system refuses at start, as a fault of the setting that named the place."""
    try:
        yield
    except (OSError, LibraryError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) else str(error)
        raise SettingsError(f"{setting(name, value)}: {reason}") from error

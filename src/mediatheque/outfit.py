"""What workers are given to find out about files with: the models of the machine, and who describes for whom."""

from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from mediatheque.inference import Models
from mediatheque.keyring import own_secrets
from mediatheque.model import Endpoint, Reach
from mediatheque.records.signals import socket_folder
from mediatheque.settings import Settings

if TYPE_CHECKING:
    from mediatheque.core.crawling import Crawling
    from mediatheque.core.delivering import Delivering, Post
    from mediatheque.core.describing import Describers
    from mediatheque.core.embedding import Embedder
    from mediatheque.core.erasing import Erasing
    from mediatheque.core.quota import Quota
    from mediatheque.core.tokens import OutsideIssuer
    from mediatheque.core.transcribing import Speech
    from mediatheque.core.transforms import Transforms
    from mediatheque.core.work import Equipment
    from mediatheque.parts import Parts


def make_models(settings: Settings, allowed: tuple[str, ...]) -> Models:
    """`allowed` says where the functions lie that may be run beside the models."""
    return Models(partial(socket_folder, settings.data_dir, "models"), is_on=settings.models == "on", allowed=allowed)


def make_equipment(parts: "Parts", quota: "Quota") -> "Equipment":
    from mediatheque.core.work import Equipment

    return Equipment(
        parts.decoders, parts.models, make_describers(parts), make_embedder(parts), parts.pipeline.recall, quota,
        speech=make_speech(parts),
    )  # fmt: skip


def make_embedder(parts: "Parts") -> "Embedder":
    from mediatheque.core.embedding import Embedder

    return Embedder(parts.database, parts.models, parts.settings.embedder)


def make_crawling(parts: "Parts") -> "Crawling":
    from mediatheque.core.crawling import Crawling

    reach = Reach(frozenset(parts.settings.crawl_allow))
    return Crawling(parts.database, parts.readers, reach, pause_seconds=parts.settings.crawl_pause_seconds)


def make_describers(parts: "Parts") -> "Describers":
    from mediatheque.core.allowance import DESCRIPTIONS, Allowance
    from mediatheque.core.describing import DEFAULT_PROMPT, Describers
    from mediatheque.core.sealing import Sealer

    settings = parts.settings
    default = Endpoint(
        settings.vision_url, settings.vision_api_key, settings.vision_model, Reach(anywhere=True), DEFAULT_PROMPT
    )
    return Describers(
        parts.database,
        Sealer(own_secrets(settings)),
        builtin=resolve_name(parts.plugins.DESCRIBER) if settings.describer == "builtin" else None,
        default=default if settings.vision_url else None,
        others=Reach(frozenset(settings.endpoint_allow), https_only=True),
        allowance=Allowance(
            parts.database,
            DESCRIPTIONS,
            daily_limit=settings.vision_daily_requests,
            concurrent=settings.vision_concurrent,
            deadline_seconds=settings.vision_timeout_seconds,
        ),
    )


def make_speech(parts: "Parts") -> "Speech | None":
    """None: the operator has no endpoint that listens, and the offline model does."""
    from mediatheque.core.allowance import TRANSCRIPTS, Allowance
    from mediatheque.core.transcribing import Speech

    settings = parts.settings
    if not settings.speech_url:
        return None
    endpoint = Endpoint(
        settings.speech_url, settings.speech_api_key, settings.speech_model, Reach(anywhere=True), system_prompt=""
    )
    allowance = Allowance(
        parts.database,
        TRANSCRIPTS,
        daily_limit=settings.speech_daily_requests,
        concurrent=settings.speech_concurrent,
        deadline_seconds=settings.speech_timeout_seconds,
    )
    return Speech(endpoint, allowance)


def make_post(parts: "Parts") -> "Post":
    from mediatheque.core.delivering import Post
    from mediatheque.core.endpoints import Endpoints
    from mediatheque.core.sealing import Sealer

    endpoints = Endpoints(parts.database, frozenset(parts.settings.endpoint_allow))
    return Post(endpoints, Sealer(own_secrets(parts.settings)))


def make_delivering(parts: "Parts") -> "Delivering":
    from mediatheque.core.delivering import Delivering

    return Delivering(parts.database, make_post(parts))


def make_transforms(parts: "Parts") -> "Transforms":
    from mediatheque.core.derivatives import Derivatives
    from mediatheque.core.signing import Signer
    from mediatheque.core.transforms import Transforms

    settings = parts.settings
    derivatives = Derivatives(settings.data_dir.absolute() / "derivatives", settings.transform_cache_mb << 20)
    signer = Signer(own_secrets(settings))
    return Transforms(parts.database, parts.pipeline.stores, parts.readers, derivatives, signer)


def make_erasing(parts: "Parts") -> "Erasing":
    from mediatheque.core.assets import Assets
    from mediatheque.core.erasing import Erasing
    from mediatheque.core.notary import Notary

    changing = Assets(parts.database, parts.pipeline, parts.generations)
    derivatives = make_transforms(parts).derivatives
    notary = Notary(own_secrets(parts.settings))
    return Erasing(parts.database, changing, parts.pipeline, parts.generations, derivatives, notary)


def make_issuer(settings: Settings) -> "OutsideIssuer | None":
    """None: nobody outside issues tokens."""
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

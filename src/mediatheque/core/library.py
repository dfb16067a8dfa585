"""The library: everything core offers to the surfaces and the workers, in one place."""

from dataclasses import dataclass

from mediatheque.core.access import Access
from mediatheque.core.accounts import Accounts
from mediatheque.core.assets import Assets
from mediatheque.core.catalogue import Catalogue
from mediatheque.core.dispatch import Dispatch
from mediatheque.core.generations import Generations
from mediatheque.core.health import Health
from mediatheque.core.idempotency import Idempotency
from mediatheque.core.media import Media
from mediatheque.core.pipeline import Pipeline
from mediatheque.core.providers import Providers
from mediatheque.core.signing import Signer
from mediatheque.core.skills import Skills
from mediatheque.core.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Library:
    base_url: str
    access: Access
    accounts: Accounts
    assets: Assets
    catalogue: Catalogue
    skills: Skills
    workflows: Workflows
    dispatch: Dispatch
    providers: Providers
    media: Media
    pipeline: Pipeline
    idempotency: Idempotency
    generations: Generations
    signer: Signer
    health: Health

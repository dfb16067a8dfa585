"""The library: everything core offers to the surfaces and the workers, in one place."""

from dataclasses import dataclass

from mediatheque.core.access import Access
from mediatheque.core.accounts import Accounts
from mediatheque.core.analysis import Analyses
from mediatheque.core.assets import Assets
from mediatheque.core.audit import Audit
from mediatheque.core.authoring import Authoring
from mediatheque.core.batches import Batches
from mediatheque.core.catalogue import Catalogue
from mediatheque.core.chunking import Chunking
from mediatheque.core.dispatch import Dispatch
from mediatheque.core.documents import Documents
from mediatheque.core.erasing import Erasing
from mediatheque.core.files import Files
from mediatheque.core.findings import Findings
from mediatheque.core.generations import Generations
from mediatheque.core.health import Health
from mediatheque.core.idempotency import Idempotency
from mediatheque.core.intake import Intake
from mediatheque.core.jobs import Jobs
from mediatheque.core.keys import Keys
from mediatheque.core.links import Links
from mediatheque.core.looks import Looks
from mediatheque.core.media import Media
from mediatheque.core.news import News
from mediatheque.core.pipeline import Pipeline
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
from mediatheque.core.stores import Stores
from mediatheque.core.transforms import Transforms
from mediatheque.core.trash import Trash
from mediatheque.core.tree import Tree
from mediatheque.core.users import Users
from mediatheque.core.webhooks import Webhooks
from mediatheque.core.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Library:
    base_url: str
    access: Access
    accounts: Accounts
    keys: Keys
    sessions: Sessions
    users: Users
    audit: Audit
    intake: Intake
    presigning: Presigning
    batches: Batches
    chunking: Chunking
    resuming: Resuming
    searching: Searching
    documents: Documents
    analyses: Analyses
    assets: Assets
    catalogue: Catalogue
    files: Files
    links: Links
    findings: Findings
    looks: Looks
    trash: Trash
    erasing: Erasing
    policies: Policies
    provenance: Provenance
    tree: Tree
    skills: Skills
    workflows: Workflows
    webhooks: Webhooks
    dispatch: Dispatch
    authoring: Authoring
    providers: Providers
    media: Media
    transforms: Transforms
    jobs: Jobs
    pipeline: Pipeline
    stores: Stores
    profiles: Profiles
    idempotency: Idempotency
    generations: Generations
    news: News
    signer: Signer
    health: Health

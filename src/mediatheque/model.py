"""The words of the library: what a tenant, an asset, a blob, a variant, a run is (docs/design.md, "Terms")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

SAMPLE_PERCENT = 5.0
"""Of the objects that `fsck` holds against their hashes, unless told otherwise (decisions 15)."""


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Rank(StrEnum):
    """Whom a user may be managed by: the operator (first admin of tenant `default`), an admin, anybody else."""

    OPERATOR = "operator"
    ADMIN = "admin"
    USER = "user"


class State(StrEnum):
    """An asset's: `pending` until its first run starts, `failed` when its bytes turned out to be undecodable."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """What it takes is not installed: nobody is to blame and nothing is to be mended."""


class Queue(StrEnum):
    """`fast` makes an asset usable and always goes before `enrich`; `crawl` waits for others, in threads of its own."""

    FAST = "fast"
    ENRICH = "enrich"
    CRAWL = "crawl"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user of one tenant, with what the credential allows."""

    tenant_id: int
    tenant_uuid: UUID
    user_id: int
    user_uuid: UUID
    role: Role
    scopes: frozenset[str]
    credential: str
    """Stable name of the credential, for rate limits; never the secret."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or a program of one tenant, as administrators see it."""

    id: int
    uuid: UUID
    tenant_id: int
    name: str
    role: Role
    rank: Rank
    is_active: bool
    permissions: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What one surface takes: the differences between dialects that are data, enforced by core."""

    surface: str
    media_types: frozenset[str]
    max_bytes: int
    is_public: bool
    """Whether an upload through this door is public, unless it says."""
    kinds: frozenset[str] = frozenset({"image"})
    """What it shows of the library."""
    shows_private: bool = True
    shows_failed: bool = False
    runs_workflows: bool = False
    """Whether an upload through this door starts the tenant's workflow that runs by itself."""
    enriches_unasked: bool = False
    """Whether an upload through this door is enriched although its clients cannot ask, in ways that they do not see."""
    max_text_chars: int = 1000
    max_title_chars: int = 255
    takes_all_of: frozenset[str] = frozenset()
    """Kinds of which every type is taken, beside `media_types`."""

    def takes(self, facts: "Facts") -> bool:
        return facts.media_type in self.media_types or facts.kind in self.takes_all_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What a probe found out about bytes. Width and height are those a viewer sees, in pixels."""

    media_type: str
    extension: str
    kind: str
    width: int | None = None
    height: int | None = None
    frames: int = 1
    captured_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blob:
    """Immutable bytes under a storage key."""

    id: int
    uuid: UUID
    store: str
    key: str
    size_bytes: int
    media_type: str
    sha256: str
    width: int | None
    height: int | None
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the probe found out, by the kind of file."""

    @property
    def document_type(self) -> str | None:
        """`pdf`, `docx` …; None for what is no document."""
        found: str | None = self.details.get("document_type")
        return found


@dataclass(frozen=True, slots=True)
class Variant:
    """Bytes derived from a blob."""

    name: str
    store: str
    key: str
    size_bytes: int
    media_type: str
    sha256: str
    width: int | None
    height: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of a run that has ended; `error` None: it succeeded."""

    name: str
    error: str | None
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """An execution of a skill that has ended."""

    uuid: UUID
    skill: str
    trigger: str
    state: RunState
    started_at: datetime
    finished_at: datetime
    steps: list[StepResult]


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing in a tenant's library, with its current blob."""

    id: int
    uuid: UUID
    tenant_id: int
    kind: str
    state: State
    filename: str
    original_filename: str
    title: str | None
    tags: tuple[str, ...]
    alt_text: str | None
    description: str | None
    folder: str | None
    is_public: bool
    upload_method: str | None
    captured_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    """When it was put into the trash."""
    purpose: str | None
    """What the uploader said that it is for, at a door that asks."""
    expires_at: datetime | None
    """When it is erased by itself."""
    extension: str | None
    """That of the name it had before it was renamed; None: that of its name."""
    blob: Blob


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to. `media_type` may end in `/*`; empty, or `states` None: no condition."""

    text: str = ""
    media_type: str = ""
    states: tuple[State, ...] | None = None

    @property
    def is_open(self) -> bool:
        return not (self.text or self.media_type) and self.states is None


class Stage(StrEnum):
    """How far a file is with something that is made from it."""

    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Execution:
    """A run as the history of its asset shows it; `is_held`: somebody is at it now."""

    uuid: UUID
    skill: str
    state: RunState
    is_held: bool
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and the size of the whole filtered set."""

    assets: list[Asset]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """A named list of skills; `graph` is the JSON of the editor that drew it."""

    uuid: UUID
    name: str
    description: str | None
    is_auto_run: bool
    graph: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A tenant's configured place for bytes; its secrets are sealed. `provider_type` is as the tenant spelled it."""

    id: int
    uuid: UUID
    tenant_id: int
    name: str
    display_name: str | None
    provider_type: str
    is_enabled: bool
    is_default: bool
    configuration: Mapping[str, Any]
    sealed_secrets: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Provider:
    """A tenant's AI provider; `masked_key` is all that is ever shown of its key."""

    uuid: UUID
    name: str
    api_base_url: str
    masked_key: str
    model_name: str
    system_prompt: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a caller may be taken: to public addresses, to `allowed` (`host` or `host:port`), or `anywhere`.

    `https_only` asks for TLS, except towards what is allowed by name.
    """

    allowed: frozenset[str] = frozenset()
    anywhere: bool = False
    https_only: bool = False

    def trusts(self, host: str, port: int) -> bool:
        """Whether this place may be private and may do without TLS."""
        name = f"[{host}]" if ":" in host else host
        return self.anywhere or not self.allowed.isdisjoint({name, f"{name}:{port}", host})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A vision model: where and as whom to ask it, and what it is told to be."""

    base_url: str
    api_key: str
    model: str
    reach: Reach
    system_prompt: str

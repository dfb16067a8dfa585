"""Who puts a tenant's pictures into words: its own provider, the operator's endpoint, or the built-in describer."""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from mediatheque.clients import vision
from mediatheque.clients.vision import Endpoint
from mediatheque.core.sealing import Sealer
from mediatheque.errors import ProviderFailed, Unavailable
from mediatheque.ports import Describer, Description, Task, Work
from mediatheque.records import providers
from mediatheque.records.engine import Database, Row

DESCRIPTIONS = "descriptions"
SECONDS_PER_DAY = 86400
NO_PROVIDER = "No AI provider is configured: add one, or turn the built-in describer on"

QUESTIONS = {
    Task.CAPTION: "Describe this picture in one sentence.",
    Task.ALT_TEXT: "Write the alternative text of this picture for a screen reader: one short sentence, "
    'without "picture of". Put it under "caption".',
}


@dataclass(frozen=True, slots=True)
class Describers:
    """`default`: the operator's endpoint; `builtin` None: turned off; `daily_limit` 0: none."""

    database: Database
    sealer: Sealer
    builtin: Describer | None
    default: Endpoint | None
    allowed: frozenset[str]
    daily_limit: int
    deadline_seconds: float

    def of(self, tenant_id: int) -> Describer:
        """Raises `ProviderFailed` when nobody is there to ask."""
        with self.database.read() as tx:
            row = providers.active(tx, tenant_id)
        endpoint = self._endpoint(row) if row is not None else self.default
        if endpoint is not None:
            return ModelDescriber(self, tenant_id, endpoint)
        if self.builtin is None:
            raise ProviderFailed(NO_PROVIDER)
        return self.builtin

    def spend(self, tenant_id: int) -> None:
        """Count one question; raises `ProviderFailed` when today's are used up."""
        if not self.daily_limit:
            return
        day = int(time.time() // SECONDS_PER_DAY)
        with self.database.write() as tx:
            if not providers.spend(tx, tenant_id, DESCRIPTIONS, day, self.daily_limit):
                raise ProviderFailed(f"The AI provider was asked {self.daily_limit} times today: the budget is used up")

    def _endpoint(self, row: Row) -> Endpoint:
        try:
            return endpoint_of(row, self.sealer, self.allowed)
        except Unavailable as error:
            raise ProviderFailed(error.message) from error


@dataclass(frozen=True, slots=True)
class ModelDescriber:
    """A vision model behind an endpoint, asked within the tenant's budget."""

    describers: Describers
    tenant_id: int
    endpoint: Endpoint

    def describe(self, work: Work, task: Task) -> Description:
        picture = work.decode(
            "mediatheque.skills.describing_decode:picture", path=str(work.source), media_type=work.facts.media_type
        )
        self.describers.spend(self.tenant_id)
        text = vision.ask(
            self.endpoint, QUESTIONS[task], picture, deadline_seconds=self.describers.deadline_seconds
        )
        return Description(text, self.endpoint.model)


def endpoint_of(row: Row, sealer: Sealer, allowed: frozenset[str]) -> Endpoint:
    """A profile's endpoint; one that the operator set may be private."""
    own = frozenset({host_of(row["api_base_url"])}) if row["allows_private"] else frozenset()
    return Endpoint(
        base_url=row["api_base_url"],
        api_key=sealer.open(row["sealed_api_key"]),
        model=row["model_name"],
        system_prompt=row["system_prompt"],
        allow_private=allowed | own,
    )


def host_of(url: str) -> str:
    """`host:port` of an http or https URL."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

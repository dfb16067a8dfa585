"""Who puts a tenant's pictures into words: its own provider, the operator's endpoint, or the built-in describer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediatheque.core.sealing import Sealer
from mediatheque.errors import ProviderFailed, Unavailable
from mediatheque.model import Endpoint, Reach
from mediatheque.ports import Describer, Description, Task, Work
from mediatheque.records import providers
from mediatheque.records.engine import Database, Row

DESCRIPTIONS = "descriptions"
SECONDS_PER_DAY = 86400
NO_PROVIDER = "No AI provider is configured: add one, or turn the built-in describer on"

DEFAULT_PROMPT = (
    "You describe pictures for a media library. Answer with a JSON object of the form "
    '{"caption": "one plain sentence that says what the picture shows"} and nothing else.'
)
QUESTIONS = {
    Task.CAPTION: "Describe this picture in one sentence.",
    Task.ALT_TEXT: "Write the alternative text of this picture for a screen reader: one short sentence, "
    'without "picture of". Put it under "caption".',
}


@dataclass(frozen=True, slots=True)
class Describers:
    """`default`: the operator's endpoint; `builtin` None: turned off; `others`: where providers that are
    not the operator's may lie; `daily_limit` 0: none."""

    database: Database
    sealer: Sealer
    builtin: Describer | None
    default: Endpoint | None
    others: Reach
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
            return endpoint_of(row, self.sealer, self.others)
        except Unavailable as error:
            raise ProviderFailed(error.message) from error


@dataclass(frozen=True, slots=True)
class ModelDescriber:
    """A vision model behind an endpoint, asked within the tenant's budget."""

    describers: Describers
    tenant_id: int
    endpoint: Endpoint

    def describe(self, work: Work, task: Task) -> Description:
        from mediatheque.clients import vision  # most workers never talk to anybody

        picture = work.decode(
            "mediatheque.skills.describing_decode:picture", path=str(work.source), media_type=work.facts.media_type
        )
        self.describers.spend(self.tenant_id)
        text = vision.ask(self.endpoint, QUESTIONS[task], picture, deadline_seconds=self.describers.deadline_seconds)
        return Description(text, self.endpoint.model)


def endpoint_of(row: Row | Mapping[str, Any], sealer: Sealer, others: Reach) -> Endpoint:
    """A profile's endpoint, within the reach of its tenant; one that the operator set may be private."""
    return Endpoint(
        base_url=row["api_base_url"],
        api_key=sealer.open(row["sealed_api_key"]),
        model=row["model_name"],
        reach=Reach(anywhere=True) if row["allows_private"] else others,
        system_prompt=row["system_prompt"] or DEFAULT_PROMPT,
    )

"""The operator's speech endpoint, asked to write down what is said, within the tenant's allowance."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mediatheque.core.allowance import Allowance
from mediatheque.model import Endpoint
from mediatheque.understanding import Heard

RATE, BYTES_PER_SAMPLE = 16_000, 2
"""Of the files that `skills.transcript_decode` writes."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Who listens for whom."""

    endpoint: Endpoint
    allowance: Allowance

    def of(self, tenant_id: int, *, is_awaited: bool) -> "EndpointTranscriber":
        return EndpointTranscriber(self, tenant_id, is_awaited)


@dataclass(frozen=True, slots=True)
class EndpointTranscriber:
    """As `understanding.Transcriber`; each piece of a recording is a question."""

    speech: Speech
    tenant_id: int
    is_awaited: bool

    @property
    def model(self) -> str:
        return self.speech.endpoint.model

    @contextmanager
    def listening(self) -> Iterator[Callable[[Path, float, float], Heard]]:
        allowance = self.speech.allowance
        with allowance.turn(self.tenant_id, is_awaited=self.is_awaited):
            until = time.monotonic() + allowance.deadline_seconds
            yield lambda samples, start, end: self._heard(samples, start, end, until)

    def _heard(self, samples: Path, start: float, end: float, until: float) -> Heard:
        from mediatheque.clients import speech  # most workers never talk to anybody

        self.speech.allowance.spend(self.tenant_id)
        with samples.open("rb") as file:
            file.seek(round(start * RATE) * BYTES_PER_SAMPLE)
            piece = file.read(round((end - start) * RATE) * BYTES_PER_SAMPLE)
        heard = speech.ask(self.speech.endpoint, piece, RATE, deadline_seconds=until - time.monotonic())
        return Heard([one | {name: round(one[name] + start, 2) for name in ("start", "end")} for one in heard.segments],
                     heard.language)  # fmt: skip

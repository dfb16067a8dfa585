"""The models that may be there: listed with where they come from, and loaded ahead."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from mediatheque.errors import NotInstalled
from mediatheque.inference import Models
from mediatheque.understanding import Model


@dataclass(frozen=True, slots=True)
class Shown:
    """A model; `missing` says why it is not there, `loaded_seconds` how long it took to have it loaded."""

    name: str
    purpose: str
    extra: str
    missing: str | None
    loaded_seconds: float | None = None


class Shelf:
    def __init__(self, models: Models, installed: Sequence[Model]) -> None:
        self._models = models
        self._installed = installed

    def listed(self, *, warm: bool = False) -> list[Shown]:
        """Every model that we know; with `warm` those that are there are loaded, in the process that holds them all.

        It goes on holding them when it is a running server's; otherwise this says that they load.
        """
        return [self._shown(model, warm) for model in self._installed]

    def close(self) -> None:
        self._models.close()

    def _shown(self, model: Model, warm: bool) -> Shown:
        try:
            self._models.check(model)
        except NotInstalled as error:
            return Shown(model.name, model.purpose, model.extra, error.message)
        if not warm:
            return Shown(model.name, model.purpose, model.extra, None)
        began = time.monotonic()
        self._models.run(model, model.warm)
        return Shown(model.name, model.purpose, model.extra, None, round(time.monotonic() - began, 2))

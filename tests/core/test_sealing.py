"""Sealed secrets."""

import pytest

from mediatheque.core.sealing import Sealer
from mediatheque.errors import Unavailable


def test_what_was_sealed_is_opened_and_does_not_show() -> None:
    sealed = Sealer(["one"]).seal("sk-secret")
    assert "sk-secret" not in sealed
    assert Sealer(["one"]).open(sealed) == "sk-secret"


def test_a_secret_sealed_before_a_replacement_is_still_opened() -> None:
    sealed = Sealer(["old"]).seal("sk-secret")
    assert Sealer(["new", "old"]).open(sealed) == "sk-secret"


def test_a_secret_of_another_installation_is_not_opened() -> None:
    with pytest.raises(Unavailable, match="MEDIATHEQUE_SECRET"):
        Sealer(["mine"]).open(Sealer(["theirs"]).seal("sk-secret"))


def test_altered_text_is_not_opened() -> None:
    with pytest.raises(Unavailable):
        Sealer(["mine"]).open("no seal at all")

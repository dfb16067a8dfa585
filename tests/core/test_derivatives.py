"""Files that can be made again: made once, and let go of when there is no room."""

import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from mediatheque.core.derivatives import LOOK_AFTER, Derivatives
from mediatheque.errors import Malformed


def test_what_several_ask_for_is_made_once(tmp_path: Path) -> None:
    derivatives, asset, made = Derivatives(tmp_path, 1 << 20), uuid4(), []

    def make(file: Path) -> None:
        made.append(file)
        time.sleep(0.1)
        file.write_bytes(b"bytes")

    askers = [threading.Thread(target=derivatives.find, args=(asset, "name", make)) for _ in range(4)]
    for it in askers:
        it.start()
    for it in askers:
        it.join()
    assert len(made) == 1
    assert derivatives.find(asset, "name", make).read_bytes() == b"bytes"
    derivatives.forget(asset)
    assert list(derivatives.assets()) == []


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(file: Path) -> None:
        file.write_bytes(b"half")
        raise Malformed

    derivatives = Derivatives(tmp_path, 1 << 20)
    with pytest.raises(Malformed):
        derivatives.find(uuid4(), "name", fail)
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    def make(file: Path) -> None:
        file.write_bytes(bytes(1000))

    derivatives, asset = Derivatives(tmp_path, 50_000), uuid4()
    for number in range(2 * LOOK_AFTER):
        derivatives.find(asset, "first", make)
        derivatives.find(uuid4(), str(number), make)
    sizes = [it.stat().st_size for it in tmp_path.rglob("*") if it.is_file()]
    assert sum(sizes) <= 50_000 + LOOK_AFTER * 1000
    assert (tmp_path / asset.hex / "first").exists()

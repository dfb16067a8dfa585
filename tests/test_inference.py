"""The process that holds the models: one for all who ask, started when asked, off the network, never missed long."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mediatheque.decoder import ALLOWED, DecoderFailed
from mediatheque.errors import Malformed, NotInstalled
from mediatheque.inference import Models
from mediatheque.understanding import Model
from tests.support import has_ended, wait_for

HERE = "tests.misbehaviour"
ANY = Model("any", "does as it is told", "none", (), f"{HERE}:pid")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("m")


@pytest.fixture
def ask(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    with asking(folder, monkeypatch) as models:
        yield lambda function, **arguments: models.run(ANY, f"{HERE}:{function}", **arguments)


@contextmanager
def asking(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[Models]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    models = Models(lambda: folder, allowed=(*ALLOWED, HERE), **options)
    try:
        yield models
    finally:
        models.close()


def test_whoever_asks_is_answered_by_the_same_process(
    ask: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = ask("pid")
    assert holder != os.getpid()
    with asking(folder, monkeypatch) as others:
        assert others.run(ANY, f"{HERE}:pid") == holder
    assert ask("pid") == holder


def test_many_who_ask_at_once_start_one(ask: Callable[..., Any]) -> None:
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(ask("pid"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seen), len(set(seen))) == (8, 1)


def test_one_that_was_killed_is_followed_by_another(ask: Callable[..., Any]) -> None:
    first = ask("pid")
    os.kill(first, signal.SIGKILL)
    assert ask("pid") not in {first, os.getpid()}


def test_one_that_always_dies_is_a_reason(ask: Callable[..., Any]) -> None:
    with pytest.raises(DecoderFailed, match="ended early"):
        ask("leave", code=1)
    assert ask("echo", word="again") == {"word": "again"}


def test_one_that_takes_too_long_is_left(ask: Callable[..., Any]) -> None:
    holder = ask("pid")
    with pytest.raises(DecoderFailed, match="in time"):
        ask("sleep", seconds=30, timeout_seconds=0.5)
    wait_for(lambda: has_ended(holder), "its end")
    assert ask("pid") != holder


def test_it_ends_when_nobody_asks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asking(folder, monkeypatch, idle_seconds=0.2) as models:
        holder = models.run(ANY, f"{HERE}:pid")
        wait_for(lambda: has_ended(holder), "its end")
        assert models.run(ANY, f"{HERE}:pid") != holder


def test_a_refusal_comes_through_and_nothing_else_of_ours(ask: Callable[..., Any]) -> None:
    with pytest.raises(Malformed, match="not like this"):
        ask("refuse", message="not like this")
    with pytest.raises(DecoderFailed, match="KeyError"):
        ask("fail")


def test_what_lies_elsewhere_is_not_run(ask: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("pid")
    with asking(folder, monkeypatch) as models, pytest.raises(DecoderFailed, match="PermissionError"):
        models.run(ANY, "os:getpid")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may always leave the network")
def test_it_has_no_network(ask: Callable[..., Any]) -> None:
    assert ask("networks") == ["lo"]


def test_what_is_missing_is_named(folder: Path) -> None:
    models = Models(lambda: folder)
    with pytest.raises(NotInstalled, match="The extra `ocr` is not installed"):
        models.check(Model("a", "", "ocr", ("no_such_module",), ""))
    with pytest.raises(NotInstalled, match=r"The extra `vision` lacks a\.tflite: run `make models`"):
        models.check(Model("a", "", "vision", (), "", (folder / "a.tflite",)))
    with pytest.raises(NotInstalled, match="MEDIATHEQUE_MODELS=off"):
        Models(lambda: folder, is_on=False).check(ANY)
    models.close()

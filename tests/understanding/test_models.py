"""`mediatheque models`, and the weights that a build step puts into the package."""

import hashlib
import json
from pathlib import Path

import pytest

from mediatheque.skills import tags
from tests.support import Server
from tests.understanding.conftest import needs


@pytest.fixture
def command(tmp_path: Path) -> Server:
    return Server(tmp_path / "data", {"MEDIATHEQUE_MODELS": "on"})


def test_the_vision_models_are_those_that_the_notice_names() -> None:
    notice = (tags.FOLDER / "NOTICE.md").read_text()
    for file in (tags.DETECTOR, tags.CLASSIFIER):
        if not file.exists():
            pytest.skip("`make models` has not been run")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f"{file.name} |" in notice and digest in notice


def test_models_are_listed_without_loading_any(command: Server) -> None:
    answer = command.command("models", "--json")
    assert answer.returncode == 0, answer.stderr
    found = {it["extra"]: it for it in json.loads(answer.stdout)}
    assert {"ocr", "vision"} <= found.keys()
    assert all(it["loaded_seconds"] is None for it in found.values())
    assert not command.data_dir.exists()


@needs("ocr")
def test_models_are_loaded_ahead(command: Server) -> None:
    answer = command.command("models", "--warm")
    (line,) = [it for it in answer.stdout.splitlines() if "(ocr)" in it]
    assert "loaded in " in line


def test_models_that_are_turned_off_say_so(tmp_path: Path) -> None:
    answer = Server(tmp_path / "data").command("models")
    assert answer.stdout.count("MEDIATHEQUE_MODELS=off") == len(answer.stdout.splitlines())

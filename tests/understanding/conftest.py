"""A server that understands pictures: all models on, and no way out of the machine for whoever decodes or infers."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASES
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed

EXTRAS = {"ocr": "rapidocr", "vision": "ai_edge_litert"}


def needs(extra: str) -> pytest.MarkDecorator:
    is_there = importlib.util.find_spec(EXTRAS[extra]) is not None
    return pytest.mark.skipif(not is_there, reason=f"the extra {extra} is not installed")


@pytest.fixture(scope="module", params=DATABASES)
def seer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"MEDIATHEQUE_MODELS": "on"}
    if request.param == "postgresql":
        environment["MEDIATHEQUE_DATABASE_URL"] = request.getfixturevalue("postgres").create()
    running = Server(tmp_path_factory.mktemp(request.param) / "data", environment).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(seer: Server) -> Iterator[httpx.Client]:
    with seer.client() as it:
        yield it


def understood(client: httpx.Client, data: bytes, name: str = "picture.png", **fields: str) -> dict[str, Any]:
    """The detail of a file when everything has been found out about it."""
    file_id = streamed(client, data, name, **fields)["image_id"]
    wait_for(lambda: is_done(client, file_id), "the description", 90)
    return dict(client.get(f"{FILES}/{file_id}").json())


def is_done(client: httpx.Client, file_id: str) -> bool:
    return bool(client.get(f"/api/v2/uploads/status/{file_id}").json()["is_terminal"])


def findings(client: httpx.Client, file_id: str) -> dict[str, dict[str, Any]]:
    """The newest of each kind."""
    answer = client.get(f"{FILES}/{file_id}/findings")
    assert answer.status_code == 200, answer.text
    return {it["kind"]: it for it in answer.json()["findings"]}


def corpus_file(name: str) -> bytes:
    from tests.corpus import FOLDER

    path = Path(FOLDER, name)
    if not path.exists():
        pytest.skip("there is no corpus")
    return path.read_bytes()

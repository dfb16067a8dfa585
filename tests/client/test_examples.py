"""The examples of docs/client.md run as they stand, one after another."""

import re
from pathlib import Path

import pytest

from tests.conftest import Tenant
from tests.pictures import picture

PAGE = Path(__file__).parents[2] / "docs" / "client.md"


def test_the_examples_of_the_page_run(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATHEQUE_URL", tenant.server.url)
    monkeypatch.setenv("MEDIATHEQUE_API_KEY", tenant.key.key)
    monkeypatch.chdir(tmp_path)
    for name in ("harbour.jpg", "hills.jpg"):
        Path(name).write_bytes(picture("JPEG", seed=len(name)))
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) > 5
    names: dict[str, object] = {"__name__": "examples"}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)  # these are our own pages

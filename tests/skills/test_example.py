"""The worked example of docs/skills.md, as a reader would add it."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mediatheque import plugins as installed
from mediatheque.surfaces.assets.shapes import TERMS
from tests.parts import opened
from tests.pictures import picture
from tests.support import wait_for

PAGE = Path(__file__).parents[2] / "docs" / "skills.md"


def test_the_example_in_the_manual_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    package = tmp_path / "example_of_the_manual"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "brightness.py").write_text(found[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plugins = ModuleType("example_plugins")
    for name in ("SURFACES", "STORES", "KINDS", "DESCRIBER"):
        setattr(plugins, name, getattr(installed, name))
    plugins.SKILLS = (*installed.SKILLS, f"{package.name}.brightness:SKILL")  # type: ignore[attr-defined]
    with opened(tmp_path, plugins=plugins) as whole, whole.working():
        assert "brightness" in [it.name for it in whole.library.skills.listed()]
        it = whole.upload(TERMS, "photo.png", picture("PNG"))
        started = whole.library.skills.start(whole.actor, it.uuid, "brightness", {})
        wait_for(lambda: whole.library.skills.ended(whole.actor, started) is not None, "the run")
        detail = whole.library.catalogue.detail(whole.actor, TERMS, it.uuid)
    (finding,) = detail.findings
    assert (finding.kind, 0 < finding.value["mean"] < 255) == ("brightness", True)
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]

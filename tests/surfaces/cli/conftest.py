"""The command line as a user of a tenant runs it, within the test's process: it starts as quickly as the test does."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mediatheque.__main__ import main
from tests.conftest import Tenant


@dataclass(frozen=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def environment(tenant: Tenant, tmp_path: Path) -> dict[str, str]:
    """What a user sets."""
    return {
        "MEDIATHEQUE_URL": tenant.server.url,
        "MEDIATHEQUE_API_KEY": tenant.key.key,
        "MEDIATHEQUE_STATE_DIR": str(tmp_path / "state"),
    }


@pytest.fixture
def cli(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    """Runs `mediatheque …` in a folder of this test alone."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mediatheque", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else int(code is not None), told.out, told.err)

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with pictures: five, of which two are alike, and what is no picture."""
    from tests.pictures import picture

    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for seed in range(4):
        (folder / f"{seed}.png").write_bytes(picture("PNG", seed=seed))
    (folder / "more" / "twin.png").write_bytes(picture("PNG", seed=0))
    (folder / "empty.png").touch()
    (folder / ".hidden.png").write_bytes(picture("PNG", seed=9))
    return folder

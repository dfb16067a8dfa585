"""The wheel: what is in it, and that it works in an environment in which nothing else is."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import beginner
from tests.pictures import picture
from tests.support import ADMIN_KEY, Server, until_ready, upload

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mediatheque"
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server out of the wheel, with no extra, in an environment of its own."""
    folder = tmp_path_factory.mktemp("installed")
    uv("venv", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--python", str(python), str(wheel))
    environment = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    server = Server(folder / "data", environment, python=str(python)).start()
    yield server
    assert server.stop() == 0


def uv(*arguments: str) -> None:
    answer = subprocess.run([UV, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stderr


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    ours = {it.relative_to(PACKAGE.parent).as_posix() for it in PACKAGE.rglob("*") if it.is_file()}
    wanted = {name for name in ours if "__pycache__" not in name}
    assert wanted <= names
    assert {name for name in names - wanted if ".dist-info/" not in name} == set()
    assert "mediatheque/py.typed" in names


def test_a_server_out_of_the_wheel_takes_a_picture_and_makes_its_sizes(installed: Server) -> None:
    with installed.client() as client:
        image = upload(client, picture("JPEG", 300, 200))
        assert until_ready(client, image).headers["content-type"] == "image/jpeg"


def test_its_commands_and_its_client_work(installed: Server, tmp_path: Path) -> None:
    installed.environment |= {"MEDIATHEQUE_API_KEY": ADMIN_KEY, "MEDIATHEQUE_STATE_DIR": str(tmp_path)}
    (tmp_path / "one.png").write_bytes(picture("PNG"))
    sent = installed.command("upload", str(tmp_path / "one.png"), "--url", installed.url, "--json")
    assert json.loads(sent.stdout)["sent"] == 1, sent.stderr
    told = installed.command("doctor", "--json", "--url", installed.url)
    assert {it["part"] for it in json.loads(told.stdout) if it["state"] == "wrong"} == set()


def test_the_quick_start_goes_from_nothing_to_a_library_in_use(wheel: Path, tmp_path: Path) -> None:
    uv("venv", "--seed", str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    with beginner(tmp_path / "home", python=python, patience_seconds=600) as reader:
        (reader.folder / "dist").symlink_to(wheel.parent)
        assert reader.follow(ROOT / "docs" / "quick-start.md") > 20


def test_what_it_is_made_of_can_be_listed() -> None:
    listed = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert listed.returncode == 0, listed.stderr
    found = json.loads((ROOT / "dist" / "sbom.json").read_text())
    assert found["bomFormat"] == "CycloneDX"
    assert {"httpx", "sqlalchemy", "pillow"} <= {it["name"] for it in found["components"]}

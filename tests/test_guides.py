"""Every command of the pages runs as it stands, and answers what is printed there."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mediatheque.core.accounts import Accounts
from mediatheque.model import Role
from tests import servers
from tests.conftest import Postgres
from tests.github import TOKEN
from tests.pages import ADDRESS, BLOCK, ROOT, beginner, files, reading, steps
from tests.support import Server

DOCS = ROOT / "docs"
GUIDES = (
    "artifacts.md",
    "assets.md",
    "files.md",
    "images.md",
    "links.md",
    "mcp.md",
    "openai.md",
    "security.md",
    "transforms.md",
    "uploads.md",
    "webhooks.md",
)
"""Pages for whoever has a server and a key."""
WITH_PLACES = ("README.md", "docs/privacy.md", "docs/storage.md", "docs/tour-assets.md")
"""Pages for an operator, who has places for bytes."""
FROM_NOTHING = ("docs/quick-start.md", "docs/operations.md")
"""Pages that begin with the server."""
POSTGRESQL = "postgresql://mediatheque:password@db.example/mediatheque"
needs_tools = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")


@needs_tools
@pytest.mark.parametrize("page", GUIDES)
def test_the_commands_of_a_guide_do_what_it_says(page: str, server: Server, accounts: Accounts, tmp_path: Path) -> None:
    tenant = f"guide-{uuid4().hex[:12]}"
    key = accounts.create_key(tenant, role=Role.ADMIN)
    files(tmp_path / "home")
    environment = server.full_environment() | {"KEY": key.key, "MEDIATHEQUE_URL": server.url}
    places = {
        ADDRESS: server.url.removeprefix("http://"),
        "https://example.org/hook": servers.receiver().at(page).url,
        "--tenant default": f"--tenant {tenant}",
    }
    with reading(tmp_path / "home", environment=environment, places=places) as reader:
        assert reader.follow(DOCS / page)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose tenants may name the tests' S3 server and GitHub."""
    reachable = [servers.seaweed().endpoint, servers.github().url]
    environment = {"MEDIATHEQUE_ENDPOINT_ALLOW": ",".join(it.removeprefix("http://") for it in reachable)}
    running = Server(tmp_path_factory.mktemp("places") / "data", environment).start()
    yield running
    assert running.stop() == 0


@needs_tools
@pytest.mark.parametrize("page", WITH_PLACES)
def test_the_commands_of_an_operator_do_what_the_page_says(page: str, operated: Server, tmp_path: Path) -> None:
    made = operated.command("keys", "create", "--tenant", f"of-{Path(page).stem.lower()}", "--role", "admin", "--json")
    files(tmp_path / "home")
    there = {"S3": servers.seaweed().endpoint, "GH": servers.github().url, "TOKEN": TOKEN}
    environment = operated.full_environment() | there | {"KEY": json.loads(made.stdout)["key"]}
    environment |= {"MEDIATHEQUE_URL": operated.url, "MEDIATHEQUE_STATE_DIR": str(tmp_path / "state")}
    known = {ADDRESS: operated.url.removeprefix("http://")}
    with reading(tmp_path / "home", environment=environment, places=known) as reader:
        assert reader.follow(ROOT / page)


@needs_tools
@pytest.mark.parametrize("page", FROM_NOTHING)
def test_a_stranger_comes_from_nothing_to_a_library_in_use(page: str, postgres: Postgres, tmp_path: Path) -> None:
    with beginner(tmp_path / "home", skips=("pip install ",)) as reader:  # the tests' environment has all of it
        reader.places |= {"/var/backups": str(tmp_path), POSTGRESQL: postgres.create()}
        assert reader.follow(ROOT / page)


def test_every_command_of_a_page_is_run_by_a_test() -> None:
    run = {DOCS / page for page in GUIDES} | {ROOT / page for page in (*WITH_PLACES, *FROM_NOTHING)}
    for page in [ROOT / "README.md", *DOCS.glob("**/*.md")]:
        for language, _, text in BLOCK.findall(page.read_text()):
            told = re.search(r"^(?:\$ |curl |mediatheque |pip )", text, re.MULTILINE)
            assert not told or language == "console", f"{page.name}: {told[0]} in a block that nobody runs"
        assert page in run or not [it for it in steps(page) if it.command], f"{page.name} is not run"

"""One library on each database, with faults that can be armed; and one of a test's own."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import DATABASES
from tests.faults.ledger import Ledger
from tests.faults.site import Site
from tests.servers import seaweed

DEPLOYMENTS = ("embedded", "scaled")
"""SQLite with a folder, PostgreSQL with S3."""


@pytest.fixture(scope="session", params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running library that the tests share, once on SQLite and once on PostgreSQL."""
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    running = Site.at(tmp_path_factory.mktemp(request.param) / "site", url)
    running.server.start()
    yield running
    running.close()


@pytest.fixture(scope="session", params=DEPLOYMENTS)
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running library that the tests share, once on each deployment."""
    url, environment = "", {}
    if request.param == "scaled":
        url, environment = request.getfixturevalue("postgres").create(), seaweed().environment(seaweed().place())
    running = Site.at(tmp_path_factory.mktemp(request.param) / "site", url, **environment)
    running.server.start()
    yield running
    running.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """A function that makes libraries of this test's own, not yet started: `make_site(database_url, **environment)`."""
    made: list[Site] = []

    def make(database_url: str = "", **environment: str) -> Site:
        made.append(Site.at(tmp_path_factory.mktemp("own") / "site", database_url, **environment))
        return made[-1]

    yield make
    for site in made:
        site.close()

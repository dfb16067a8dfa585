"""SIGKILL at every named place, under load: nothing acknowledged is lost, every run ends (F1, F2, F3, F25)."""

import asyncio
import signal
from collections.abc import Callable

import pytest

from mediatheque.faults import PLACES
from tests.conftest import DATABASES
from tests.faults.conftest import DEPLOYMENTS
from tests.faults.invariants import check, settle
from tests.faults.ledger import Ledger, press_until_struck
from tests.faults.site import OF_A_FOLDER, Site

FIRST_START = ("start.secret", "migration.begun", "migration.applied", "start.migrated", "start.tenant")
"""In the order in which a first start passes them."""
RUNNING = tuple(place for place in PLACES if place not in FIRST_START)
EVERYWHERE = [(it, place) for it in DEPLOYMENTS for place in RUNNING if it == "embedded" or place not in OF_A_FOLDER]


@pytest.mark.parametrize(("deployment", "place"), EVERYWHERE, indirect=["deployment"])
def test_a_kill_at_any_place_loses_nothing(deployment: Site, ledger: Ledger, place: str) -> None:
    whole_tree = RUNNING.index(place) % 2 == deployment.is_sqlite  # each place sees both, on one deployment each
    asyncio.run(press_until_struck(deployment, ledger, place, "killall" if whole_tree else "kill"))
    check(deployment, ledger)


@pytest.mark.parametrize(("action", "ended"), [("killall", -signal.SIGKILL), ("kill", 1)])
@pytest.mark.parametrize("database", DATABASES)
def test_a_first_start_that_is_killed_again_and_again_is_completed_by_the_next(
    database: str, action: str, ended: int, make_site: Callable[..., Site], ledger: Ledger,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    url = request.getfixturevalue("postgres").create() if database == "postgresql" else ""
    site = make_site(url, MEDIATHEQUE_SECRET="")
    for place in FIRST_START:
        with site.armed(place, action):
            assert site.server.command("serve").returncode == ended
    site.server.start()
    asyncio.run(press_until_struck(site, ledger, "run.recorded", "kill"))
    check(site, ledger)


def test_the_jobs_of_a_dead_worker_are_done_by_others_before_two_heartbeats(deployment: Site, ledger: Ledger) -> None:
    asyncio.run(press_until_struck(deployment, ledger, "run.performed", "kill"))
    deployment.revive()
    settle(deployment, lapse=False, seconds=25)  # 2 x 10 s, and the time to do them
    check(deployment, ledger)
